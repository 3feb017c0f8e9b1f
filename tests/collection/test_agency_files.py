"""Files for agencies: little of each person, every row marked, a leaked row traced; statements to the cent; the step that places."""

import io
import zipfile
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.http import QueryDict

from collection import agency_files, agency_statement, treatment_acts
from collection.agency_files import NothingPlaced
from collection.models import Placement, TreatmentEntry, TreatmentStep
from governance import exports
from governance.models import Export
from tests.collection.conftest import Floor
from tests.collection.placement_rows import DAY, agency, late_cases, placed

pytestmark = pytest.mark.django_db


def made(floor: Floor, where: Any, form: str = "csv") -> tuple[Any, bytes]:
    """Order a file, let the worker write it, and fetch it."""
    boss = floor.cast.collections_supervisor
    file = agency_files.order(where, form=form, reason="weekly hand-over", actor=boss, at=DAY, language="en")
    exports.write(file.export_id, at=DAY)
    _export, content = exports.fetch(file.export.public_id, actor=boss, at=DAY)
    return file, content


def test_a_file_is_marked_and_a_leaked_row_is_traced(floor: Floor) -> None:
    where, compliance = agency(floor), floor.cast.compliance
    rows = [placed(floor, where, case) for case in late_cases(floor, 2)]
    file, content = made(floor, where)
    other, copy = made(floor, where)
    lines = content.decode("utf-8-sig").splitlines()
    assert (len(lines), file.public_id in lines[1], "North" in lines[1]) == (5, True, True), "heads, the visible line, two cases, nobody"
    for row in rows:
        person = row.case.customer
        for secret in (person.id_number, person.mobile, person.name, row.case.public_id):
            assert secret not in content.decode()
        assert row.public_id in content.decode() and person.masked_mobile in content.decode()
    assert content != copy, "another download is marked otherwise"

    one = next(line for line in lines if rows[0].public_id in line)
    found = agency_files.trace(f"seen on a forum: {one}", actor=compliance, at=DAY)
    assert [(each.file, each.rows, each.canary, each.line) for each in found] == [(file, 1, False, False)]
    fake = agency_files.canary(other)
    assert agency_files.trace(f"{fake[0]} {fake[1]}", actor=compliance, at=DAY)[0].file == other
    assert not Placement.objects.filter(public_id=fake[1]).exists()
    whole = agency_files.trace(copy.decode(), actor=compliance, at=DAY)
    assert [(each.file, each.rows, each.canary, each.line) for each in whole] == [(other, 2, True, True)]
    assert agency_files.trace(f"{rows[0].public_id} ABCDEFGHIJKL {file.public_id}", actor=compliance, at=DAY) == [], (
        "what anybody can write proves nothing"
    )
    nobody = next(line for line in lines if agency_files.canary(file)[1] in line)
    assert nobody.rsplit(",", 1)[1] == one.rsplit(",", 1)[1], "it comes back on a day of the others: a day of its own would give it away"
    kept = Export.objects.get(pk=file.export_id)
    assert kept.job is not None and (kept.job.done, kept.job.status) == (4, "done"), "the page of the job says how many rows were written"
    assert (kept.purpose, kept.reason, kept.downloads, kept.rows) == ("work", "weekly hand-over", 1, 4)


def test_a_workbook_holds_the_same(floor: Floor) -> None:
    where = agency(floor)
    row = placed(floor, where)
    _file, content = made(floor, where, "xlsx")
    text = zipfile.ZipFile(io.BytesIO(content)).read("xl/sharedStrings.xml").decode()
    assert row.public_id in text and row.case.customer.id_number not in text


def test_nothing_placed_makes_no_file(floor: Floor) -> None:
    with pytest.raises(NothingPlaced):
        made(floor, agency(floor))


def test_a_statement_sums_to_the_cent(floor: Floor) -> None:
    from credit import repayments

    where, boss = agency(floor, fees={0: D("0.1234")}), floor.cast.collections_supervisor
    row = placed(floor, where)
    loan = row.case.debts.get().loan
    for number, amount in enumerate(("33.33", "66.68")):
        loan.refresh_from_db()
        at = DAY + timedelta(hours=1 + number)
        repayments.receive(loan, amount=D(amount), actor=floor.cast.loan_officer, at=at, key=f"part-{number}")
    floor.deliver()
    month = agency_statement.months(where, user=boss)[0]
    assert (month.code, month.collected, month.fee) == ("2026-05", D("100.01"), D("12.34"))
    sheet = agency_statement.sheets(boss, QueryDict(f"agency={where.public_id}&month=2026-05"))[0]
    assert [one[6] for one in sheet.rows] == [D("4.11"), D("8.23"), D("12.34")]
    assert agency_statement.months(where, user=floor.cast.west_collector) == []


# --- the step of a treatment ---------------------------------------------------------------------------------------
def step(case: Any) -> TreatmentStep:
    entry = TreatmentEntry.objects.filter(case=case).first() or pytest.fail("the case is on no path")
    return TreatmentStep.objects.create(
        entry=entry, name="to-agency", day=60, action="agency", status="planned", due_at=DAY, planned_at=DAY
    )  # fmt: skip


def test_the_step_places_and_says_so_or_why_not(floor: Floor, deliver: Any) -> None:
    from collection import treatment_runs
    from collection.treatment_facts import told

    first, second = late_cases(floor, 2)
    treatment_runs.work([first.pk, second.pk], at=DAY)
    agency(floor, capacity=1)
    for case, expected in ((first, ("done", "")), (second, ("blocked", "nowhere"))):
        one = step(case)
        treatment_acts.take([(one, told([case.pk], at=DAY)[0])], at=DAY)
        deliver()
        one.refresh_from_db()
        assert (one.status, one.why) == expected
    assert Placement.objects.get().case == first
    assert TreatmentEntry.objects.filter(case=first, status="running").count() == 0, "a placed case is on no path of the house"
