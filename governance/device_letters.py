"""The letter about a device an account never met. A letter beside the notice: without an address or a mail port the notice alone tells."""

from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from crm.lib.ports import mail
from crm.lib.ports.http import PortOff, PortRefused, PortUnknown
from governance.models import StaffSession


def post(row: StaffSession, *, at: datetime) -> bool:
    """Send the letter; return whether it certainly left. Call it outside transactions; a repetition carries the same Message-ID."""
    person = row.user
    if not person.email or not mail.is_on():
        return False
    host = urlsplit(settings.BASE_URL).hostname or "localhost"
    with translation.override(person.language or settings.LANGUAGE_CODE):
        text = _(
            "Your account was used on a device it was never used on before.\n\nIf that was you, do nothing. If not, end the session and change your password:\n%(link)s\n"
        )
        letter = mail.composed(
            to=person.email,
            sender=settings.MAIL_FROM,
            subject=_("A new device"),
            text=text % {"link": settings.BASE_URL.rstrip("/") + reverse("account")},
            message_id=f"<device-{row.public_id.lower()}@{host}>",
            at=at,
        )
    try:
        with mail.Session() as session:
            session.send(letter)
    except (PortOff, PortRefused, PortUnknown, mail.NotSent):
        return False  # the notice in the product stands
    return True
