"""A file of applications in which every cell is wrong once, in every way we could think of: each line is answered for."""

from collections.abc import Callable
from typing import Any

from governance.models import Job
from tests.credit.conftest import Desk
from tests.credit.test_imports import line, table
from tests.fixtures.cast import NOON, Cast

NASTY = [
    "", " ", "-", "0", "-1", "--5", "9" * 5000, "1e400", "NaN", "Infinity", "1,5", "٣", "１２", "null", "{}", "[]", "'; DROP TABLE x; --", "王" * 3000,
    "=1+1", "\u202e", "2026-02-30", "true", "%s %(x)s {0}", "\ud7ff", "😀" * 50,
]  # fmt: skip


def test_whatever_stands_in_a_cell_the_file_is_worked_through(cast: Cast, make_customer: Callable[..., Any]) -> None:
    from credit import imports

    desk = Desk(cast, make_customer)
    rows = [line(f"R-{n}-{m}") | {name: value} for n, name in enumerate(line("x")) for m, value in enumerate(NASTY)]
    batch = imports.bring_in(table(*rows), file_name="bad.csv", branch=cast.east, actor=cast.loan_officer, at=NOON)
    done = imports.run(batch.pk, at=NOON)
    assert done is not None
    assert done.finished_at == NOON
    job = Job.objects.get(pk=done.job_id)
    assert job.done + job.failed == len(rows)
    assert job.done == done.created + done.known
    assert {problem["line"] for problem in job.problems} <= set(range(2, len(rows) + 2))
    assert all(problem["message"] for problem in job.problems)
    assert desk.product.code


def test_a_known_person_is_recognised_however_the_id_is_written(cast: Cast, make_customer: Callable[..., Any]) -> None:
    from credit import imports
    from credit.models import Application

    Desk(cast, make_customer)
    customer = make_customer()
    spaced = f"{customer.id_number[:6]} {customer.id_number[6:14]} {customer.id_number[14:]}".lower()
    batch = imports.bring_in(table(line("R-1", id_number=spaced)), file_name="a.csv", branch=cast.east, actor=cast.loan_officer, at=NOON)
    imports.run(batch.pk, at=NOON)
    assert Application.objects.get().customer == customer
