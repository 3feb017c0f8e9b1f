"""Treatments by themselves: each hour every case is asked anew, each minute what is due is taken, and news about a case is followed at once."""

from celery import shared_task
from django.utils.timezone import now

from collection import dry_runs, placements, treatment_acts, treatment_experiments, treatment_runs, treatment_sending
from collection.models import Case
from crm.lib.errors import DomainError
from governance import users
from ledger import log
from ledger.models import Entry


@shared_task
def plan_treatments(**_: object) -> None:
    """Cut the cases in work into parts for the workers; a part that is lost comes again with the next hour."""
    last = 0
    while ids := treatment_runs.case_ids(after=last):
        plan_part.delay(first=ids[0], last=ids[-1])
        last = ids[-1]
    treatment_runs.end_gone(at=now())


@shared_task
def plan_part(*, first: int, last: int, **_: object) -> None:
    """Bring one part of the cases on."""
    treatment_runs.work(treatment_runs.case_ids(after=first - 1, last=last), at=now())


@shared_task
def carry_treatments(**_: object) -> None:
    """Take the steps whose moment has come, and write down what became of those under way."""
    treatment_runs.work_due(at=now())
    treatment_sending.follow()


@shared_task
def check_experiments(**_: object) -> list[str]:
    """End the experiment whose stop rule holds."""
    return [one.public_id for one in treatment_experiments.check_running(at=now(), actor=users.system())]


@log.on("collections.dry_run.ordered")
def begin_dry_run(*, entry: Entry, **_: object) -> None:
    """Give a dry run to a worker of its own: it may take longer than a delivery may."""
    run_dry_run.delay(run_id=entry.subject_id)


@shared_task
def run_dry_run(*, run_id: int, **_: object) -> None:
    dry_runs.run(run_id, clock=now)


@shared_task
def sweep_dry_runs(**_: object) -> None:
    """Take up dry runs whose start was lost or whose worker died."""
    for run_id in dry_runs.unfinished(at=now()):
        run_dry_run.delay(run_id=run_id)


@log.on(
    "collections.case.opened", "collections.case.bucket_moved", "collections.promise.taken", "collections.promise.broken",
    "collections.promise.kept", "collections.promise.cancelled", "collections.contact.logged",
)  # fmt: skip
def follow_case(*, entry: Entry, **_: object) -> None:
    """Ask anew about a case of which something was told."""
    ids = Case.objects.open().filter(customer=entry.customer_id).values_list("pk", flat=True)
    if entry.event == "collections.contact.logged":
        treatment_acts.answered(list(ids), channel=entry.facts.get("channel", ""))
    treatment_runs.work(list(ids), at=entry.at)


@log.on("collections.placement.planned")
def place_planned(*, entry: Entry, **_: object) -> None:
    """Place a case whose path says so; one that may not go stays, and its step says why."""
    case = Case.objects.get(pk=entry.subject_id)
    try:
        placements.place_anywhere(case, actor=users.system(), at=entry.at)
    except DomainError as refused:
        treatment_acts.placed(entry.facts["step"], why=str(refused.extra.get("reason", refused.code)))
    else:
        treatment_acts.placed(entry.facts["step"])


@log.on("collections.case.closed", "collections.case.paused")
def end_with_case(*, entry: Entry, **_: object) -> None:
    """End the path of a case that is over, or waits."""
    treatment_runs.end_gone(at=entry.at, among=[entry.subject_id])
