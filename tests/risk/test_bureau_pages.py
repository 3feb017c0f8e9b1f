"""Pages of the bureau as officer, underwriter and auditor see them; and an application that asks by itself."""

import copy
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils.timezone import now

from credit import applications, known_facts
from credit.models import Application
from customers import consents
from customers.models import Customer, Purpose
from ledger import log
from risk import bureau, engine, feature_values, registry, seeds, words
from risk.models import BureauQuery, BureauReport, StrategyVersion
from tests.credit.conftest import STATED, Desk
from tests.credit.conftest import desk as desk  # noqa: PLC0414  fixture
from tests.fixtures.cast import NOON, Cast
from tests.fixtures.outside import Outside
from tests.risk.support import artefact, live_scorecard

pytestmark = pytest.mark.django_db
APPROVAL = BureauQuery.Reason.CREDIT_APPROVAL


@pytest.fixture
def person(cast: Cast, make_customer: Callable[..., Any]) -> Callable[..., Customer]:
    def make(tail: str = "0000", *, agreed: bool = True, at: Any = NOON) -> Customer:
        made: Customer = make_customer(mobile=f"1390{Customer.objects.count():03d}{tail}", at=at)
        if agreed:
            consents.give(made, purpose=Purpose.BUREAU, actor=cast.loan_officer, at=at)
        return made

    return make


def asked(customer: Customer, cast: Cast, *, at: Any = None) -> BureauReport | None:
    return bureau.ensure(customer, reason=APPROVAL, subject="a:1", actor=cast.underwriter, at=at or now())


# --- pages -------------------------------------------------------------------------------------------------------------------
def test_the_page_shows_figures_accounts_plots_and_queries(person: Any, cast: Cast, page_of: Any, bureau_port: Outside) -> None:
    customer = person("7703", at=now())
    report = asked(customer, cast)
    assert report is not None
    page = page_of(cast.underwriter).get(reverse("bureau-customer", args=[customer.public_id])).content.decode()
    for words_ in ("Overdue now", "bureau-inquiries", "bureau-delays", "Approval of credit", report.public_id, "days late at any lender"):
        assert words_ in page, words_
    assert not [value for value in (customer.name, customer.id_number, customer.mobile) if value in page]
    told = log.history(report).get()
    assert (told.event, told.actor_id, told.customer_id) == ("risk.bureaureport.opened", cast.underwriter.pk, customer.pk)


@pytest.mark.parametrize(("tail", "says"), [
    ("7701", "Thin file"), ("7705", "The person contests the file"), ("7706", "Nobody of this identity"), ("7708", "is no report"),
])  # fmt: skip
def test_every_state_has_words(person: Any, cast: Cast, page_of: Any, bureau_port: Outside, tail: str, says: str) -> None:
    customer = person(tail, at=now())
    asked(customer, cast)
    for name in ("bureau-customer", "customer-bureau-panel"):
        assert says in page_of(cast.loan_officer).get(reverse(name, args=[customer.public_id])).content.decode().replace("&#x27;", "'")


def test_a_stale_report_says_so_and_an_older_one_is_still_there(person: Any, cast: Cast, page_of: Any, bureau_port: Outside) -> None:
    customer = person(at=now() - timedelta(days=60))
    old = asked(customer, cast, at=now() - timedelta(days=40))
    url, client = reverse("bureau-customer", args=[customer.public_id]), page_of(cast.underwriter)
    assert "too old to decide" in client.get(url).content.decode()
    new = asked(customer, cast)
    assert old is not None and new is not None and old != new
    assert "too old to decide" not in client.get(url).content.decode()
    assert f"This is report {old.public_id}" in client.get(url, {"report": old.public_id}).content.decode()


def test_asking_is_a_click_with_a_reason_and_a_double_click_asks_once(person: Any, cast: Cast, page_of: Any, bureau_port: Outside) -> None:
    customer, client = person(at=now()), page_of(cast.loan_officer)
    url = reverse("bureau-ask", args=[customer.public_id])
    form = client.get(url).content.decode()
    assert all(word in form for word in ("Approval of credit", "Post-loan management", "Decree 631", "Under the consent of"))
    data = {"reason": "post_loan", "form_key": "11111111-1111-4111-8111-111111111111"}
    assert [client.post(url, data).status_code for _ in range(2)] == [303, 303]
    query = BureauQuery.objects.get()
    assert (query.reason, query.asked_by, query.status) == ("post_loan", cast.loan_officer, "asked")
    assert "The bureau is being asked" in client.get(reverse("bureau-customer", args=[customer.public_id])).content.decode()
    assert client.post(url, {"reason": "curiosity"}).status_code == 422


def test_without_consent_the_page_says_so_and_a_post_is_refused(person: Any, cast: Cast, page_of: Any, bureau_port: Outside) -> None:
    customer, client = person(agreed=False), page_of(cast.underwriter)
    url = reverse("bureau-ask", args=[customer.public_id])
    assert "has not consented" in client.get(url).content.decode()
    assert client.post(url, {"reason": "credit_approval"}).status_code == 403
    assert not BureauQuery.objects.exists()


def test_the_list_costs_the_same_for_one_and_many(
    person: Any, cast: Cast, page_of: Any, bureau_port: Outside, django_assert_max_num_queries: Any
) -> None:
    client, url = page_of(cast.auditor), reverse("bureau-query-list")
    for tail in ("0000", "7706", "7708"):
        asked(person(tail, at=now()), cast)
    client.get(url)
    with django_assert_max_num_queries(25):
        page = client.get(url).content.decode()
    assert page.count("BQ-") >= 3 and "Asked as usual" in page
    assert client.get(url, {"status": "failed"}).content.decode().count("is no report") == 1


# --- features --------------------------------------------------------------------------------------------------------------------
def test_features_are_the_newest_report_known_then_online_as_in_bulk(person: Any, cast: Cast, bureau_port: Outside) -> None:
    blank, thin = person(), person("7701")
    rich = person("7704")
    asked(thin, cast, at=NOON)
    first = asked(rich, cast, at=NOON)
    second = asked(rich, cast, at=NOON + timedelta(days=40))
    assert first is not None and second is not None
    for moment, report, days in ((NOON + timedelta(days=39), first, 39), (NOON + timedelta(days=41), second, 1)):
        values = feature_values.online(rich.pk, as_of=moment)
        assert (values["bureau_balance"], values["bureau_lenders"], values["bureau_report_days"]) == (report.balance, 7, days)
        everybody = dict(feature_values.bulk(as_of=moment))
        assert all(everybody[one.pk] == feature_values.online(one.pk, as_of=moment) for one in (blank, thin, rich))
    assert feature_values.online(rich.pk, as_of=NOON - timedelta(seconds=1))["bureau_standing"] is None
    assert feature_values.online(thin.pk, as_of=NOON)["bureau_standing"] == "thin"
    facts = known_facts.bureau_facts.of_report(second)
    values = feature_values.online(rich.pk, as_of=NOON + timedelta(days=41))
    assert facts == {name: values[name] for name in facts}, "a fact is the feature of its name"


# --- an application asks by itself -----------------------------------------------------------------------------------------------
def decided(desk: Desk, customer: Customer, *, at: Any = NOON) -> Application:
    application = applications.submit(desk.draft(customer=customer, stated=STATED, at=at), actor=desk.cast.loan_officer, at=at)
    return applications.evaluate(application.pk, at=at)


@pytest.mark.parametrize(("tail", "status", "reason"), [
    ("0000", "approved", None), ("7703", "declined", "bureau_overdue"), ("7702", "referred", "bureau_inquiries"),
    ("7704", "referred", "bureau_lenders_many"), ("7705", "referred", "bureau_frozen"), ("7706", "referred", "bureau_unknown"),
    ("7701", "referred", "bureau_thin"), ("7708", "referred", "bureau_missing"),
])  # fmt: skip
def test_an_application_asks_and_is_decided_by_what_comes(
    desk: Desk, person: Any, cast: Cast, bureau_port: Outside, tail: str, status: str, reason: str | None
) -> None:
    live_scorecard(cast.system)
    done = decided(desk, person(tail))
    assert (done.status, reason in done.reason_codes if reason else not [code for code in done.reason_codes if "bureau" in code]) == (
        status,
        True,
    )
    query = BureauQuery.objects.get()
    assert (query.subject, query.asked_by) == (f"credit.application:{done.public_id}", cast.system)
    assert done.decision is not None
    assert engine.difference(done.decision) == "", "what was told of the report is kept with the decision"


def test_an_application_without_consent_is_declined_and_the_bureau_not_asked(
    desk: Desk, person: Any, cast: Cast, bureau_port: Outside
) -> None:
    live_scorecard(cast.system)
    done = decided(desk, person(agreed=False))
    assert (done.status, "no_bureau_consent" in done.reason_codes) == ("declined", True)
    assert not BureauQuery.objects.exists()


def test_a_bureau_that_is_down_refers_and_holds_nobody_up(desk: Desk, person: Any, cast: Cast, bureau_port: Outside, settings: Any) -> None:
    live_scorecard(cast.system)
    settings.PORTS = dict(settings.PORTS) | {"bureau": "http://127.0.0.1:9/bureau/reports"}
    done = decided(desk, person())
    assert (done.status, done.reason_codes[0]) == ("referred", "bureau_missing")
    assert done.decision is not None
    assert done.decision.reason_sentences("en")[0] == "The credit bureau was asked and gave no report."


def test_without_a_bureau_the_decision_says_so_and_is_taken(desk: Desk, person: Any, cast: Cast) -> None:
    live_scorecard(cast.system)
    done = decided(desk, person())
    assert (done.status, done.decision and done.decision.facts["bureau_state"]) == ("approved", "not_connected")


def test_an_older_installation_gets_the_policy_as_a_draft_and_goes_on_deciding(
    desk: Desk, person: Any, cast: Cast, bureau_port: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The policy of a release before the bureau decides on; the one of this release lies beside it, until people release it."""
    schema = words.data("input_schema")
    before = {"facts": [row for row in schema["facts"] if not row["name"].startswith("bureau_")]}
    texts = {code: text for code, text in words.data("policy_reasons").items() if not code.startswith("bureau_")}
    told = {"code": registry.RETAIL, "name_en": "Retail instalment", "name_zh": "零售分期", "actor": cast.system, "at": NOON}
    old = registry.add_strategy_version(graph=without_bureau(words.data(registry.RETAIL)), input_schema=before, reasons=texts, **told)
    registry.make_live(old, actor=cast.system, at=NOON)
    shipped = {**words.data("policy_reasons"), "next_release": words.data("policy_reasons")["bureau_thin"]}
    real = words.data
    monkeypatch.setattr(seeds.words, "data", lambda name: shipped if name == "policy_reasons" else real(name))
    seeds.seed()
    seeds.seed()
    monkeypatch.undo()
    assert list(StrategyVersion.objects.order_by("-number").values_list("status", flat=True)[:2]) == ["draft", "live"]
    live_card(cast)
    done = decided(desk, person("7703"))
    assert done.decision is not None and done.decision.strategy_version == old
    assert (done.status, [name for name in done.decision.facts if name.startswith("bureau_")]) == ("approved", []), (
        "not told what it does not ask"
    )
    assert engine.difference(done.decision) == ""


def without_bureau(graph: dict[str, Any]) -> dict[str, Any]:
    """Return the shipped graph as it was before the bureau: its stage cut out, its names taken from the verdict."""
    gone = {node["id"] for node in graph["nodes"] if node["id"].startswith("bureau-")}
    nodes = [node for node in copy.deepcopy(graph["nodes"]) if node["id"] not in gone]
    edges = [edge for edge in copy.deepcopy(graph["edges"]) if not {edge["sourceId"], edge["targetId"]} & gone]
    edges.append({"id": "on", "sourceId": "fraud-gate", "targetId": "scorecard-points", "type": "edge", "sourceHandle": "fraud-gate-on"})
    for one in next(node for node in nodes if node["id"] == "verdict")["content"]["expressions"]:
        one["value"] = re.sub(r"bureau_outcome, |map\(bureau_hits \?\? \[\], #\.reason\), |bureau_\w+: bureau_\w+, ", "", one["value"])
    return {**graph, "nodes": nodes, "edges": edges}


def live_card(cast: Cast) -> None:
    version = registry.add_scorecard_version(
        code=registry.CARD, name_en="Retail scorecard", name_zh="零售评分卡", actor=cast.system, at=NOON, **artefact()
    )
    registry.make_live(version, actor=cast.system, at=NOON)
