"""Doors of consent: give under a text version, withdraw, ask whether one holds."""

import hashlib
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError, Invalid
from customers.models import Consent, ConsentText, Customer
from governance.models import User
from governance.models.identity import Channel
from ledger import log


class NoText(Invalid):
    code = "no_consent_text"


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
def give(customer: Customer, *, purpose: str, actor: User, at: datetime, channel: str = Channel.BRANCH, version: str = "") -> Consent:
    """Record that `customer` agreed to `purpose`; a live consent under another text is ended and replaced.

    :raises NoText: if the version of the text does not exist
    """
    text = text_for(purpose, on=localdate(at), version=version)
    Customer.objects.select_for_update(of=("self",), no_key=True).only("pk").get(pk=customer.pk)
    live = Consent.objects.filter(customer=customer, purpose=purpose, withdrawn_at__isnull=True).first()
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
    )
    return consent


@transaction.atomic
def withdraw(customer: Customer, *, purpose: str, actor: User, at: datetime) -> Consent:
    """End the live consent of a purpose.

    :raises NoConsent: if there is none
    """
    live = Consent.objects.filter(customer=customer, purpose=purpose, withdrawn_at__isnull=True).first()
    if live is None or not Consent.objects.filter(pk=live.pk, withdrawn_at__isnull=True).update(withdrawn_at=max(at, live.given_at)):
        raise NoConsent(_("There is no live consent for this purpose."))
    live.refresh_from_db()
    log.record("customers.consent.withdrawn", live, actor=actor, at=at, customer_id=customer.pk, purpose=purpose)
    return live


def holds(customer: Customer, purpose: str, *, on: date) -> bool:
    """Return whether a live consent for `purpose` holds on a date."""
    live = Consent.objects.filter(customer=customer, purpose=purpose, withdrawn_at__isnull=True)
    return live.filter(Q(expires_on__isnull=True) | Q(expires_on__gt=on)).exists()
