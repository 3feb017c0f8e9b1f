"""Long work with progress: taken by one worker, counted, ended with what went wrong."""

from typing import Any

import pytest

from governance import jobs
from governance.models import Job
from ledger.models import Entry
from tests.fixtures.cast import NOON, Cast


@pytest.fixture
def job(cast: Cast) -> Job:
    return jobs.start(kind="test", title="Import of applications", actor=cast.loan_officer, at=NOON, total=4)


def test_a_job_waits_until_one_worker_takes_it(job: Job) -> None:
    assert (job.status, job.percent, job.is_over) == ("waiting", 0, False)
    taken = jobs.claim(job.pk, at=NOON)
    assert taken is not None
    assert taken.status == Job.Status.RUNNING
    assert jobs.claim(job.pk, at=NOON) is None


def test_progress_adds_up(job: Job) -> None:
    jobs.progress(job, at=NOON, done=1)
    jobs.progress(job, at=NOON, done=1, failed=1, problems=[{"line": 3, "field": "term", "message": "not a number"}])
    job.refresh_from_db()
    assert (job.done, job.failed, job.percent) == (2, 1, 75)
    assert job.problems == [{"line": 3, "field": "term", "message": "not a number"}]


def test_without_a_total_there_is_no_percentage(cast: Cast) -> None:
    assert jobs.start(kind="test", title="t", actor=None, at=NOON).percent is None


@pytest.mark.parametrize(("done", "failed", "status"), [(4, 0, "done"), (3, 1, "partial"), (0, 4, "failed"), (0, 0, "done")])
def test_how_a_job_ends(job: Job, done: int, failed: int, status: str) -> None:
    jobs.progress(job, at=NOON, done=done, failed=failed)
    ended = jobs.finish(job, at=NOON, file="result.csv")
    assert (ended.status, ended.is_over, ended.finished_at) == (status, True, NOON)
    assert ended.result == {"file": "result.csv"}
    assert Entry.objects.filter(event__startswith="governance.job", subject_id=job.pk).count() == 2


def test_a_job_that_could_not_run_says_why(job: Job) -> None:
    ended = jobs.fail(job, "The file is empty.", at=NOON)
    assert ended.status == Job.Status.FAILED
    assert ended.problems == [{"line": None, "message": "The file is empty."}]


def test_a_file_broken_as_a_whole_keeps_a_thousand_problems(job: Job) -> None:
    jobs.progress(job, at=NOON, failed=1500, problems=[{"line": n, "message": "x"} for n in range(1500)])
    job.refresh_from_db()
    assert len(job.problems) == 1000
    assert job.failed == 1500


def test_a_person_sees_their_own_jobs_newest_first(job: Job, cast: Cast) -> None:
    second: Any = jobs.start(kind="test", title="second", actor=cast.loan_officer, at=NOON)
    jobs.start(kind="test", title="another's", actor=cast.colleague, at=NOON)
    assert list(jobs.visible_to(cast.loan_officer).order_by("-pk")) == [second, job]
