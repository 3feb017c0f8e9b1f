"""Asking the credit bureau: under a consent and for a legal reason, through a real gateway that fails in every way."""

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from crm.lib.ports import bureau as port
from crm.lib.ports.http import PortOff, PortRefused
from customers import consents
from customers.models import Customer, Purpose
from governance import rules
from governance.models import Rule
from governance.uses import UnlawfulUse
from ledger import deliveries, log
from ledger.models import Entry
from risk import bureau, bureau_circuit, bureau_facts, bureau_rules, bureau_tasks
from risk.models import BureauCircuit, BureauQuery, BureauReport
from tests.credit.test_races import together
from tests.fixtures.cast import NOON, TODAY, Cast
from tests.fixtures.outside import Outside

pytestmark = pytest.mark.django_db
APPROVAL, POST_LOAN = BureauQuery.Reason.CREDIT_APPROVAL, BureauQuery.Reason.POST_LOAN
MINUTE = timedelta(minutes=1)


@pytest.fixture
def person(cast: Cast, make_customer: Callable[..., Any]) -> Callable[..., Customer]:
    """Return a factory of customers with consent, by the last four digits of their mobile: `person("7703")`."""

    def make(tail: str = "0000", *, agreed: bool = True) -> Customer:
        serial = Customer.objects.count()
        made: Customer = make_customer(mobile=f"1380{serial:03d}{tail}")
        if agreed:
            consents.give(made, purpose=Purpose.BUREAU, actor=cast.loan_officer, at=NOON)
        return made

    return make


@pytest.fixture
def ask(cast: Cast, bureau_port: Outside) -> Callable[..., BureauQuery]:
    """Ask about a person and fetch at once; the breaker's clock stands at NOON and nobody waits between tries."""

    def run(customer: Customer, *, reason: str = APPROVAL, at: Any = NOON, **more: Any) -> BureauQuery:
        query = bureau.request(customer, reason=reason, actor=cast.underwriter, at=at, at_once=True)
        return bureau.fetch(query, at=at, clock=lambda: at, sleep=lambda _seconds: None, **more)

    return run


# --- what must be there before anything is sent ----------------------------------------------------------------------------
def test_without_a_consent_it_is_refused_and_nothing_is_sent(cast: Cast, person: Any, bureau_port: Outside) -> None:
    customer, before = person(agreed=False), bureau_port.ask("/bureau/reports")["requests"]
    with pytest.raises(UnlawfulUse) as refusal:
        bureau.request(customer, reason=APPROVAL, actor=cast.underwriter, at=NOON)
    assert "Query of credit bureau reports" in str(refusal.value)
    assert not BureauQuery.objects.exists()
    assert bureau.ensure(customer, reason=APPROVAL, subject="x", actor=cast.system, at=NOON) is None
    assert bureau_port.ask("/bureau/reports")["requests"] == before


def test_a_consent_that_ended_on_the_way_stops_the_query_before_it_is_sent(cast: Cast, person: Any, bureau_port: Outside) -> None:
    customer, before = person(), bureau_port.ask("/bureau/reports")["requests"]
    query = bureau.request(customer, reason=APPROVAL, actor=cast.underwriter, at=NOON)
    consents.withdraw(customer, purpose=Purpose.BUREAU, actor=cast.loan_officer, at=NOON + MINUTE)
    bureau.fetch(query, at=NOON + 2 * MINUTE)
    assert (query.status, query.cause) == ("failed", "consent")
    assert bureau_port.ask("/bureau/reports")["requests"] == before


def test_without_a_legal_reason_in_force_nothing_is_asked(cast: Cast, person: Any, bureau_port: Outside) -> None:
    customer = person()
    with pytest.raises(bureau_rules.NoLegalReason):
        bureau.request(customer, reason="curiosity", actor=cast.underwriter, at=NOON)
    Rule.objects.filter(code="bureau.reason.post_loan").update(effective_to=TODAY)
    with pytest.raises(bureau_rules.NoLegalReason):
        bureau.request(customer, reason=POST_LOAN, actor=cast.underwriter, at=NOON)
    assert not BureauQuery.objects.exists()


def test_the_legal_reasons_are_data_with_citation() -> None:
    found = bureau_rules.reasons(on=TODAY)
    assert [code for code, _rule in found] == list(BureauQuery.Reason.values)
    assert all("Decree 631" in rule.citation and rule.verification == "unverified" for _code, rule in found)


def test_without_a_bureau_nothing_is_asked(cast: Cast, person: Any, settings: Any) -> None:
    customer = person()
    settings.PORTS = dict(settings.PORTS) | {"bureau": ""}
    with pytest.raises(PortOff):
        bureau.request(customer, reason=APPROVAL, actor=cast.underwriter, at=NOON)
    assert bureau_facts.read(customer.pk, reason=APPROVAL, at=NOON) == ({"bureau_state": "not_connected"}, None)


# --- what is kept ------------------------------------------------------------------------------------------------------------
def test_a_query_says_who_why_and_under_which_consent(ask: Any, person: Any, cast: Cast) -> None:
    customer = person()
    query = ask(customer)
    assert (query.status, query.tries, query.asked_by) == ("answered", 1, cast.underwriter)
    assert query.consent == consents.history(customer, on=TODAY)[0].consent
    told = {entry.event: entry for entry in log.history(query)}
    assert set(told) == {"risk.bureauquery.asked", "risk.bureauquery.answered"}
    facts = told["risk.bureauquery.asked"].facts
    assert (facts["reason"], facts["consent"]) == ("credit_approval", query.consent.text_version)
    assert rules.Rule.objects.get(pk=facts["rule"]).code == "bureau.reason.credit_approval"
    assert {entry.customer_id for entry in told.values()} == {customer.pk}
    assert customer.mobile not in str([entry.facts for entry in told.values()])


def test_the_report_is_sealed_and_its_figures_stand_beside_it(ask: Any, person: Any) -> None:
    query = ask(person("7703"))
    report = BureauReport.objects.get(query=query)
    raw = bytes(BureauReport.objects.values_list("content", flat=True).get(pk=report.pk))
    assert b"accounts" not in raw
    body = json.loads(report.content)
    assert report.overdue_now == sum(D(one["overdue"]) for one in body["accounts"]) > 1000
    assert (report.standing, report.overdue_accounts, report.worst_dpd_24m) == ("full", 1, 95)
    assert query.customer.id_number not in report.content


@pytest.mark.parametrize(
    ("tail", "standing", "state"),
    [("0000", "full", "full"), ("7701", "thin", "thin"), ("7705", "frozen", "frozen"), ("7706", "unknown", "unknown"), ("7700", "full", "full")],
)  # fmt: skip
def test_what_the_bureau_says_is_told_to_the_strategy(ask: Any, person: Any, tail: str, standing: str, state: str) -> None:
    customer = person(tail)
    query = ask(customer)
    assert query.report.standing == standing
    facts, report = bureau_facts.read(customer.pk, reason=APPROVAL, at=NOON)
    assert report == query.report
    assert facts["bureau_state"] == state
    assert (set(facts) > {"bureau_state", "bureau_overdue_now"}) is (state in ("full", "thin"))
    assert query.tries == (2 if tail == "7700" else 1)


def test_what_goes_out_names_nobody(person: Any) -> None:
    customer = person()
    told = {"name": customer.name, "id_number": customer.id_number, "mobile": customer.mobile}
    secret = "YWdyZWVkIHdpdGggdGhlIGJ1cmVhdSwgMzIgYnl0ZXM="
    one, other = (port.envelope(told, key="BQ-1", secret=secret) for _ in range(2))
    assert one != other
    assert not any(value in one for value in told.values())


# --- reports that count, and those that are too old ------------------------------------------------------------------------------
def test_a_fresh_report_is_used_again_and_a_stale_one_asked_for_anew(cast: Cast, person: Any, bureau_port: Outside) -> None:
    customer = person()
    first = bureau.ensure(customer, reason=APPROVAL, subject="a:1", actor=cast.system, at=NOON)
    again = bureau.ensure(customer, reason=APPROVAL, subject="a:2", actor=cast.system, at=NOON + timedelta(days=30))
    assert first is not None and again == first
    later = NOON + timedelta(days=30, seconds=1)
    assert bureau_facts.read(customer.pk, reason=APPROVAL, at=later)[0]["bureau_state"] == "stale"
    assert bureau_facts.read(customer.pk, reason=POST_LOAN, at=later)[0]["bureau_state"] == "full", "good for 90 days after the loan"
    newer = bureau.ensure(customer, reason=APPROVAL, subject="a:3", actor=cast.system, at=later)
    assert newer is not None and newer != first
    assert bureau.latest(customer.pk, at=NOON) == first, "as of then, the later one was not known"


def test_how_long_a_report_counts_is_data(cast: Cast, person: Any, ask: Any) -> None:
    customer = person()
    ask(customer)
    Rule.objects.filter(code="bureau.fresh.credit_approval").update(value=0)
    assert bureau_facts.read(customer.pk, reason=APPROVAL, at=NOON + MINUTE)[0]["bureau_state"] == "stale"


def test_a_stale_report_and_a_bureau_that_fails_leave_it_stale(cast: Cast, person: Any, ask: Any, settings: Any) -> None:
    customer, later = person(), NOON + timedelta(days=40)
    ask(customer)
    settings.PORTS = dict(settings.PORTS) | {"bureau": "http://127.0.0.1:9/bureau/reports"}
    Rule.objects.filter(code=bureau_rules.CALLS).update(value=[1, 1])
    assert bureau.ensure(customer, reason=APPROVAL, subject="a:1", actor=cast.system, at=later) is None
    assert bureau_facts.read(customer.pk, reason=APPROVAL, at=later)[0]["bureau_state"] == "stale"
    assert BureauQuery.objects.latest("pk").cause == "silent"


# --- time-outs, repetitions, nonsense ----------------------------------------------------------------------------------------------
def test_a_silent_bureau_is_asked_again_by_the_same_key_and_then_no_more(person: Any, cast: Cast, bureau_port: Outside) -> None:
    waits: list[float] = []
    query = bureau.request(person("7707"), reason=APPROVAL, actor=cast.underwriter, at=NOON, at_once=True)
    with pytest.raises(port.Tired) as failure:
        port.ask(
            key=query.public_id, purpose=query.reason, consent="1", consent_on=TODAY, at=NOON, tries=3, read_seconds=0.1, sleep=waits.append,
            person={"name": "王小明", "id_number": "x", "mobile": query.customer.mobile},
        )  # fmt: skip
    assert (failure.value.extra["tries"], failure.value.extra["cause"]) == (3, "ReadTimeoutError")
    assert 0.3 <= waits[0] <= 0.45 and 0.9 <= waits[1] <= 1.35 and len(waits) == 2
    assert bureau_port.ask(f"/bureau/reports?key={query.public_id}")["calls"] == 3


def test_the_same_key_brings_the_same_report(person: Any, cast: Cast, bureau_port: Outside) -> None:
    query = bureau.request(person(), reason=APPROVAL, actor=cast.underwriter, at=NOON, at_once=True)
    told = {"name": "王小明", "id_number": "x", "mobile": "13800000000"}
    asked = {"key": query.public_id, "purpose": "credit_approval", "consent": "1", "consent_on": TODAY, "person": told, "at": NOON}
    repeated = bureau_port.ask("/bureau/reports")["repeated"]
    assert port.ask(**asked).body == port.ask(**asked).body
    assert bureau_port.ask("/bureau/reports")["repeated"] == repeated + 1


@pytest.mark.parametrize(("tail", "cause"), [("7707", "silent"), ("7708", "garbled")])
def test_a_failure_leaves_its_name_on_the_query(ask: Any, person: Any, tail: str, cause: str) -> None:
    Rule.objects.filter(code=bureau_rules.CALLS).update(value=[2, 1])
    customer = person(tail)
    query = ask(customer)
    assert (query.status, query.cause) == ("failed", cause)
    assert not BureauReport.objects.exists()
    assert bureau_facts.read(customer.pk, reason=APPROVAL, at=NOON)[0] == {"bureau_state": "missing"}
    assert log.history(query).get(event="risk.bureauquery.failed").facts["cause"] == cause


def test_an_answer_that_is_no_json_and_a_refusal(ask: Any, person: Any, bureau_port: Outside, settings: Any) -> None:
    settings.PORTS = dict(settings.PORTS) | {"bureau": f"{bureau_port.url}/nowhere"}
    assert ask(person()).cause == "refused"
    settings.BUREAU_KEY = "b3RoZXIga2V5IG90aGVyIGtleSBvdGhlciBrZXkgMzI="  # not the one agreed on
    settings.PORTS = dict(settings.PORTS) | {"bureau": f"{bureau_port.url}/bureau/reports"}
    refused = ask(person())
    assert (refused.cause, log.history(refused).get(event="risk.bureauquery.failed").facts["code"]) == ("refused", "invalid")


def test_a_query_without_a_key_is_refused_by_the_bureau(bureau_port: Outside) -> None:
    with pytest.raises(PortRefused) as refusal:
        port.ask(key="", purpose="credit_approval", consent="1", consent_on=TODAY, person={"name": "x"}, at=NOON)
    assert refusal.value.extra["their_code"] == "key_missing"


# --- the breaker ---------------------------------------------------------------------------------------------------------------------
def test_after_failures_in_a_row_nobody_asks_until_one_tries_again(ask: Any, person: Any, bureau_port: Outside, settings: Any) -> None:
    Rule.objects.filter(code=bureau_rules.CALLS).update(value=[1, 1])
    Rule.objects.filter(code=bureau_rules.CIRCUIT).update(value=[3, 60])
    right = settings.PORTS
    settings.PORTS = dict(settings.PORTS) | {"bureau": "http://127.0.0.1:9/bureau/reports"}
    assert [ask(person()).cause for _ in range(4)] == ["silent", "silent", "silent", "paused"]
    circuit = BureauCircuit.objects.get()
    assert (circuit.status, circuit.failures, circuit.since) == ("open", 3, NOON)
    assert log.history(circuit).get().event == "risk.bureaucircuit.open"

    settings.PORTS = right
    before = bureau_port.ask("/bureau/reports")["requests"]
    assert ask(person(), at=NOON + timedelta(seconds=59)).cause == "paused"
    assert bureau_port.ask("/bureau/reports")["requests"] == before, "while it is open nothing is sent"

    settings.PORTS = dict(settings.PORTS) | {"bureau": "http://127.0.0.1:9/bureau/reports"}
    assert ask(person(), at=NOON + timedelta(seconds=60)).cause == "silent", "one may try, and fails"
    assert ask(person(), at=NOON + timedelta(seconds=61)).cause == "paused", "so it is open for another minute"
    settings.PORTS = right
    assert ask(person(), at=NOON + timedelta(seconds=120)).status == "answered"
    circuit.refresh_from_db()
    assert (circuit.status, circuit.failures) == ("closed", 0)


def test_an_answer_between_failures_begins_the_count_anew() -> None:
    calls = bureau_rules.Calls(1, 1, 2, timedelta(seconds=60))
    bureau_circuit.failed(calls, at=NOON)
    bureau_circuit.succeeded(at=NOON)
    bureau_circuit.failed(calls, at=NOON)
    assert bureau_circuit.standing().status == "closed"
    bureau_circuit.failed(calls, at=NOON)
    assert bureau_circuit.standing().status == "open"


def test_a_trial_whose_process_died_counts_as_failed() -> None:
    calls = bureau_rules.Calls(1, 1, 1, timedelta(seconds=60))
    bureau_circuit.failed(calls, at=NOON)
    bureau_circuit.enter(calls, at=NOON + MINUTE)  # and is never heard of again
    with pytest.raises(bureau_circuit.BureauPaused):
        bureau_circuit.enter(calls, at=NOON + MINUTE)
    bureau_circuit.enter(calls, at=NOON + 2 * MINUTE)
    assert bureau_circuit.standing().status == "trying"


@pytest.mark.django_db(transaction=True)
def test_of_many_processes_one_tries_again() -> None:
    calls = bureau_rules.Calls(1, 1, 1, timedelta(seconds=60))
    bureau_circuit.failed(calls, at=NOON)
    done = together(*[lambda: bureau_circuit.enter(calls, at=NOON + MINUTE)] * 6)
    assert sorted(type(one).__name__ for one in done) == ["BureauPaused"] * 5 + ["NoneType"]


# --- two at once, and dead workers ----------------------------------------------------------------------------------------------------
def test_one_query_about_a_person_at_a_time(cast: Cast, person: Any, bureau_port: Outside) -> None:
    customer = person()
    first = bureau.request(customer, reason=APPROVAL, actor=cast.system, at=NOON, subject="a:1")
    assert bureau.request(customer, reason=APPROVAL, actor=cast.system, at=NOON, subject="a:1") == first, "the same is the same"
    with pytest.raises(bureau.AlreadyAsking):
        bureau.request(customer, reason=APPROVAL, actor=cast.system, at=NOON, subject="a:2")
    with pytest.raises(IntegrityError), transaction.atomic():
        BureauQuery.objects.create(customer=customer, reason=APPROVAL, consent=first.consent, asked_by=cast.system, asked_at=NOON)
    later = NOON + timedelta(minutes=11)
    second = bureau.request(customer, reason=APPROVAL, actor=cast.system, at=later, subject="a:2")
    first.refresh_from_db()
    assert (first.cause, second.status) == ("lost", "asked")


def test_fetching_twice_keeps_one_report(cast: Cast, person: Any, bureau_port: Outside) -> None:
    query = bureau.request(person(), reason=APPROVAL, actor=cast.system, at=NOON, at_once=True)
    other = BureauQuery.objects.get(pk=query.pk)
    assert bureau.fetch(query, at=NOON).status == bureau.fetch(other, at=NOON).status == "answered"
    assert BureauReport.objects.count() == 1


def test_what_a_person_asks_is_fetched_by_a_worker_and_what_died_is_ended(cast: Cast, person: Any, bureau_port: Outside) -> None:
    query = bureau.request(person(), reason=POST_LOAN, actor=cast.underwriter, at=NOON)
    deliveries.run_all(at=NOON + timedelta(days=3650))
    query.refresh_from_db()
    assert query.status == "answered"
    dead = bureau.request(person(), reason=APPROVAL, actor=cast.system, at=NOON, at_once=True)
    deliveries.run_all(at=NOON + timedelta(days=3650))
    dead.refresh_from_db()
    assert dead.status == "asked", "whoever asked at once fetches it too"
    assert bureau_tasks.sweep_bureau() == 1
    dead.refresh_from_db()
    assert (dead.status, dead.cause) == ("failed", "lost")
    assert Entry.objects.filter(event="risk.bureauquery.failed").count() == 1
