"""`python -m sandbox --port N [--state FILE]`: answer until SIGTERM or Ctrl-C."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from sandbox.payouts import TIMEOUT_SECONDS, Payouts
from sandbox.server import serve


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="The outside world on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--state", type=Path, default=None, help="file that keeps what was done")
    parser.add_argument("--timeout", type=float, default=TIMEOUT_SECONDS, help="seconds of silence of the persona `timeout`")
    chosen = parser.parse_args()
    try:
        server = serve(chosen.host, chosen.port, Payouts(chosen.state, timeout=chosen.timeout))
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
