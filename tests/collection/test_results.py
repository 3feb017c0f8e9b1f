"""Results of collections: each measure on a small floor counted by hand; each figure is the cases behind it."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse

from collection import queues, result_facts, result_report
from collection.forms import CaseFilter
from collection.models import (
    Agency,
    Case,
    CaseDebt,
    Complaint,
    Contact,
    LegalAction,
    LegalCost,
    Placement,
    PlacementFee,
    Promise,
    QualityForm,
    QualityReview,
)
from collection.result_facts import Asked, period
from collection.result_forms import TABLE
from collection.result_measures import MEASURES
from credit.models import Loan, LoanSnapshot, Posting, Transaction
from customers.models import ContactVerdict
from governance import exports, table_files
from governance.models import LegalEntity
from tests.collection.conftest import Floor
from tests.credit.portfolio import multiply
from tests.credit.test_reports import snapshot
from tests.fixtures.cast import Cast

pytestmark = pytest.mark.django_db
APRIL, MAY, JUNE, TODAY = date(2026, 4, 30), date(2026, 5, 31), date(2026, 6, 30), date(2026, 8, 20)
AT = datetime(2026, 8, 20, 4, 0, tzinfo=UTC)


def moment(day: date, hour: int = 10) -> datetime:
    return datetime(day.year, day.month, day.day, hour - 8, tzinfo=UTC)


def moved(loan: Loan, amount: str, on: date, cast: Cast, kind: str = "repayment", **more: Any) -> Transaction:
    made = Transaction.objects.create(
        loan=loan, kind=kind, amount=D(amount), value_on=on, at=AT, actor=cast.system, key=f"{kind}{on}", **more
    )
    sign = -1 if kind == "reversal" else 1
    for account, side in (("cash", sign), ("principal", -sign)) if made.amount else ():
        Posting.objects.create(transaction=made, account=account, amount=D(amount) * side)
    return made


@pytest.fixture
def worked(floor: Floor, make_customer: Any) -> dict[str, Case]:
    """Four cases: `early` cured in its month and back within 90 days, `slow` part-paid, `rolls` M1 to M2, `again` the second of `early`.

    May: 1,000 overdue at `slow` since April; 500 and 300 enter. Paid: 500 on `early` in May, 200 on `slow` in May and 100 taken back in June.
    """
    first = floor.desk.loan()
    multiply(first, 2)
    early, slow, rolls = Loan.objects.filter(pk__gte=first.pk).order_by("pk")
    cast = floor.cast
    people = [first.customer, make_customer(), make_customer()]
    for loan, customer in zip((early, slow, rolls), people, strict=True):
        Loan.objects.filter(pk=loan.pk).update(customer=customer)
    LegalEntity.objects.filter(pk=cast.entity.pk).update(business_date=TODAY)
    common = {"legal_entity": cast.entity, "branch": first.branch, "channel": first.channel}

    def case(customer: Any, opened: date, amount: str, **more: Any) -> Case:
        return Case.objects.create(
            customer=customer,
            opened_on=opened,
            opened_amount=D(amount),
            opened_bucket=1,
            overdue_amount=D(amount),
            bucket=1,
            **common,
            **more,
        )

    gone = {"status": "closed", "close_reason": "cured", "closed_on": date(2026, 5, 20)}
    found = {
        "early": case(people[0], date(2026, 5, 4), "500.00", assigned_to=cast.collector, **gone),
        "slow": case(people[1], date(2026, 4, 10), "1000.00", assigned_to=cast.second_collector),
        "rolls": case(people[2], date(2026, 5, 6), "300.00"),
        "again": case(people[0], date(2026, 7, 1), "80.00"),
    }
    for name, loan in (("early", early), ("slow", slow), ("rolls", rolls), ("again", early)):
        CaseDebt.objects.create(case=found[name], loan=loan, overdue_amount=found[name].overdue_amount, dpd=20, bucket=1)
    ends = [(slow, APRIL, 20, 9_000), (slow, MAY, 20, 8_900), (rolls, MAY, 25, 6_000), (slow, JUNE, 0, 8_900), (rolls, JUNE, 55, 6_000)]
    rows = [snapshot(loan, end, dpd, D(left)) for loan, end, dpd, left in ends]
    for row in rows:
        row.overdue = D("1000.00") if row.loan_id == slow.pk and row.bucket else D("300.00") if row.bucket else D("0.00")
    LoanSnapshot.objects.bulk_create(rows)
    moved(early, "500.00", date(2026, 5, 20), cast)
    moved(slow, "100.00", date(2026, 5, 14), cast)
    paid = moved(slow, "100.00", date(2026, 5, 15), cast)
    moved(slow, "100.00", date(2026, 6, 2), cast, kind="reversal", reverses=paid)
    moved(slow, "70.00", date(2026, 4, 2), cast)  # before the case
    return found


def contacts(case: Case, actor: Any, *outcomes: str, channel: str = "call", on: date = date(2026, 5, 12)) -> list[Contact]:
    return [
        Contact.objects.create(
            case=case,
            channel=channel,
            outcome=outcome,
            at=moment(on),
            actor=actor,
            next_action="call",
            next_action_on=on + timedelta(days=1),
        )
        for outcome in outcomes
    ]


def figures(user: Any, **params: Any) -> dict[str, dict[str, str]]:
    found = result_report.read(user, {"months": "6"} | params, at=AT)
    rows: dict[str, dict[str, str]] = {}
    for sheet in found.sheets:
        for row in sheet.rows:
            rows.setdefault(row.key or "all", {}).update({cell.measure.name: cell.text for cell in row.cells if sheet.name != "league"})
    return rows


def behind(cell_url: str, user: Any) -> set[str]:
    request = RequestFactory().get(cell_url)
    request.user = user
    chosen = CaseFilter(request.GET, queryset=Case.objects.visible_to(user), request=request)
    assert chosen.form.is_valid()
    return set(chosen.qs.values_list("public_id", flat=True))


# --- money ---------------------------------------------------------------------------------------------------------
def test_recovery_is_what_came_in_over_what_stood_and_entered(worked: dict[str, Case], cast: Cast) -> None:
    """May: 500 + 200 over 1,000 that stood and 500 + 300 that entered: 38.9 %. June: a reversal of 100 over 1,000 + 300."""
    rows = figures(cast.collections_supervisor)
    assert rows["2026-05"]["recovery"] == "38.9%"
    assert rows["2026-06"]["recovery"] == "−7.7%"


def test_liquidation_is_of_new_cases_within_their_month(worked: dict[str, Case], cast: Cast) -> None:
    """May: 500 of the 800 that entered; the 200 on an older case do not count."""
    assert figures(cast.collections_supervisor)["2026-05"]["liquidation"] == "62.5%"


def test_cost_to_collect_goes_by_the_prices_of_the_rule(worked: dict[str, Case], cast: Cast) -> None:
    """Two calls at 4.00 and a text at 0.05 over 700 that came in; an inbound call costs nothing of it."""
    contacts(worked["slow"], cast.collector, "no_answer", "right_party")
    contacts(worked["slow"], cast.collector, "sent", channel="sms")
    contacts(worked["slow"], cast.collector, "right_party", channel="inbound")
    may = next(row for row in result_report.read(cast.collections_supervisor, {}, at=AT).sheets[0].rows if row.key == "2026-05")
    cost = next(cell for cell in may.cells if cell.measure.name == "cost")
    assert (cost.top, cost.bottom, cost.text) == (D("8.05"), D("700.00"), "1.2%")


def test_cost_to_collect_holds_what_agencies_earned_and_courts_cost(worked: dict[str, Case], cast: Cast) -> None:
    """May: fees of 40.00 and −10.00 taken back, a court's 25.00; a cost of April is April's. 55.00 over 700 that came in."""
    case, may = worked["slow"], date(2026, 5, 18)
    firm = Agency.objects.create(legal_entity=cast.entity, code="N", name_en="N", name_zh="N", capacity=9, fees={"0": "0.1"})
    placed = Placement.objects.create(
        case=case, agency=firm, dpd=40, balance=D("900"), rate=D("0.1"), counts_after=0, placed_by=cast.collections_supervisor, placed_on=may,
        back_on=JUNE,
    )  # fmt: skip
    moves = Transaction.objects.filter(loan__customer=case.customer_id).order_by("pk")
    for move, fee in zip(moves, ("40.00", "-10.00"), strict=False):
        PlacementFee.objects.create(placement=placed, movement=move, collected=D(fee) * 10, fee=D(fee), on=may)
    told = {
        "claim": D(900),
        "expected": D(300),
        "cost_forecast": D(80),
        "proposed_by": cast.collections_supervisor,
        "proposed_at": moment(may),
        "proposed_on": may,
    }
    action = LegalAction.objects.create(case=case, **told)
    for amount, on in (("25.00", may), ("99.00", APRIL)):
        LegalCost.objects.create(action=action, kind="court", amount=D(amount), on=on, actor=cast.collections_supervisor, at=moment(may))
    rows = result_report.read(cast.collections_supervisor, {}, at=AT).sheets[0].rows
    of_may = next(cell for row in rows if row.key == "2026-05" for cell in row.cells if cell.measure.name == "cost")
    assert (of_may.top, of_may.bottom, of_may.text) == (D("55.00"), D("700.00"), "7.9%")


# --- moves ---------------------------------------------------------------------------------------------------------
def test_roll_and_cure_follow_each_loan_over_a_month(worked: dict[str, Case], cast: Cast) -> None:
    """June: of 8,900 + 6,000 in M1, 6,000 went to M2 (40.3 %) and 8,900 back to M0 (59.7 %). July has no end on file."""
    rows = figures(cast.collections_supervisor)
    assert (rows["2026-06"]["roll"], rows["2026-06"]["back"]) == ("40.3%", "59.7%")
    assert (rows["2026-05"]["roll"], rows["2026-05"]["back"]) == ("0.0%", "0.0%")
    assert rows["2026-07"]["roll"] == "–"


def test_a_restructured_loan_is_not_cured(worked: dict[str, Case], cast: Cast) -> None:
    loan = worked["slow"].debts.get().loan
    moved(loan, "0.00", date(2026, 6, 12), cast, kind="restructure")
    assert figures(cast.collections_supervisor)["2026-06"]["back"] == "0.0%"


def test_roll_rate_as_published() -> None:
    """worked_examples.json, roll_rate: 30,000 of 100,000 moved on is 30 %."""
    counted = result_facts.Counted([("before", "2026-06", 10, D("100000.00")), ("rolled", "2026-06", 3, D("30000.00"))])
    assert MEASURES["roll"].value(counted, "2026-06") == D("0.3")


def test_cured_cases_and_those_that_came_back(worked: dict[str, Case], cast: Cast) -> None:
    """Of May's two cases one was cured, and came back 42 days later. What was cured less than 90 days ago is not asked yet."""
    rows = figures(cast.collections_supervisor)
    assert (rows["2026-05"]["cured"], rows["2026-05"]["again"]) == ("50.0%", "100.0%")
    Case.objects.filter(pk=worked["early"].pk).update(closed_on=date(2026, 6, 15))
    assert figures(cast.collections_supervisor)["all"]["again"] == "–"


# --- contact -------------------------------------------------------------------------------------------------------
def test_both_rpc_rates_name_what_they_are_of(worked: dict[str, Case], cast: Cast) -> None:
    """Ten calls, six answered, three with the debtor: 30 % of calls, 50 % of those answered. One promise of four talks: 25 %."""
    contacts(
        worked["slow"],
        cast.collector,
        *["no_answer"] * 3,
        "busy",
        "right_party",
        "refused",
        "promise",
        "third_party",
        "wrong_number",
        "callback",
    )
    contacts(worked["slow"], cast.collector, "right_party", channel="inbound")
    row = figures(cast.collections_supervisor)["2026-05"]
    assert (row["right_of_calls"], row["right_of_answered"], row["promised"]) == ("30.0%", "50.0%", "25.0%")


def test_kept_rate_by_number_and_amount(worked: dict[str, Case], cast: Cast) -> None:
    """Kept 100 of 100, 300, 600 with one replaced: 1 of 3 broken or kept, 10 % of the amount."""
    for status, amount in (("kept", "100.00"), ("broken", "300.00"), ("broken", "600.00"), ("replaced", "50.00")):
        Promise.objects.create(
            case=worked["slow"], status=status, amount=D(amount), first_due_on=MAY, last_due_on=MAY, grace_days=1, tolerance=D(0), counts_after=0,
            channel="call", taken_by=cast.collector, taken_at=moment(MAY), taken_on=MAY, ended_on=MAY, ended_at=moment(MAY),
        )  # fmt: skip
    row = figures(cast.collections_supervisor)["2026-05"]
    assert (row["kept"], row["kept_amount"]) == ("33.3%", "10.0%")


# --- conduct -------------------------------------------------------------------------------------------------------
def test_complaints_and_blocks_are_over_contacts_and_attempts(worked: dict[str, Case], cast: Cast) -> None:
    """One complaint over four contacts: 2,500 for 10,000. Of five attempts one is blocked and one told “later” to a collector, who may not
    call: 400 for 1,000. What a machine sends later is put off, and no refusal."""
    contacts(worked["slow"], cast.collector, "no_answer", "no_answer", "busy", "right_party")
    Complaint.objects.create(
        case=worked["slow"], channel="inbound", owner=cast.compliance, opened_by=cast.collector, opened_at=moment(MAY), opened_on=MAY, due_on=JUNE,
        rule="x", about=cast.collector, kind="manner",
    )  # fmt: skip
    told = {"customer": worked["slow"].customer, "channel": "call", "purpose": "collection", "at": moment(MAY), "pack": "cn"}
    wait = {"rule": "b", "opens_at": moment(JUNE)}
    asked = (("allow", {}), ("allow", {}), ("block", {"rule": "a"}), ("wait", wait), ("wait", wait | {"actor": cast.collector}))
    for verdict, more in asked:
        ContactVerdict.objects.create(verdict=verdict, **told, **more)
    row = figures(cast.collections_supervisor)["2026-05"]
    assert (row["complaints"], row["refused"]) == ("2,500.0", "400.0")


def test_the_league_has_the_mean_of_the_scores_by_the_form(worked: dict[str, Case], cast: Cast) -> None:
    """90 and 75 of first scorings: 82.5. A second scoring, one not scored yet and one of before the period leave it; nobody scored is “–”."""
    first, second, third, fourth = contacts(worked["slow"], cast.collector, *["right_party"] * 4)
    contacts(worked["slow"], cast.second_collector, "right_party")
    form = QualityForm.objects.create(number=99, questions=[], made_by=cast.collections_supervisor, made_at=moment(MAY))
    told = {"drawn": "chance", "drawn_by": cast.collections_supervisor, "drawn_at": moment(MAY)}
    for contact, score, on, more in (
        (first, "90.0", MAY, {}), (second, "75.0", MAY, {}), (first, "10.0", MAY, {"round": 2}), (third, None, None, {}),
        (fourth, "20.0", date(2025, 5, 31), {}),
    ):  # fmt: skip
        whole = {"status": "scored", "form": form, "reviewer": cast.collections_supervisor}
        scored = {"score": D(score), "scored_at": moment(on), **whole} if score and on else {}
        QualityReview.objects.create(contact=contact, **told, **scored, **more)
    league = result_report.read(cast.collections_supervisor, {}, at=AT).sheets[-1]
    column = [one.name for one in league.measures].index("quality")
    by_name = {row.label: row.cells[column] for row in league.rows}
    mine, other = by_name[str(cast.collector)], by_name[str(cast.second_collector)]
    assert (mine.text, mine.top_text, mine.bottom_text, other.text) == ("82.5", "165.00", "2", "–")
    assert figures(cast.collections_supervisor)["2026-05"]["quality"] == "82.5"


# --- the report ----------------------------------------------------------------------------------------------------
def test_every_figure_leads_to_the_cases_it_is_counted_from(worked: dict[str, Case], cast: Cast) -> None:
    user = cast.collections_supervisor
    contacts(worked["slow"], cast.collector, "no_answer", "promise")
    for by in result_report.BY_WORDS:
        found = result_report.read(user, {"by": by}, at=AT)
        for cell in (cell for sheet in found.sheets for row in sheet.rows for cell in row.cells):
            for part, place in ((cell.top, cell.top_place), (cell.bottom, cell.bottom_place)):
                assert bool(behind(place.url, user)) >= bool(part), (by, place.token)
    may = next(row for row in result_report.read(user, {}, at=AT).sheets[0].rows if row.key == "2026-05")
    assert behind(may.cells[0].top_place.url, user) == {worked["early"].public_id, worked["slow"].public_id}
    assert behind(may.cells[0].bottom_place.url, user) == {worked[name].public_id for name in ("early", "slow", "rolls")}


def test_rows_by_collector_are_for_who_leads(worked: dict[str, Case], cast: Cast) -> None:
    contacts(worked["slow"], cast.collector, "no_answer")
    leads = result_report.read(cast.collections_supervisor, {"by": "collector"}, at=AT)
    assert leads.asked.by == "collector" and leads.sheets[-1].name == "league"
    assert [row.more[0] for row in leads.sheets[-1].rows][:2] == ["500.00", "100.00"]
    works = result_report.read(cast.collector, {"by": "collector"}, at=AT)
    assert works.asked.by == "month" and works.sheets[-1].name != "league"


def test_two_statements_whatever_there_is(worked: dict[str, Case], cast: Cast, django_assert_max_num_queries: Any) -> None:
    user = cast.collections_supervisor
    queues.today(user, AT)
    with django_assert_max_num_queries(9):
        result_report.read(user, {"by": "collector"}, at=AT)


def test_the_period_is_whole_months() -> None:
    assert period(date(2026, 3, 31), 1) == date(2026, 3, 1)
    assert period(date(2026, 2, 28), 12) == date(2025, 3, 1)
    assert Asked(date(2026, 1, 1), date(2026, 3, 2)).values["lasts"] == [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)]


WRONG = [
    "", "x", "cash~month~2026-01-01~2026-02-01", "cash~week~2026-01-01~2026-02-01~*", "gold~month~2026-01-01~2026-02-01~*",
    "cash~month~2026-13-01~2026-02-01~*", "cash~month~2026-03-01~2026-02-01~*", "cash~month~2001-01-01~2026-02-01~*",
    "cash~month~2026-01-01~2026-02-01~\0",
]  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_an_address_that_names_no_figure_shows_no_case(text: str, worked: dict[str, Case], page_of: Any, cast: Cast) -> None:
    assert result_report.read_place(text) is None
    if text:
        answer = page_of(cast.collections_supervisor).get(reverse("case-list"), {"figure": text})
        assert answer.status_code in (200, 400) and worked["slow"].public_id not in answer.content.decode()


# --- page, file, API -----------------------------------------------------------------------------------------------
def test_the_analyst_reads_the_sums_and_nobodys_case(worked: dict[str, Case], page_of: Any, api_of: Any, cast: Cast) -> None:
    """The figures of the whole lender, over the page and the API; no figure leads to a case, and no case opens."""
    analyst, manager = page_of(cast.risk_analyst), page_of(cast.risk_manager)
    link = reverse("case-list")
    shown = analyst.get(reverse("collection-results"), {"months": "12"}).content.decode()
    assert link not in shown and link in manager.get(reverse("collection-results"), {"months": "12"}).content.decode()
    assert reverse("collection-results") in analyst.get("/").content.decode(), "it is in their menu"
    api = api_of("cases:read", user=cast.risk_analyst)
    url = "/api/v1/collection-results/?months=12"
    assert api.get(url).json()["tables"] == api_of("cases:read", user=cast.risk_manager).get(url).json()["tables"]
    for path in ("/api/v1/cases/", f"/api/v1/cases/{worked['early'].public_id}/", "/api/v1/promises/"):
        assert api.get(path).status_code == 403
    for name in ("treatments", "collection-scores"):
        page = analyst.get(reverse(name))
        assert page.status_code == 200 and reverse("case-list") not in page.content.decode()
        assert 'type="submit"' not in page.content.decode().partition("<main")[2].partition("</main>")[0], "to read"
    for path in (link, reverse("case", args=[worked["early"].public_id]), reverse("treatment-experiment-new")):
        assert analyst.get(path).status_code == 403


def test_the_page_says_what_each_figure_means(worked: dict[str, Case], page_of: Any, cast: Cast) -> None:
    contacts(worked["slow"], cast.collector, "promise")
    client: Client = page_of(cast.collections_supervisor)
    shown = client.get(reverse("collection-results"), {"months": "12", "by": "bucket"}).content.decode()
    for one in (one for one in MEASURES.values() if one.group in ("money", "moves", "contact")):
        assert str(one.title) in shown and str(one.means) in shown
    assert client.get(reverse("collection-results"), {"months": "99", "by": "nothing"}).status_code == 200


@pytest.mark.parametrize("form", [table_files.CSV, table_files.XLSX])
def test_the_file_holds_every_figure_with_its_meaning(form: str, worked: dict[str, Case], cast: Cast) -> None:
    told = {"query": "months=6&by=month", "purpose": "report", "reason": "quarter", "at": AT}
    made = exports.ask_table(TABLE, form=form, actor=cast.collections_supervisor, language="en", **told)
    exports.write(made.pk, at=AT)
    made.refresh_from_db()
    assert made.job.status == "done" and made.rows
    if form == table_files.CSV:
        _export, content = exports.fetch(made.public_id, actor=cast.collections_supervisor, at=AT)
        assert "Recovery rate" in content.decode() and str(MEASURES["roll"].means) in content.decode()


def test_the_answer_of_the_api_is_the_page_s(worked: dict[str, Case], cast: Cast, page_of: Any) -> None:
    client: Client = page_of(cast.collections_supervisor)
    told = client.get(reverse("api-collection-results-list"), {"by": "branch"}).json()
    assert told["by"] == "branch" and {one["name"] for one in told["measures"]} == set(MEASURES)
    assert client.get(reverse("api-collection-results-list"), {"by": "nothing"}).status_code == 400
    assert client.get(reverse("api-collection-results-list"), {"since": "2026-01-01"}).status_code == 400
