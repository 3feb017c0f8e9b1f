"""Inviting a person: an account without a password, and a link that lets its owner choose one, once, within three days."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.lib.errors import DomainError
from crm.lib.ports import mail
from crm.lib.ports.http import PortOff, PortRefused, PortUnknown
from governance import users
from governance.models import Invitation, User
from ledger import log

VALID = timedelta(days=3)


class InvitationOver(DomainError):
    """The link was used, replaced by a newer one, has run out, or never was."""

    code = "invitation_over"
    status = 404


class CannotBeInvited(DomainError):
    """Only members of staff whose account is open sign in by a password."""

    code = "cannot_be_invited"


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@transaction.atomic
def invite(*, actor: User, at: datetime, **person: Any) -> tuple[User, str]:
    """Add a user without a password; return them with the token of their link, which is kept nowhere.

    :raises NameTaken: if the user name exists; for the rest see `users.create`
    """
    user = users.create(actor=actor, at=at, **person)
    return user, renew(user, actor=actor, at=at)


@transaction.atomic
def renew(user: User, *, actor: User, at: datetime) -> str:
    """Make a new link for `user` and end the one before; return its token.

    :raises CannotBeInvited: for a suspended account, or one that is no member of staff
    """
    row = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if not row.is_active or row.kind != User.Kind.STAFF:
        raise CannotBeInvited(gettext_lazy("Only members of staff with an open account are invited."))
    token = secrets.token_urlsafe(32)
    Invitation.objects.filter(user=row, ended_at__isnull=True).update(ended_at=at)
    Invitation.objects.create(user=row, token_hash=hashed(token), made_by=actor, made_at=at, expires_at=at + VALID)
    log.record("governance.user.invited", row, actor=actor, at=at)
    return token


def standing(token: str, *, at: datetime) -> Invitation:
    """Return the invitation that a token opens.

    :raises InvitationOver: if there is none that still stands
    """
    rows = Invitation.objects.filter(token_hash=hashed(token), ended_at__isnull=True, expires_at__gt=at, user__is_active=True)
    found = rows.select_related("user").first()
    if found is None:
        raise InvitationOver(gettext_lazy("This link does not hold any more: it was used, replaced, or its time is over."))
    return found


@transaction.atomic
def accept(token: str, *, password: str, at: datetime) -> User:
    """Let the invited person choose the password; the link is over with it.

    :raises InvitationOver: if the link does not hold any more; of two at once, one gets through
    :raises Invalid: if the password is too weak
    """
    found = standing(token, at=at)
    user = found.user
    users.check_password(password, user)
    if not Invitation.objects.filter(pk=found.pk, ended_at__isnull=True).update(used_at=at, ended_at=at):
        raise InvitationOver(gettext_lazy("This link does not hold any more: it was used, replaced, or its time is over."))
    user.set_password(password)
    user.save(update_fields=["password"])
    log.record("governance.user.joined", user, actor=user, at=at)
    return user


def link(token: str) -> str:
    return settings.BASE_URL.rstrip("/") + reverse("invitation", args=[token])


def post(user: User, token: str, *, at: datetime) -> bool:
    """Send the link by e-mail; return whether it certainly left. Call it outside transactions, once."""
    if not user.email or not mail.is_on():
        return False
    host = urlsplit(settings.BASE_URL).hostname or "localhost"
    with translation.override(user.language or settings.LANGUAGE_CODE):
        text = _(
            "%(name)s, you are invited to the consumer-finance CRM.\n\nUser name: %(username)s\nChoose your password here, within three days and once:\n%(link)s\n"
        )
        letter = mail.composed(
            to=user.email,
            sender=settings.MAIL_FROM,
            subject=_("Your invitation"),
            text=text % {"name": user.name, "username": user.username, "link": link(token)},
            message_id=f"<invitation-{hashed(token)[:32]}@{host}>",
            at=at,
        )
    try:
        with mail.Session() as session:
            session.send(letter)
    except (PortOff, PortRefused, PortUnknown, mail.NotSent):
        return False  # the administrator is shown the link instead
    Invitation.objects.filter(token_hash=hashed(token)).update(mailed_at=at)
    return True
