"""Doors of consent: give under a text version, withdraw, ask whether one holds."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError, Invalid
from customers import effects
from customers.models import Consent, ConsentText, Customer, Purpose
from governance import person_keys, uses
from governance.models import Partner, User
from governance.models.identity import Channel
from ledger import log


class NoText(Invalid):
    code = "no_consent_text"


class NoRecipient(Invalid):
    code = "no_recipient"


class NoConsent(DomainError):
    """There is nothing to withdraw."""

    code = "no_consent"


def text_hash(text_en: str, text_zh: str) -> str:
    """Return the SHA-256 of both wordings of a consent text."""
    return hashlib.sha256(f"{text_en}\n\x00\n{text_zh}".encode()).hexdigest()


def text_for(purpose: str, *, on: date, version: str = "") -> ConsentText:
    """Return the wording in force for a purpose on a date, or the named version.

    :raises NoText: if there is none
    """
    texts = ConsentText.objects.filter(purpose=purpose, effective_from__lte=on)
    if version:
        texts = texts.filter(version=version)
    found = texts.order_by("-effective_from", "-pk").first()
    if found is None:
        sentence = _("There is no consent text of this version for this purpose.")
        raise NoText(sentence, fields={"text_version": sentence})
    return found


@transaction.atomic
def give(
    customer: Customer,
    *,
    purpose: str,
    actor: User,
    at: datetime,
    channel: str = Channel.BRANCH,
    version: str = "",
    recipient: Partner | None = None,
) -> Consent:
    """Record that `customer` agreed to `purpose`; a live consent under another text is ended and replaced.

    :param recipient: to whom data may go; named for sharing, and for nothing else
    :raises NoText: if the version of the text does not exist
    :raises NoRecipient: if it is about sharing and names nobody, or names somebody and is about something else
    :raises PersonErased: if the person was erased
    """
    if (purpose == Purpose.SHARING) != (recipient is not None):
        sentence = _("A consent to sharing names the third party, and no other consent does.")
        raise NoRecipient(sentence, fields={"recipient": sentence})
    text = text_for(purpose, on=localdate(at), version=version)
    person_keys.still_kept(Customer.objects.select_for_update(of=("self",), no_key=True).only("pk", "erased_at").get(pk=customer.pk))
    live = Consent.objects.filter(customer=customer, purpose=purpose, recipient=recipient, withdrawn_at__isnull=True).first()
    if live is not None:
        if live.text_version == text.version and (live.expires_on is None or live.expires_on > localdate(at)):
            return live
        Consent.objects.filter(pk=live.pk).update(withdrawn_at=max(at, live.given_at))
    consent = Consent.objects.create(
        customer=customer,
        purpose=purpose,
        text_version=text.version,
        text_hash=text.sha256,
        channel=channel,
        given_at=at,
        data_classes=text.data_classes,
        recipient=recipient,
        expires_on=localdate(at) + timedelta(days=text.valid_days) if text.valid_days else None,
        recorded_by=actor,
    )
    log.record(
        "customers.consent.given",
        consent,
        actor=actor,
        at=at,
        customer_id=customer.pk,
        purpose=purpose,
        text_version=text.version,
        text_hash=text.sha256,
        **_named(recipient),
    )
    return consent


@transaction.atomic
def withdraw(customer: Customer, *, purpose: str, actor: User, at: datetime, recipient: Partner | None = None) -> Consent:
    """End the live consent of a purpose and stop what rested on it: `customers.effects` says what, the consent keeps how much.

    :raises NoConsent: if there is none
    """
    live = Consent.objects.filter(customer=customer, purpose=purpose, recipient=recipient, withdrawn_at__isnull=True).first()
    ended = {"withdrawn_at": max(at, live.given_at), "withdrawn_by": actor} if live else {}
    if live is None or not Consent.objects.filter(pk=live.pk, withdrawn_at__isnull=True).update(**ended):
        raise NoConsent(_("There is no live consent for this purpose."))
    stopped = effects.carry(customer, purpose, actor=actor, at=at)
    Consent.objects.filter(pk=live.pk).update(effects=stopped)
    live.refresh_from_db()
    carried = {name: number for name, number in stopped.items() if number}
    log.record(
        "customers.consent.withdrawn", live, actor=actor, at=at, customer_id=customer.pk, purpose=purpose, **_named(recipient),
        **({"effects": carried} if carried else {}),
    )  # fmt: skip
    return live


def _named(recipient: Partner | None) -> dict[str, str]:
    return {"recipient": recipient.public_id} if recipient else {}


def live(on: date) -> Q:
    """Return the condition of a consent that holds on a date."""
    return Q(withdrawn_at__isnull=True) & (Q(expires_on__isnull=True) | Q(expires_on__gt=on))


def holds(customer: Customer, purpose: str, *, on: date, recipient: Partner | None = None) -> bool:
    """Return whether a live consent for `purpose` holds on a date; to one third party, where `recipient` is named."""
    rows = Consent.objects.filter(live(on), customer=customer, purpose=purpose)
    return (rows.filter(recipient=recipient) if recipient else rows).exists()


def recipients(customer: Customer, *, on: date) -> list[Partner]:
    """Return the third parties to whom data of `customer` may be given on a date."""
    rows = Consent.objects.filter(live(on), customer=customer, purpose=Purpose.SHARING).select_related("recipient").order_by("pk")
    return [row.recipient for row in rows if row.recipient is not None]


@dataclass(frozen=True)
class Line:
    """One consent of the ledger with the words it was given under, and whether they are still the same."""

    consent: Consent
    text: ConsentText | None
    state: str

    @property
    def untouched(self) -> bool:
        """Whether the words on file still hash to what the person agreed to."""
        return self.text is not None and text_hash(self.text.text_en, self.text.text_zh) == self.consent.text_hash


def history(customer: Customer, *, on: date) -> list[Line]:
    """Return every consent of a customer, newest first, each with its text. Two queries."""
    rows = list(customer.consents.select_related("recipient", "recorded_by", "withdrawn_by").order_by("-given_at", "-pk"))
    texts = {(text.purpose, text.version): text for text in ConsentText.objects.all()}
    return [Line(row, texts.get((row.purpose, row.text_version)), _state(row, on)) for row in rows]


def _state(row: Consent, on: date) -> str:
    if row.withdrawn_at is not None:
        return "withdrawn"
    return "expired" if row.expires_on is not None and row.expires_on <= on else "live"


def _agreed(rows: Any, kind: str, at: datetime) -> Any:
    agreed = Consent.objects.filter(live(localdate(at)), customer=OuterRef("pk"), purpose=kind)
    return rows.filter(Exists(agreed))


def _agreed_of(rows: Any, kind: str, at: datetime) -> Any:
    """Narrow what a customer told us of others to the customers who agreed."""
    return rows.filter(Exists(Consent.objects.filter(live(localdate(at)), customer=OuterRef("customer"), purpose=kind)))


def _label(kind: str) -> Any:
    return dict(Purpose.choices).get(kind, kind)


uses.CONSENTS.register("customers.customer", uses.ConsentOf(_agreed, _label))
uses.CONSENTS.register("customers.relation", uses.ConsentOf(_agreed_of, _label))
