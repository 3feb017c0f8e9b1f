"""One-time codes by SMS: proof that whoever is on the line holds the mobile on file.

`issue` sends six digits, `confirm` takes them once: five tries, five minutes, at most five codes an hour and one a minute
per customer. Only a keyed hash is kept.
"""

import hmac
import secrets
import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.lib.errors import DomainError, Invalid
from customers import messages, templates
from customers.models import Customer, MessagePurpose, OneTimeCode
from governance import users, vault
from governance.models import User
from ledger import log

DIGITS, TRIES = 6, 5
LASTS = timedelta(minutes=5)
PAUSE = timedelta(seconds=60)
MOST, WITHIN = 5, timedelta(hours=1)
HASH = "customers.onetimecode.digest"

KIND = templates.declare(
    "code.confirm",
    label=gettext_lazy("One-time code"),
    purpose=MessagePurpose.CODE,
    samples={
        "code": ("482913", "482913"),
        "minutes": ("5", "5"),
        "lender": ("Xinyuan Consumer Finance", "信远消费金融"),
    },
    secret=True,
)


class TooManyCodes(DomainError):
    """A further code may be had later; `extra["again_at"]` says when."""

    code = "too_many_codes"
    status = 409


class WrongCode(Invalid):
    """The digits are not those that were sent; `extra["left"]` tries remain."""

    code = "wrong_code"


class NoCode(Invalid):
    """There is no code to confirm: never asked for, used, replaced, expired or tried too often."""

    code = "no_code"


@transaction.atomic
def issue(subject: str, *, customer: Customer, purpose: str, at: datetime, actor: User | None = None) -> OneTimeCode:
    """Send a new code to the customer's mobile for `subject` (a public id) and `purpose` (such as "accept_offer").

    A code before it for the same subject and purpose ends.

    :raises TooManyCodes: within a minute of the last, or after five in an hour
    """
    actor = actor or users.system()
    Customer.objects.select_for_update(of=("self",), no_key=True).only("pk").get(pk=customer.pk)  # two clicks issue one
    recent = list(
        OneTimeCode.objects.filter(customer=customer, issued_at__gt=at - WITHIN).order_by("-issued_at").values_list("issued_at", flat=True)
    )
    again_at = max(
        recent[0] + PAUSE if recent else at,
        recent[MOST - 1] + WITHIN if len(recent) >= MOST else at,
    )
    if again_at > at:
        raise TooManyCodes(_("A code was sent already. Ask for another one a little later."), again_at=again_at.isoformat())
    OneTimeCode.objects.filter(customer=customer, subject=subject, purpose=purpose, used_at__isnull=True, ended_at__isnull=True).update(
        ended_at=at
    )
    code, salt = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}", uuid.uuid4()
    message = messages.send(
        customer=customer,
        template=KIND,
        channel="sms",
        values={
            "code": code,
            "minutes": int(LASTS.total_seconds() // 60),
            "lender": messages.sender_name(customer, messages.language_of(customer)),
        },
        key=f"code:{salt}",
        actor=actor,
        at=at,
        purpose=MessagePurpose.CODE,
    )
    made = OneTimeCode.objects.create(
        subject=subject,
        purpose=purpose,
        customer=customer,
        message=message,
        salt=salt,
        digest=digest(code, salt),
        issued_at=at,
        expires_at=at + LASTS,
    )
    log.record("customers.code.issued", made, actor=actor, at=at, customer_id=customer.pk, purpose=purpose, about=subject)
    return made


def waits(subject: str, *, purpose: str, at: datetime) -> bool:
    """Return whether a code was sent for `subject` that can still be entered."""
    live = OneTimeCode.objects.filter(subject=subject, purpose=purpose, used_at__isnull=True, ended_at__isnull=True)
    return live.filter(expires_at__gt=at).exists()


def confirm(subject: str, *, customer: Customer, purpose: str, code: str, at: datetime, actor: User | None = None) -> OneTimeCode:
    """Take the digits the customer read from the mobile; once, within five minutes and five tries.

    Call it outside transactions: a wrong try has to be counted whatever the caller does then.

    :raises WrongCode: if the digits differ; `extra["left"]` tries remain
    :raises NoCode: if there is no live code
    :raises RuntimeError: inside a transaction
    """
    with transaction.atomic(durable=True):
        found = (
            OneTimeCode.objects.select_for_update(of=("self",))
            .filter(customer=customer, subject=subject, purpose=purpose, used_at__isnull=True, ended_at__isnull=True)
            .first()
        )
        live = found is not None and at < found.expires_at
        right = live and found is not None and hmac.compare_digest(digest(cleaned(code), found.salt), found.digest)
        if found is not None and live:
            found.tries += 1
            if right:
                found.used_at = at
            elif found.tries >= TRIES:
                found.ended_at = at
            found.save(update_fields=["tries", "used_at", "ended_at"])
            event = "customers.code.confirmed" if right else "customers.code.refused"
            log.record(
                event,
                found,
                actor=actor or users.system(),
                at=at,
                customer_id=customer.pk,
                purpose=purpose,
                about=subject,
                tries=found.tries,
            )
    if found is None or not live:
        sentence = _("There is no valid code. Ask for a new one.")
        raise NoCode(sentence, fields={"code": sentence})
    if not right:
        left = TRIES - found.tries
        sentence = _("The code is not the one that was sent.") if left else _("The code was wrong too often. Ask for a new one.")
        raise WrongCode(sentence, fields={"code": sentence}, left=left)
    return found


def cleaned(code: str) -> str:
    """Return only the digits: people type spaces, and Chinese keyboards full-width figures."""
    return "".join(str(int(sign)) for sign in code if sign.isdecimal())[:12]


def digest(code: str, salt: uuid.UUID) -> str:
    """Return the keyed hash of a code; the key does not lie in the database, so that a million guesses cannot be tried on a copy."""
    return vault.fingerprint(f"{salt}|{code}", label=HASH)
