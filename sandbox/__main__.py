"""`python -m sandbox --port N [--state FILE] [--smtp-port N] [--receipts URL] [--call-events URL]`: answer until SIGTERM or Ctrl-C.

Secrets come from the environment, since an argument would be seen by everybody: what signs delivery receipts (`CRM_RECEIPT_SECRET`), what
opens the envelopes for the bureau (`CRM_BUREAU_KEY`).
"""

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from sandbox import messages
from sandbox.bureau import Bureau
from sandbox.calls import Calls
from sandbox.checkout import Checkout
from sandbox.objects import Objects
from sandbox.payouts import TIMEOUT_SECONDS, Payouts
from sandbox.server import serve
from sandbox.transit import Transit


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="The outside world on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--state", type=Path, default=None, help="file that keeps what was done")
    parser.add_argument("--timeout", type=float, default=TIMEOUT_SECONDS, help="seconds of silence of the persona `timeout`")
    parser.add_argument("--smtp-port", type=int, default=0, help="listen for mail; 0 does not")
    parser.add_argument("--receipts", default="", help="address that is told what became of each text message")
    parser.add_argument("--replies", default="", help="address that is told what people answer to text messages")
    parser.add_argument("--call-events", default="", help="address that is told what happens to each call")
    parser.add_argument("--payments", default="", help="address that is told of each payment")
    parser.add_argument("--pace", type=float, default=1.0, help="of telephone calls: 0.1 is ten times as fast")
    chosen = parser.parse_args()
    secret = os.environ.get("CRM_RECEIPT_SECRET", "")
    receipts = messages.Receipts(chosen.receipts, secret, replies=chosen.replies) if chosen.receipts and secret else None
    texts = messages.Texts(chosen.state and chosen.state.with_suffix(".texts"), timeout=chosen.timeout, receipts=receipts)
    teller = messages.Receipts(chosen.call_events, secret) if chosen.call_events and secret else None
    payments = messages.Receipts(chosen.payments, secret) if chosen.payments and secret else None
    mailbox = messages.Mailbox(timeout=chosen.timeout)
    if chosen.smtp_port:
        try:
            messages.smtp(chosen.host, chosen.smtp_port, mailbox)
        except OSError as error:
            print(f"sandbox: port {chosen.smtp_port} on {chosen.host} cannot be had: {error.strerror}", file=sys.stderr)
            return 1
    try:
        server = serve(
            chosen.host,
            chosen.port,
            Payouts(chosen.state, timeout=chosen.timeout),
            texts,
            mailbox,
            Objects(token=os.environ.get("CRM_STORAGE_TOKEN", "")),
            Transit(token=os.environ.get("CRM_TRANSIT_TOKEN", ""), state=chosen.state and chosen.state.with_suffix(".transit")),
            Bureau(key=os.environ.get("CRM_BUREAU_KEY", ""), timeout=chosen.timeout),
            messages.Texts(chosen.state and chosen.state.with_suffix(".app"), timeout=chosen.timeout, receipts=receipts, numbers=False),
            messages.Texts(chosen.state and chosen.state.with_suffix(".ivr"), timeout=chosen.timeout, receipts=receipts),
            Calls(timeout=chosen.timeout, pace=chosen.pace, teller=teller),
            Checkout(teller=payments),
        )
    except OSError as error:
        print(f"sandbox: port {chosen.port} on {chosen.host} cannot be had: {error.strerror}", file=sys.stderr)
        return 1

    def stop(*_: object) -> None:
        threading.Thread(target=server.shutdown).start()  # shutdown waits for the loop this very thread runs

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"sandbox on http://{chosen.host}:{server.server_port}", flush=True)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
