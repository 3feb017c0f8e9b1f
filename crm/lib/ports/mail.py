"""Port: e-mail by SMTP. `settings.PORTS["mail"]` is its address (`smtp://host:port`, `smtps://user:secret@host`); empty means off.

SMTP has no idempotency key: once the text is on its way and the answer does not come, nobody can tell whether it arrived.
That is `PortUnknown` here, and whoever gets it must not send again by itself.
"""

import smtplib
import ssl
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError
from crm.lib.ports.http import PortRefused, PortUnknown, address

NAME = "mail"
CONNECT_SECONDS, READ_SECONDS = 5.0, 15.0


class NotSent(DomainError):
    """It certainly did not leave: no connection, or the server put it off before taking the text. May be sent again."""

    code = "mail_not_sent"


def is_on() -> bool:
    """Return whether an address is set."""
    return bool(settings.PORTS.get(NAME))


def composed(*, to: str, sender: str, subject: str, text: str, message_id: str, at: datetime) -> EmailMessage:
    """Return the mail as it goes out; its Message-ID is what copies are counted by."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    mail["Message-ID"], mail["Date"] = message_id, format_datetime(at)
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text)
    return mail


class Session:
    """One connection for many mails; opened with the first, and again after a failure."""

    def __init__(self, *, read_seconds: float = READ_SECONDS) -> None:
        self.read_seconds = read_seconds
        self._open: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Hang up; whether the server hears it does not matter."""
        if self._open is not None:
            try:
                self._open.quit()
            except (smtplib.SMTPException, OSError):
                self._open.close()
            self._open = None

    def send(self, mail: EmailMessage) -> str:
        """Send one mail; return what the server said when it took it.

        :raises PortOff: if no address is set
        :raises NotSent: if it certainly did not leave
        :raises PortRefused: if the server refuses sender, recipient or text for good
        :raises PortUnknown: if the text was on its way and no answer came: it may have been delivered
        """
        data = mail.as_bytes()
        sender, recipient = str(mail["From"].addresses[0].addr_spec), str(mail["To"].addresses[0].addr_spec)
        try:
            server = self._connected()
            self._demand(server.mail(sender))
            self._demand(server.rcpt(recipient))
            self._demand(server.docmd("DATA"), expected=354)
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            raise _not_sent(type(error).__name__) from error
        try:
            server.send(_dotted(data))
            code, said = server.getreply()
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            raise PortUnknown(
                _("The mail server gave no certain answer (%(cause)s). The mail may have been delivered.")
                % {"cause": type(error).__name__},
                port=NAME,
                cause=type(error).__name__,
            ) from error
        if code == 250:
            return said.decode("ascii", "replace")[:200]
        self._answer(code, said)
        return ""

    def _connected(self) -> smtplib.SMTP:
        if self._open is None:
            where = urlsplit(address(settings.PORTS, NAME))
            host, secure = where.hostname or "", where.scheme == "smtps"
            server: smtplib.SMTP
            if secure:
                server = smtplib.SMTP_SSL(host, where.port or 465, timeout=CONNECT_SECONDS, context=ssl.create_default_context())
            else:
                server = smtplib.SMTP(host, where.port or 25, timeout=CONNECT_SECONDS)
            if server.sock is not None:
                server.sock.settimeout(self.read_seconds)
            server.ehlo()
            if not secure and where.username:
                server.starttls(context=ssl.create_default_context())
                server.ehlo()
            if where.username:
                server.login(unquote(where.username), unquote(where.password or ""))
            self._open = server
        return self._open

    def _demand(self, reply: tuple[int, bytes], *, expected: int = 250) -> None:
        code, said = reply
        if code != expected and not (expected == 250 and code == 251):
            self._answer(code, said)

    def _answer(self, code: int, said: bytes) -> None:
        """Turn a reply into a refusal: 5xx for good, anything else for now. The server has not taken the mail either way."""
        assert self._open is not None
        words = said.decode("utf-8", "replace")[:200]
        try:
            self._open.rset()
        except (smtplib.SMTPException, OSError):
            self._drop()
        if 500 <= code < 600:
            raise PortRefused(
                _("“%(port)s” refused: %(words)s") % {"port": NAME, "words": words}, port=NAME, their_status=code, their_code=str(code)
            )
        raise _not_sent(str(code))

    def _drop(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None


def _dotted(data: bytes) -> bytes:
    """Return the text as DATA wants it: lines by CRLF, a leading dot doubled, a dot alone at the end (RFC 5321, 4.5.2)."""
    lines = data.replace(b"\r\n", b"\n").split(b"\n")
    text = b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines)
    return text + (b"" if text.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _not_sent(cause: str) -> NotSent:
    return NotSent(_("The mail was not sent (%(cause)s). It is tried again later.") % {"cause": cause}, port=NAME, cause=cause)
