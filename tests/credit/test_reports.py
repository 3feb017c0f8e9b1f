"""Reports: every figure equals the number of loans behind it; each definition on a small portfolio counted by hand."""

import csv
import io
import zipfile
from datetime import date
from decimal import Decimal as D
from typing import Any
from urllib.parse import unquote

import pytest
from django.db.models import F
from django.http import QueryDict
from django.test import RequestFactory
from django.urls import reverse

from credit import loans, report_facts, report_places, report_rules, reports
from credit.filters import LoanFilter
from credit.models import Installment, Loan, LoanSnapshot, Posting, Transaction
from credit.report_facts import Asked
from credit.report_forms import ReportForm
from credit.report_places import Place
from credit.reports import REPORTS, Choices
from crm.lib import tables
from crm.lib.errors import NotAllowed
from governance import exports, rules, table_files
from governance.models import Rule, SavedView
from ledger.models import Entry
from tests.credit.conftest import Desk
from tests.credit.portfolio import multiply
from tests.fixtures.cast import NOON, Cast

pytestmark = pytest.mark.django_db
MARCH, APRIL, MAY, JUNE = date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 31), date(2026, 6, 30)
ENDS = (MARCH, APRIL, MAY, JUNE)
# days past due of each loan at each month-end; None: it had gone
DAYS: dict[str, list[int | None]] = {
    "pays": [0, 0, 0, 0], "cured": [0, 28, 45, 0], "rolls": [0, 28, 59, 89], "lost": [0, 28, 59, None], "settled": [0, 0, None, None],
    "late": [None, None, 59, 89],
}  # fmt: skip


def snapshot(loan: Loan, month: date, dpd: int, left: D) -> LoanSnapshot:
    age = (month.year - loan.starts_on.year) * 12 + month.month - loan.starts_on.month
    return LoanSnapshot(
        month=month, loan=loan, legal_entity_id=loan.legal_entity_id, branch_id=loan.branch_id, channel=loan.channel, product=loan.product.code,
        grade=loan.grade, vintage=loan.starts_on.replace(day=1), months_on_book=age, principal=loan.principal, principal_outstanding=left,
        overdue=D("100.00") if dpd else D("0.00"), dpd=dpd, treatment_dpd=dpd, bucket=min((dpd + 29) // 30, 7),
        risk_class=3 if dpd > 60 else 2 if dpd else 1, stage=1, ecl=D("10.00"),
    )  # fmt: skip


@pytest.fixture
def book(desk: Desk) -> dict[str, Loan]:
    """Six loans of March 2026, 12,000.00 each, four month-ends; the last one joined the book in May."""
    first = desk.loan()
    multiply(first, len(DAYS) - 1)
    found = dict(zip(DAYS, Loan.objects.filter(pk__gte=first.pk).select_related("product").order_by("pk"), strict=True))
    rows = []
    for name, days in DAYS.items():
        rows += [snapshot(found[name], end, dpd, D(12_000 - 1_000 * n)) for n, (end, dpd) in enumerate(zip(ENDS, days, strict=True)) if dpd is not None]  # fmt: skip
    LoanSnapshot.objects.bulk_create(rows)
    system = desk.cast.system
    gone = Transaction.objects.create(
        loan=found["lost"], kind="write_off", amount=D("9500.00"), value_on=date(2026, 6, 10), at=NOON, actor=system, key="gone"
    )
    back = Transaction.objects.create(
        loan=found["lost"], kind="recovery", amount=D("300.00"), value_on=date(2026, 6, 20), at=NOON, actor=system, key="back"
    )
    paid = Transaction.objects.create(
        loan=found["pays"], kind="repayment", amount=D("1150.00"), value_on=date(2026, 4, 2), at=NOON, actor=system, key="paid"
    )
    for movement, entries in (
        (gone, {"loss": D("9500.00"), "principal": D("-9500.00")}),
        (back, {"cash": D("300.00"), "recovery": D("-300.00")}),
        (paid, {"cash": D("1150.00"), "principal": D("-1000.00"), "interest": D("-140.00"), "fee": D("-10.00")}),
    ):
        Posting.objects.bulk_create(Posting(transaction=movement, account=account, amount=amount) for account, amount in entries.items())
    over = {"principal_outstanding": 0, "settled_at": NOON.replace(month=5, day=20)}
    Loan.objects.filter(pk=found["settled"].pk).update(status="settled", **over)
    Loan.objects.filter(pk=found["lost"].pk).update(status="written_off", **over)
    Installment.objects.filter(seq=1, loan=found["pays"].pk).update(
        paid_on=date(2026, 4, 2), status="paid", principal_paid=F("principal"), interest_paid=F("interest"), fee_paid=F("fee")
    )  # fmt: skip
    return found


def asked(report: str, day: date = JUNE, **changes: Any) -> Asked:
    return Asked(report, day, **({"by": REPORTS[report].by[0]} | changes))


def read(report: str, user: Any, measure: str = reports.COUNT, **changes: Any) -> Any:
    return reports.read(REPORTS[report], Choices(asked(report, **changes), measure), user)


def cells(result: Any, sheet: int = 0) -> dict[str, list[str]]:
    return {row.key: [cell.text for cell in row.cells] for row in result.sheets[sheet].rows}


def behind(place: Place, user: Any) -> set[int]:
    request = RequestFactory().get(place.url)
    request.user = user
    chosen = LoanFilter(request.GET, queryset=Loan.objects.visible_to(user), request=request)
    assert chosen.form.is_valid()
    return set(chosen.qs.values_list("pk", flat=True))


# --- what is counted -----------------------------------------------------------------------------------------------
def test_vintage_now_and_ever(book: dict[str, Loan], cast: Cast) -> None:
    """30+ of the five watched from the start: in May three; in June the cured one is not late any more, the lost one is for good."""
    now = read("vintage", cast.risk_manager)
    assert cells(now)["2026-03"] == ["5", "1", "0.00%", "0.00%", "60.00%", "40.00%"]
    ever = read("vintage", cast.risk_manager, ever=True)
    assert cells(ever)["2026-03"] == ["5", "1", "0.00%", "0.00%", "60.00%", "60.00%"]
    assert any("joined the book after" in note for note in now.notes)


def test_vintage_by_amount(book: dict[str, Loan], cast: Cast) -> None:
    """June: 9,000 of the rolling one and the 9,500 written off, of 60,000 lent."""
    found = read("vintage", cast.risk_manager, reports.AMOUNT)
    assert cells(found)["2026-03"][-1] == "30.83%"
    assert found.sheets[0].rows[0].cells[-1].amount == D("18500.00")
    ever = read("vintage", cast.risk_manager, reports.AMOUNT, ever=True)  # 30,000 of three loans at the end of May
    assert ever.sheets[0].rows[0].cells[-1].amount == D("30000.00")


def test_a_write_off_taken_back_is_not_late(book: dict[str, Loan], cast: Cast) -> None:
    gone = Transaction.objects.get(kind="write_off")
    back = Transaction.objects.create(
        loan=gone.loan, kind="reversal", amount=gone.amount, value_on=date(2026, 6, 25), at=NOON, actor=cast.system, key="r", reverses=gone
    )
    loans.post(back, [(each.account, -each.amount, each.installment_id) for each in gone.postings.all()])
    assert cells(read("vintage", cast.risk_manager))["2026-03"][-1] == "20.00%"
    before = report_facts.count(asked("economics", date(2026, 6, 24)), Loan.objects.all())
    assert before.at("loss").loans == 1 and report_facts.count(asked("economics"), Loan.objects.all()).at("loss").loans == 0


def test_months_on_book_as_published(desk: Desk, cast: Cast) -> None:
    """worked_examples.json, mob: disbursed 2019-11-13: November is month 0, December month 1."""
    loan = desk.loan()
    Loan.objects.filter(pk=loan.pk).update(starts_on=date(2019, 11, 13))
    loan.refresh_from_db()
    LoanSnapshot.objects.bulk_create([snapshot(loan, date(2019, 11, 30), 0, D(12_000)), snapshot(loan, date(2019, 12, 31), 40, D(12_000))])
    assert cells(read("vintage", cast.risk_manager, day=date(2019, 12, 31)))["2019-11"] == ["1", "0.00%", "100.00%"]


def test_fpd_counts_what_could_be_late(desk: Desk, cast: Cast) -> None:
    """worked_examples.json, fpd.case: 1,000 disbursed, 800 past first due + 7, 24 of them unpaid there: 3.00 %, not 2.40 %."""
    first = desk.loan()
    multiply(first, 999)
    ids = list(Loan.objects.filter(pk__gte=first.pk).order_by("pk").values_list("pk", flat=True))
    rows = Installment.objects.filter(seq=1, loan__in=ids)
    rows.update(due_on=date(2026, 4, 2), status="paid", paid_on=date(2026, 4, 8), principal_paid=F("principal"),
                interest_paid=F("interest"), fee_paid=F("fee"))  # fmt: skip
    rows.filter(loan__in=ids[:12]).update(status="overdue", paid_on=None)
    rows.filter(loan__in=ids[12:24]).update(paid_on=date(2026, 4, 9))  # the day itself: seven days late
    rows.filter(loan__in=ids[800:]).update(due_on=date(2026, 4, 23))
    found = read("fpd", cast.risk_manager, day=APRIL)
    assert cells(found)["2026-03"][:3] == ["1,000", "2.40%", "0"]  # all of them are seven days past by then
    found = read("fpd", cast.risk_manager, day=date(2026, 4, 29))
    assert cells(found)["2026-03"] == ["800", "3.00%", "200", "0", "–", "1,000"]
    assert len(behind(found.sheets[0].rows[0].cells[1].place, cast.risk_manager)) == 24


def test_roll_follows_each_loan(book: dict[str, Loan], cast: Cast) -> None:
    found = read("roll", cast.risk_manager)
    matrix = {row.key: dict(zip(found.sheets[0].heads[1:], [cell.text for cell in row.cells], strict=True)) for row in found.sheets[0].rows}
    assert matrix["0"]["M0"] == "100.00%"
    assert (matrix["2"]["M0"], matrix["2"]["M3"], matrix["2"]["Written off"]) == ("25.00%", "50.00%", "25.00%")
    assert cells(found, 1)["2"] == ["4", "2", "50.00%", "–"]
    may = read("roll", cast.risk_manager, day=MAY)
    assert cells(may)["new"][0] == "1"
    assert cells(may)["0"][-1] == "50.00%" and may.sheets[0].heads[-1] == "Settled"


def test_classes_ageing_and_quality(book: dict[str, Loan], cast: Cast) -> None:
    assert cells(read("ageing", cast.risk_manager))["CASH-12"][:5] == ["4", "2", "–", "–", "2"]
    assert cells(read("classes", cast.risk_manager))["2"][:4] == ["4", "25.00%", "–", "50.00%"]
    found = read("quality", cast.risk_manager)
    last = found.sheets[0].rows[0]
    assert last.key == "2026-06"
    said = dict(zip(found.sheets[0].heads[1:], last.cells, strict=True))
    assert (said["Balance (CNY)"].value, said["NPL ratio"].text) == (D("36000.00"), "50.00%")
    assert said["Provision by class"].value == D("4860.00")  # 1 % of 36,000 and 25 % of 18,000
    assert said["Coverage"].text == "27.00%" and any("below 150.0%" in note for note in found.notes)


def test_early_payoff_and_what_the_loans_earned(book: dict[str, Loan], cast: Cast) -> None:
    assert cells(read("payoff", cast.risk_manager))["2026-03"] == ["6", "0.00%", "0.00%", "16.67%", "16.67%"]
    found = read("economics", cast.risk_manager)
    said = dict(zip(found.sheets[0].heads[1:], found.sheets[0].rows[-1].cells, strict=True))
    assert [said[name].text for name in ("Interest received", "Fees and penalty", "Written off", "Recovered")] == ["140.00", "10.00", "9,500.00", "300.00"]  # fmt: skip
    assert said["Cost of funds"].text == "–" and any("No rule" in note for note in found.notes)
    rules.put(report_rules.FUNDING, value=D("0.0300"), unit=rules.RATE, meaning_en="x", meaning_zh="x", verification=Rule.Verification.UNVERIFIED,
              effective_from=date(2020, 1, 1))  # fmt: skip
    again = read("economics", cast.risk_manager)
    said = dict(zip(again.sheets[0].heads[1:], again.sheets[0].rows[-1].cells, strict=True))
    balance = sum(LoanSnapshot.objects.values_list("principal_outstanding", flat=True), D(0))
    assert said["Cost of funds"].value == (balance / 12 * D("0.03")).quantize(D("0.01"))
    assert any("nobody has read" in note for note in again.notes)


# --- the loans behind a figure -------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", list(REPORTS))
@pytest.mark.parametrize("choices", [{}, {"measure": "count", "basis": "ever", "view": "0"}], ids=["plain", "chosen"])
def test_every_figure_is_the_number_of_loans_behind_it(book: dict[str, Loan], cast: Cast, name: str, choices: dict[str, str]) -> None:
    report = REPORTS[name]
    for by in report.by if choices else report.by[:1]:
        found = reports.read(report, ReportForm(report, choices | {"by": by}, cast.risk_manager).choices(), cast.risk_manager)
        seen = 0
        for sheet in found.sheets:
            for row in sheet.rows:
                assert len(row.cells) == len(sheet.heads) - 1
                for cell in row.cells:
                    if cell.place is not None:
                        assert len(behind(cell.place, cast.risk_manager)) == cell.loans, (row.key, cell)
                        seen += bool(cell.loans)
        assert seen > 3


@pytest.mark.parametrize("name", list(REPORTS))
def test_a_click_on_a_picture_opens_the_loans_of_what_is_clicked_on(book: dict[str, Loan], cast: Cast, name: str) -> None:
    report = REPORTS[name]
    found = reports.read(report, ReportForm(report, {"measure": "count"}, cast.risk_manager).choices(), cast.risk_manager)
    chart = found.chart
    assert chart is not None and chart["series"] and "{x}" in chart["drill"]
    columns = chart["x"].get("keys", chart["x"]["values"])
    assert len(columns) == len(chart["x"]["values"])
    placed = {cell.place: cell.loans for sheet in found.sheets for row in sheet.rows for cell in row.cells if cell.place is not None}
    met = 0
    for line in chart["series"]:
        for column in columns:
            text = chart["drill"].split("?cell=")[1].replace("{x}", column).replace("{s}", line["key"])
            place = report_places.read(unquote(text))
            assert place is not None and place.kind in report.kinds, text
            met += placed.get(place, 0)
    assert met, "pictures and tables name the same figures"


def test_the_list_of_loans_shows_them_and_says_why(book: dict[str, Loan], cast: Cast, page_of: Any) -> None:
    place = Place(asked("vintage"), "bad", "2026-03", 2, 2)
    answer = page_of(cast.risk_manager).get(place.url)
    assert answer.context["page"].count == 3
    assert "Vintage curves · 2026-06-30 · past due · 30+ days past due (M2+)" in answer.content.decode()
    assert report_places.read(place.token) == place


@pytest.mark.parametrize("text", ["x", "vintage~bad~0~0~2026-13-01~30~now~month~~~*", "vintage~nothing~0~0~2026-06-30~30~now~month~~~*",
                                  "vintage~bad~0~0~2026-06-30~30~now~nothing~~~*", "~" * 30])  # fmt: skip
def test_an_address_that_names_no_figure_finds_nothing(book: dict[str, Loan], cast: Cast, page_of: Any, text: str) -> None:
    answer = page_of(cast.risk_manager).get("/loans/", {"cell": text})
    assert answer.status_code == 200 and answer.context["page"].count == 0


def test_counted_is_what_the_reader_may_see(book: dict[str, Loan], cast: Cast) -> None:
    Loan.objects.filter(pk=book["rolls"].pk).update(branch=cast.west)
    assert cells(read("vintage", cast.risk_manager))["2026-03"][0] == "5"
    east = read("vintage", cast.collections_supervisor)
    assert cells(east)["2026-03"][0] == "4" and cells(east)["2026-03"][-1] == "25.00%"
    assert behind(Place(asked("vintage"), "lent", None), cast.collections_supervisor) == {
        book[name].pk for name in ("pays", "cured", "lost", "settled")
    }


# --- pages, files, answers -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", list(REPORTS))
def test_a_page_opens_at_a_constant_price(
    book: dict[str, Loan], cast: Cast, page_of: Any, name: str, django_assert_max_num_queries: Any
) -> None:
    client = page_of(cast.risk_manager)
    client.get(f"/reports/{name}/")
    with django_assert_max_num_queries(16):
        page = client.get(f"/reports/{name}/").content.decode()
    assert "/loans/?cell=" in page
    if name == "vintage":
        assert "/loans/?cell=" not in page_of(cast.risk_analyst).get(f"/reports/{name}/").content.decode()  # they may not open loans
        assert page_of(cast.loan_officer).get(f"/reports/{name}/").status_code == 403


def test_without_a_month_end_a_page_says_so(desk: Desk, cast: Cast, page_of: Any) -> None:
    desk.loan()
    for name in REPORTS:
        answer = page_of(cast.auditor).get(f"/reports/{name}/")
        assert answer.status_code == 200
        if name not in ("fpd", "payoff"):
            assert "No figures yet" in answer.content.decode()


def test_choices_are_kept_with_every_one_of_them_stated(book: dict[str, Loan], cast: Cast, page_of: Any) -> None:
    client = page_of(cast.risk_manager)
    answer = client.post("/reports/vintage/choices/", {"name": "90+ ever", "query": "view=90&basis=ever&nonsense=1"})
    kept = SavedView.objects.get(list="report.vintage")
    assert dict(QueryDict(kept.query).items()) == {
        "observed": "2026-06-30",
        "view": "90",
        "basis": "ever",
        "measure": "amount",
        "by": "month",
    }
    assert answer.headers["Location"].endswith(kept.query)
    assert "90+ ever" in client.get("/reports/").content.decode()
    assert "90+ ever" not in page_of(cast.auditor).get("/reports/vintage/").content.decode()
    assert page_of(cast.auditor).post(f"/reports/vintage/choices/{kept.public_id}/drop/").status_code == 404
    client.post(f"/reports/vintage/choices/{kept.public_id}/drop/")
    assert not SavedView.objects.filter(list="report.vintage").exists()


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_report_leaves_as_a_file_on_the_record(book: dict[str, Loan], cast: Cast, form: str) -> None:
    table = tables.TABLES["report.vintage"]
    told = {"query": "view=30&measure=count", "purpose": "report", "reason": "monthly report", "at": NOON}
    with pytest.raises(NotAllowed):
        exports.ask_table(table, form=form, actor=cast.collections_supervisor, **told)
    export = exports.ask_table(table, form=form, actor=cast.risk_manager, language="en", **told)
    exports.write(export.pk, at=NOON)
    export.refresh_from_db()
    assert export.job.status == "done" and export.rows
    assert [entry.event for entry in Entry.objects.filter(event__startswith="governance.export.").order_by("pk")] == [
        "governance.export.asked", "governance.export.written"]  # fmt: skip
    _export, content = exports.fetch(export.public_id, actor=cast.risk_manager, at=NOON)
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
        june = next(row for row in rows if row["Row"] == "2026-03" and row["Column"] == "3")
        assert (june["Figure"], june["Loans"], june["Of loans"]) == ("0.400000", "2", "5")
        assert "30+ days past due" in june["As counted"]
    else:
        with zipfile.ZipFile(io.BytesIO(content)) as book_file:
            assert "xl/worksheets/sheet2.xml" in book_file.namelist()
            assert not any(b"<f>" in book_file.read(name) for name in book_file.namelist())


def test_no_cell_of_a_file_is_a_formula() -> None:
    sheet = tables.Sheet("x", ["=1+1"], [["@cmd", D("-12.50"), "+1"]])
    assert table_files.separated(sheet).decode("utf-8-sig").split() == ["'=1+1", "'@cmd,-12.50,+1"]
    with zipfile.ZipFile(io.BytesIO(table_files.workbook([sheet]))) as made:
        assert b"'@cmd" in made.read("xl/sharedStrings.xml") and b"<f>" not in made.read("xl/worksheets/sheet1.xml")


def test_the_file_is_asked_for_on_a_page_and_fetched(book: dict[str, Loan], cast: Cast, page_of: Any) -> None:
    client = page_of(cast.auditor)
    assert "XLSX" in client.get("/reports/roll/file/?measure=count").content.decode()
    made = exports.ask_table(
        tables.TABLES["report.roll"], query="measure=count", form="xlsx", purpose="control", reason="yearly audit", actor=cast.auditor,
        at=NOON.replace(year=2099),
    )  # fmt: skip
    exports.write(made.pk, at=NOON)
    answer = client.get(reverse("export-file", args=[made.public_id]))
    assert answer["Content-Type"] == table_files.TYPES["xlsx"] and ".xlsx" in answer["Content-Disposition"]
    assert client.get(reverse("list-job", args=[made.job.public_id])).status_code == 200
    assert "Roll rates" in client.get(reverse("export-list")).content.decode()


def test_the_api_says_what_the_page_says(book: dict[str, Loan], cast: Cast, page_of: Any) -> None:
    client = page_of(cast.risk_manager)
    told = client.get("/api/v1/reports/vintage/?measure=count&view=30").json()
    assert told["observed"] == "2026-06-30" and told["choices"]["view"] == 30
    row = told["tables"][0]["rows"][0]
    assert [cell["value"] for cell in row["cells"]] == ["5", "1", "0.000000", "0.000000", "0.600000", "0.400000"]
    assert client.get("/loans/", {"cell": row["cells"][-1]["cell"]}).context["page"].count == row["cells"][-1]["loans"] == 2
    assert client.get("/api/v1/reports/vintage/?view=31").status_code == 400
    assert client.get("/api/v1/reports/roll/?view=30").status_code == 400
    assert client.get("/api/v1/reports/nothing/").status_code == 404
    assert {each["name"] for each in client.get("/api/v1/reports/").json()} == set(REPORTS)
