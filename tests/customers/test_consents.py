"""Consent is given under a text, ends by withdrawal or time, and is asked by day."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connections

from customers import consents
from customers.models import Consent, ConsentText, Customer, Purpose
from ledger.models import Entry
from tests.fixtures.cast import NOON, TODAY, Cast


@pytest.fixture(autouse=True)
def texts(db: None) -> None:
    from customers import seeds

    seeds.seed()


def new_text(version: str, *, since: date = date(2026, 2, 1), days: int | None = None) -> ConsentText:
    return ConsentText.objects.create(
        purpose=Purpose.BUREAU, version=version, text_en=version, text_zh=version,
        sha256=consents.text_hash(version, version), effective_from=since, valid_days=days,
    )  # fmt: skip


def give(customer: Customer, cast: Cast, **changes: Any) -> Consent:
    return consents.give(customer, **{"purpose": Purpose.BUREAU, "actor": cast.loan_officer, "at": NOON} | changes)


def test_a_consent_names_its_text(cast: Cast, customer: Customer) -> None:
    consent = give(customer, cast)
    text = ConsentText.objects.get(purpose=Purpose.BUREAU, version="2026-1")
    assert (consent.text_version, consent.text_hash) == ("2026-1", text.sha256)
    assert text.sha256 == consents.text_hash(text.text_en, text.text_zh)
    assert consents.holds(customer, Purpose.BUREAU, on=TODAY)
    assert not consents.holds(customer, Purpose.MARKETING, on=TODAY)
    entry = Entry.objects.get(event="customers.consent.given")
    assert entry.customer_id == customer.pk
    assert entry.facts == {"purpose": "bureau_query", "text_version": "2026-1", "text_hash": text.sha256}


def test_the_text_in_force_is_the_newest_that_has_begun(cast: Cast, customer: Customer) -> None:
    new_text("2026-2")
    new_text("2027-1", since=date(2027, 1, 1))
    assert give(customer, cast).text_version == "2026-2"


def test_an_older_text_may_be_named_but_not_an_unknown_or_future_one(cast: Cast, customer: Customer) -> None:
    new_text("2026-2")
    new_text("2027-1", since=date(2027, 1, 1))
    assert give(customer, cast, version="2026-1").text_version == "2026-1"
    for version in ("2027-1", "1999-9"):
        with pytest.raises(consents.NoText) as refusal:
            give(customer, cast, version=version)
        assert refusal.value.status == 422


def test_the_day_of_a_consent_is_the_houses_day(cast: Cast, customer: Customer) -> None:
    """At six in the morning in Shanghai it is still yesterday in UTC."""
    new_text("2026-3", since=date(2026, 3, 3), days=30)
    early = datetime(2026, 3, 2, 22, 0, tzinfo=UTC)
    consent = give(customer, cast, at=early)
    assert (consent.text_version, consent.expires_on) == ("2026-3", date(2026, 4, 2))


def test_given_twice_is_one_consent(cast: Cast, customer: Customer) -> None:
    assert give(customer, cast) == give(customer, cast, at=NOON + timedelta(days=1))
    assert Entry.objects.filter(event="customers.consent.given").count() == 1


def test_a_new_text_replaces_the_old_consent(cast: Cast, customer: Customer) -> None:
    old = give(customer, cast)
    new_text("2026-2")
    new = give(customer, cast, at=NOON + timedelta(days=1))
    old.refresh_from_db()
    assert old.withdrawn_at == NOON + timedelta(days=1)
    assert consents.holds(customer, Purpose.BUREAU, on=TODAY)
    assert Consent.objects.get(customer=customer, withdrawn_at__isnull=True) == new


def test_a_withdrawn_consent_no_longer_holds(cast: Cast, customer: Customer) -> None:
    give(customer, cast)
    consents.withdraw(customer, purpose=Purpose.BUREAU, actor=cast.loan_officer, at=NOON + timedelta(hours=1))
    assert not consents.holds(customer, Purpose.BUREAU, on=TODAY)
    assert Entry.objects.filter(event="customers.consent.withdrawn", customer_id=customer.pk).count() == 1
    with pytest.raises(consents.NoConsent) as refusal:
        consents.withdraw(customer, purpose=Purpose.BUREAU, actor=cast.loan_officer, at=NOON)
    assert refusal.value.status == 409


def test_a_consent_may_be_given_again_after_withdrawal(cast: Cast, customer: Customer) -> None:
    give(customer, cast)
    consents.withdraw(customer, purpose=Purpose.BUREAU, actor=cast.loan_officer, at=NOON)
    give(customer, cast, at=NOON + timedelta(days=1))
    assert consents.holds(customer, Purpose.BUREAU, on=TODAY)
    assert Consent.objects.count() == 2


def test_a_consent_ends_with_its_days(cast: Cast, customer: Customer) -> None:
    new_text("2026-2", days=30)
    consent = give(customer, cast)
    assert consent.expires_on == date(2026, 4, 1)
    assert consents.holds(customer, Purpose.BUREAU, on=date(2026, 3, 31))
    assert not consents.holds(customer, Purpose.BUREAU, on=date(2026, 4, 1))


def test_an_expired_consent_is_renewed_by_a_new_one(cast: Cast, customer: Customer) -> None:
    new_text("2026-2", days=30)
    give(customer, cast)
    later = NOON + timedelta(days=60)
    renewed = give(customer, cast, at=later)
    assert consents.holds(customer, Purpose.BUREAU, on=later.date())
    assert Consent.objects.get(customer=customer, withdrawn_at__isnull=True) == renewed


def test_given_by_many_at_once_is_one_live_consent(transactional_db: None, cast: Cast, make_customer: Any) -> None:
    from customers import seeds

    seeds.seed()
    customer, barrier = make_customer(), Barrier(4)

    def at_once(_number: int) -> int:
        try:
            barrier.wait(timeout=10)
            return int(give(customer, cast).pk)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(at_once, range(4)))) == 1
    assert Consent.objects.filter(withdrawn_at__isnull=True).count() == 1


def test_a_seeded_text_stays_as_it_is(db: None) -> None:
    from customers import seeds

    before = list(ConsentText.objects.order_by("pk").values())
    seeds.seed()
    assert list(ConsentText.objects.order_by("pk").values()) == before
