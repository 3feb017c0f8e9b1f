"""Second factors through django-allauth: their secrets sealed, their need a rule, their changes in the ledger."""

import base64
from collections.abc import Collection
from datetime import datetime
from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.lib.errors import DomainError
from governance import vault
from governance.models import User
from ledger import log

PLACE = "governance.factor.secret"
REAL = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
USED_SECONDS = 180  # a code of an app holds for 90 s with one step of drift either way


class SealedFactors(DefaultMFAAdapter):
    """What allauth's second factors ask of the house."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": gettext_lazy("This code does not fit, or was used before. Wait for the next one."),
        "cannot_delete_authenticator": gettext_lazy("Your role asks for a second factor: set up another one before you remove this."),
    }

    def encrypt(self, text: str) -> str:
        """Seal a secret; the library hands over no row, so it is bound to the place alone."""
        return base64.b64encode(vault.seal(text, aad=PLACE)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return vault.unseal(base64.b64decode(encrypted_text), aad=PLACE)

    def get_totp_label(self, user: Any) -> str:
        return str(user.username)

    def get_public_key_credential_user_entity(self, user: Any) -> dict[str, Any]:
        return super().get_public_key_credential_user_entity(user) | {"name": user.username}

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return super().get_public_key_credential_rp_entity() | {"name": settings.MFA_TOTP_ISSUER}

    def generate_authenticator_name(self, user: Any, type: Any) -> str:  # noqa: A002  the library's name
        return _("Passkey %(n)s") % {"n": Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1}

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """The last one stays while the role asks for one."""
        others = Authenticator.objects.filter(user_id=authenticator.user_id, type__in=REAL).exclude(pk=authenticator.pk)
        return others.exists() or not asked_of(authenticator.user)


def has_one(user: User) -> bool:
    """Return whether `user` has a second factor; recovery codes alone are none."""
    return Authenticator.objects.filter(user_id=user.pk, type__in=REAL).exists()


def asked_of(user: User) -> bool:
    """Return whether the role of `user`, or of somebody who lent them theirs, asks for a second factor."""
    return any(one.role is not None and one.role.second_factor for one in (user, *user.acting_for))


def is_due(user: User) -> bool:
    """Return whether `user` must set up a second factor before anything else."""
    return asked_of(user) and not has_one(user)


def without(people: Collection[User]) -> set[int]:
    """Return those of `people` who have no second factor, by number; one query."""
    numbers = {one.pk for one in people}
    return numbers - set(Authenticator.objects.filter(user_id__in=numbers, type__in=REAL).values_list("user_id", flat=True))


def first_use(user: Any, code: str) -> bool:
    """Return whether `code` of `user` was not used in the last minutes: of two who send the same, one gets through."""
    return bool(cache.add(f"factor.used.{user.pk}.{vault.fingerprint(code, label=PLACE)[:32]}", 1, USED_SECONDS))


def record(event: str, user: User, *, kind: str, at: datetime) -> None:
    """Enter into the ledger that `user` added, removed or renewed a factor."""
    log.record(f"governance.factor.{event}", user, actor=user, at=at, factor=str(kind))


class OwnFactors(DomainError):
    """An administrator who lost their own asks another one."""

    code = "own_factors"


@transaction.atomic
def clear(user: User, *, actor: User, at: datetime) -> int:
    """Remove every factor of somebody who lost theirs, and end their sessions; return how many there were.

    :raises OwnFactors: if the actor is that user
    """
    if actor.pk == user.pk:
        raise OwnFactors(_("Nobody removes their own second factors here: use your account page."))
    gone, _rows = Authenticator.objects.filter(user_id=user.pk).delete()
    if gone:
        log.record("governance.factor.cleared", user, actor=actor, at=at, count=gone)
    return gone


def of(user: User) -> dict[str, Any]:
    """Return what the account page shows: the app, the passkeys, how many recovery codes are left."""
    found: dict[str, Any] = {"totp": None, "passkeys": [], "codes": None}
    for row in Authenticator.objects.filter(user_id=user.pk).order_by("pk"):
        if row.type == Authenticator.Type.TOTP:
            found["totp"] = row
        elif row.type == Authenticator.Type.WEBAUTHN:
            found["passkeys"].append({"row": row, "name": row.wrap().name})
        else:
            found["codes"] = len(row.wrap().get_unused_codes())
    return found
