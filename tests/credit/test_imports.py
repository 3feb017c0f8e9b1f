"""Files of applications: bad lines are named, the rest goes on, the same file twice creates nothing twice."""

import csv
import io
from datetime import timedelta

import pytest

from credit import batches, imports, tasks
from credit.models import Application, ImportBatch
from customers.models import Customer
from governance.models import Job
from ledger.models import Entry
from tests.credit.conftest import STATED
from tests.fixtures.cast import NOON
from tests.fixtures.support import identities

pytestmark = pytest.mark.django_db


def line(reference, **changes):
    serial = next(identities.serials)
    row = {
        "reference": reference, "name": "李雷", "id_number": identities.id_number(serial), "mobile": identities.mobile(serial),
        "income": "9000.00", "monthly_debt": "0", "product": "CASH-12", "amount": "5000.00", "term": "12", "purpose": "car_used",
        "consent_bureau": "yes", **{name: str(value) for name, value in STATED.items()},
    }  # fmt: skip
    return row | changes


def table(*rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def bring_in(desk, content, at=NOON):
    batch = imports.bring_in(content, file_name="applications.csv", branch=desk.cast.east, actor=desk.cast.loan_officer, at=at)
    return imports.run(batch.pk, at=at)


def test_every_line_becomes_a_submitted_application(desk):
    batch = bring_in(desk, table(line("R-1"), line("R-2")))
    assert (batch.created, batch.known, batch.job.status, batch.job.done) == (2, 0, Job.Status.DONE, 2)
    rows = list(Application.objects.order_by("reference"))
    assert [(row.reference, row.status, row.channel) for row in rows] == [("R-1", "submitted", "import"), ("R-2", "submitted", "import")]
    assert rows[0].stated == STATED
    assert rows[0].entered_by == desk.cast.loan_officer
    assert rows[0].customer.consents.filter(purpose="bureau_query").exists()


def test_bad_lines_are_reported_with_line_and_field_and_the_rest_goes_on(desk):
    content = table(
        line("R-1"),
        line("R-2", amount="much"),
        line("R-3", id_number="110105194912310021"),
        line("R-4", term="7.5", product="NOPE"),
        line("", mobile=""),
        line("R-6", housing="castle"),
        line("R-7", amount="60000"),
        line("R-8"),
    )
    batch = bring_in(desk, content)
    assert (batch.created, batch.job.status, batch.job.done, batch.job.failed) == (2, Job.Status.PARTIAL, 2, 6)
    found = {(problem["line"], problem["field"]) for problem in batch.job.problems if not problem.get("warning")}
    assert found == {
        (3, "amount"),
        (4, "id_number"),
        (5, "term"),
        (5, "product"),
        (6, "reference"),
        (6, "mobile"),
        (7, "housing"),
        (8, "amount"),
    }
    assert all(problem["message"] for problem in batch.job.problems)
    assert set(Application.objects.values_list("reference", flat=True)) == {"R-1", "R-8"}
    # A refused line leaves no half-made customer behind.
    assert Customer.objects.count() == 2


def test_line_numbers_count_the_file_s_lines(desk):
    bad = line("R-2", amount="much", address='"two\nlines"')
    content = table(line("R-1"), bad).replace(b"\r\n", b"\n") + b"\n\n"
    content = content.replace(b"\nR-2", b"\n\n\nR-2")
    batch = bring_in(desk, content)
    assert [problem["line"] for problem in batch.job.problems] == [len(content.rstrip().splitlines())]


def test_the_same_file_twice_creates_nothing_twice(desk):
    content = table(line("R-1"), line("R-2"))
    bring_in(desk, content)
    again = bring_in(desk, content)
    assert (again.created, again.known, again.job.status) == (0, 2, Job.Status.DONE)
    assert Application.objects.count() == 2
    assert Customer.objects.count() == 2


def test_a_known_person_gets_no_second_file(desk):
    customer = desk.make_customer()
    bring_in(desk, table(line("R-1", id_number=customer.id_number)))
    assert Application.objects.get().customer == customer


def test_the_text_is_sealed_and_gone_when_done(desk):
    content = table(line("R-1", name="韩梅梅"))
    batch = imports.bring_in(content, file_name="a.csv", branch=desk.cast.east, actor=desk.cast.loan_officer, at=NOON)
    stored = bytes(ImportBatch.objects.values_list("content", flat=True).get())
    assert "韩梅梅".encode() not in stored
    imports.run(batch.pk, at=NOON)
    assert ImportBatch.objects.get().content is None


def test_a_worker_that_died_is_followed_by_one_that_goes_on(desk, monkeypatch):
    monkeypatch.setattr(batches, "CHUNK", 2)
    rows = [line(f"R-{n}") for n in range(5)]
    batch = imports.bring_in(table(*rows), file_name="a.csv", branch=desk.cast.east, actor=desk.cast.loan_officer, at=NOON)
    whole = imports._line

    def dies(batch, row, *, at):
        if row["reference"] == "R-3":
            raise RuntimeError("killed")
        return whole(batch, row, at=at)

    monkeypatch.setattr(imports, "_line", dies)
    with pytest.raises(RuntimeError):
        imports.run(batch.pk, at=NOON)
    monkeypatch.setattr(imports, "_line", whole)
    assert imports.run(batch.pk, at=NOON) is None  # the claim still stands
    later = NOON + batches.LEASE + timedelta(seconds=1)
    assert imports.unfinished(at=later) == [batch.pk]
    done = imports.run(batch.pk, at=later)
    assert (done.created, done.known, done.job.done) == (5, 0, 5)
    assert imports.run(batch.pk, at=later) is None


@pytest.mark.parametrize(
    "content",
    [
        b"", b"reference\n", "姓名".encode("gbk"), b"\x00\x01", b"reference,name\nR-1,x\n", b'a,"b\nc', b"x" * (imports.LARGEST + 1),
        table(line("R-1")).replace(b"housing", b"castle"), table(line("R-1")).replace(b"housing", b"name"),
    ],
)  # fmt: skip
def test_what_is_no_table_of_applications_is_refused_whole(desk, content):
    with pytest.raises(imports.NotATable) as refusal:
        bring_in(desk, content)
    assert "file" in refusal.value.fields
    assert not Job.objects.exists()


def test_the_worker_is_told_after_commit(desk, monkeypatch):
    told = []
    monkeypatch.setattr(tasks.run_import, "delay", lambda **values: told.append(values))
    batch = imports.bring_in(table(line("R-1")), file_name="a.csv", branch=desk.cast.east, actor=desk.cast.loan_officer, at=NOON)
    tasks.begin_import(entry=Entry.objects.get(event="credit.import.started"))
    assert told == [{"batch_id": batch.pk}]


def test_a_line_that_may_be_a_second_file_goes_through_with_a_warning(desk, page_of):
    known = desk.make_customer()
    far = desk.make_customer(branch=desk.cast.west, actor=desk.cast.outsider)
    content = table(
        line("R-1", name="韩梅梅"),
        line("R-2", name="李雷", mobile=known.mobile),
        line("R-3", name="王芳", mobile=far.mobile),
        line("R-4", name="赵敏", mobile=known.mobile, amount="much"),
    )
    batch = bring_in(desk, content)
    assert (batch.created, batch.job.done, batch.job.failed) == (3, 3, 1)
    warned = {row["line"]: row["message"] for row in batch.job.problems if row.get("warning")}
    assert set(warned) == {3, 4}
    assert known.public_id in warned[3]
    assert "same mobile" in warned[3]
    assert warned[4] == "A file exists in another branch.", "of what one may not see, no number"
    assert not [value for value in (known.mobile, known.name, "李雷", "王芳") if value in str(batch.job.problems)]
    page = page_of(desk.cast.loan_officer).get(f"/applications/import/{batch.public_id}/").content.decode()
    assert "Lines to look at" in page
    assert known.public_id in page
    again = bring_in(desk, content)
    assert [row for row in again.job.problems if row.get("warning")] == [], "known lines say nothing new"
