"""The consent ledger: to whom, about what, under which words; what a withdrawal stops; and who opened which value."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from rest_framework.test import APIClient

from customers import consents, effects, openings, reveals
from customers.models import Activity, Consent, ConsentText, Customer, Message, Purpose
from governance import purposes, uses
from governance.models import Partner
from ledger.models import Entry
from tests.fixtures.cast import NOON, TODAY, Cast


@pytest.fixture(autouse=True)
def ground(db: None) -> None:
    from customers import seeds

    seeds.seed()
    purposes.forget()


@pytest.fixture
def partner(cast: Cast) -> Partner:
    return Partner.objects.create(legal_entity=cast.entity, code="insurer", name="Insurer")


def give(customer: Customer, cast: Cast, purpose: str = Purpose.MARKETING, **more: Any) -> Consent:
    return consents.give(customer, purpose=purpose, actor=cast.loan_officer, at=NOON, **more)


def withdraw(customer: Customer, cast: Cast, purpose: str = Purpose.MARKETING, **more: Any) -> Consent:
    return consents.withdraw(customer, purpose=purpose, actor=cast.loan_officer, at=NOON + timedelta(hours=1), **more)


def test_a_consent_names_its_classes_and_a_sharing_its_third_party(cast: Cast, customer: Customer, partner: Partner) -> None:
    given = give(customer, cast, Purpose.SHARING, recipient=partner)
    assert (given.recipient, given.data_classes) == (partner, ["identity", "contact", "credit"])
    assert consents.recipients(customer, on=TODAY) == [partner]
    other = Partner.objects.create(legal_entity=cast.entity, code="other", name="Other")
    assert consents.holds(customer, Purpose.SHARING, on=TODAY, recipient=partner)
    assert not consents.holds(customer, Purpose.SHARING, on=TODAY, recipient=other)
    give(customer, cast, Purpose.SHARING, recipient=other)
    withdraw(customer, cast, Purpose.SHARING, recipient=partner)
    assert consents.recipients(customer, on=TODAY) == [other], "each third party stands for itself"
    for purpose, recipient in ((Purpose.SHARING, None), (Purpose.MARKETING, partner)):
        with pytest.raises(consents.NoRecipient) as refusal:
            give(customer, cast, purpose, recipient=recipient)
        assert "recipient" in refusal.value.fields


def test_changed_words_are_found(cast: Cast, customer: Customer) -> None:
    give(customer, cast)
    [line] = consents.history(customer, on=TODAY)
    assert line.untouched
    ConsentText.objects.filter(purpose=Purpose.MARKETING).update(text_zh="本人同意一切")
    [line] = consents.history(customer, on=TODAY)
    assert not line.untouched


def offer(customer: Customer, cast: Cast, key: str) -> Message:
    from customers.models import MessageTemplate

    template = MessageTemplate.objects.filter(channel="sms").first()
    return Message.objects.create(
        customer=customer, template=template, channel="sms", purpose="marketing", key=key, language="zh-hans", address="13800000000", text="优惠",
        planned_at=NOON, due_at=NOON,
    )  # fmt: skip


def test_offers_that_wait_are_foreseen_and_given_up(cast: Cast, customer: Customer) -> None:
    give(customer, cast)
    waiting, other = offer(customer, cast, "a"), offer(customer, cast, "b")
    Message.objects.filter(pk=other.pk).update(purpose="service")
    assert any("1 that waits" in sentence for sentence in effects.foreseen(customer, Purpose.MARKETING))
    ended = withdraw(customer, cast)
    waiting.refresh_from_db()
    other.refresh_from_db()
    assert (waiting.status, waiting.problem, other.status) == ("cancelled", "consent_withdrawn", "planned")
    assert (ended.effects["offers_stop"], ended.withdrawn_by) == (1, cast.loan_officer)
    assert Entry.objects.get(event="customers.consent.withdrawn").facts == {"purpose": "marketing", "effects": {"offers_stop": 1}}
    with pytest.raises(uses.UnlawfulUse):
        Customer.objects.for_purpose("marketing", actor=None, at=NOON + timedelta(hours=2)).get(pk=customer.pk)


def test_an_effect_that_fails_leaves_the_consent_as_it_was(cast: Cast, customer: Customer, monkeypatch: Any) -> None:
    give(customer, cast)

    def fails(customer: Customer, *, actor: Any, at: Any) -> int:
        raise ValueError

    monkeypatch.setitem(
        effects.EFFECTS._items, "offers_stop", effects.Effect("offers_stop", ("marketing",), "x", lambda customer: "x", fails)
    )
    with pytest.raises(ValueError):
        withdraw(customer, cast)
    assert consents.holds(customer, Purpose.MARKETING, on=TODAY)


def test_sensitive_data_becomes_somebodys_task(cast: Cast, customer: Customer) -> None:
    give(customer, cast, Purpose.SENSITIVE)
    assert withdraw(customer, cast, Purpose.SENSITIVE).effects == {"sensitive_cleared": 1}
    assert Activity.objects.get(customer=customer).assignee in (customer.owner, cast.loan_officer)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_withdraw_at_once_one_does(cast: Cast, customer: Customer) -> None:
    give(customer, cast, Purpose.SENSITIVE)
    start = Barrier(2)

    def end(_number: int) -> str:
        start.wait()
        try:
            withdraw(customer, cast, Purpose.SENSITIVE)
        except consents.NoConsent:
            return "none left"
        finally:
            connections.close_all()
        return "ended"

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(end, range(2))) == ["ended", "none left"]
    assert Activity.objects.filter(customer=customer).count() == 1, "what it stops is stopped once"


@pytest.mark.parametrize("kind", Purpose.values)
def test_every_kind_of_consent_says_what_ends_with_it(kind: str) -> None:
    assert effects.of(kind)
    assert ConsentText.objects.get(purpose=kind).data_classes


# --- pages --------------------------------------------------------------------------------------------------------
def test_the_ledger_is_read_and_a_withdrawal_shows_what_ends_first(
    cast: Cast, customer: Customer, partner: Partner, client: Client
) -> None:
    client.force_login(cast.loan_officer)
    here = f"/customers/{customer.public_id}"
    give_page = client.get(f"{here}/consents/sharing/").content.decode()
    assert "Insurer" in give_page
    typed = {"purpose": "sharing", "channel": "branch", "agreed": "on"}
    assert client.post(f"{here}/consents/sharing/", typed).status_code == 422
    assert client.post(f"{here}/consents/sharing/", typed | {"recipient": partner.pk}).status_code == 303
    panel = client.get(f"{here}/consents/").content.decode()
    assert "Insurer" in panel
    assert "unchanged" in panel
    url = f"{here}/consents/sharing/withdraw/"
    assert "third party" in client.get(f"{url}?recipient={partner.public_id}").content.decode()
    assert client.get(f"{url}?recipient=P-22222222X").status_code == 404
    assert consents.holds(customer, Purpose.SHARING, on=TODAY, recipient=partner), "looking ends nothing"
    assert client.post(url, {"recipient": partner.public_id}).status_code == 303
    assert "Withdrawn" in client.get(f"{here}/consents/").content.decode()
    assert client.post(url, {"recipient": partner.public_id}).status_code == 409


def test_the_api_reads_gives_and_withdraws_as_before(cast: Cast, customer: Customer, partner: Partner, token_of: Any) -> None:
    Customer.objects.filter(pk=customer.pk).update(owner=cast.service)
    caller = APIClient()
    caller.credentials(HTTP_AUTHORIZATION=f"Bearer {token_of('customers:read', 'customers:write')}")
    here = f"/api/v1/customers/{customer.public_id}/consents/"
    assert caller.post(here, {"purpose": "bureau_query"}, format="json").status_code == 201
    assert caller.post(here, {"purpose": "sharing"}, format="json").status_code == 422
    made = caller.post(here, {"purpose": "sharing", "recipient": partner.public_id}, format="json")
    assert (made.status_code, made.json()["recipient"]) == (201, partner.public_id)
    assert caller.post(here, {"purpose": "sharing", "recipient": "P-22222222X"}, format="json").status_code == 422
    assert caller.post(f"{here}withdraw/", {"purpose": "bureau_query"}, format="json").json()["effects"] == {"bureau_refused": 0}
    assert [row["purpose"] for row in caller.get(here).json()] == ["sharing", "bureau_query"]


# --- who saw what -------------------------------------------------------------------------------------------------
def test_who_saw_what_is_read_by_auditors_and_ones_own_by_everybody(cast: Cast, customer: Customer, client: Client) -> None:
    asked = {"purpose": "service", "reason": "call back today", "at": NOON}
    reveals.reveal(customer, field="mobile", actor=cast.service_agent, **asked)
    reveals.reveal(customer, field="name", actor=cast.loan_officer, **asked)
    [newest, oldest] = openings.told(list(openings.of_customer(customer)))
    assert (newest.who, oldest.who) == (cast.loan_officer.name, cast.service_agent.name)
    assert (str(oldest.what), oldest.purpose) == ("Mobile", "Serve this customer")
    assert openings.own(cast.service_agent, at=NOON).count() == 1
    assert openings.own(cast.service_agent, at=NOON + timedelta(days=40)).count() == 0
    assert openings.most(cast.auditor, at=NOON) == [(name, 1) for name, _n in openings.most(cast.auditor, at=NOON)]
    client.force_login(cast.auditor)
    for url in ("/openings/", f"/customers/{customer.public_id}/openings/"):
        page = client.get(url).content.decode()
        assert cast.service_agent.name in page
        assert customer.mobile not in page
    assert cast.service_agent.name not in client.get("/openings/?kind=refused", headers={"HX-Request": "true"}).content.decode()
    client.force_login(cast.loan_officer)
    assert client.get("/openings/").status_code == 403
    mine = client.get("/openings/mine/").content.decode()
    assert cast.service_agent.name not in mine
