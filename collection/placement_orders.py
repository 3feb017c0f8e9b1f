"""Many cases placed, or taken back, at once: ordered by a person, done by a worker, case by case. The page may be left."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from collection import placements
from collection.models import Agency, Case, Placement, PlacementOrder
from collection.models.case import IN_WORK, CaseQuerySet
from crm.lib.errors import DomainError, Invalid
from governance import jobs
from governance.lifecycle import move
from governance.models import Job, User
from ledger import log

JOB_KIND, TITLE = "collections.placement", gettext_noop("Placing cases with agencies")
BACK_KIND, BACK_TITLE = "collections.placement.recall", gettext_noop("Taking cases back from an agency")
MOST = 20_000
STEP = 25  # cases between two words of progress


class NothingToPlace(Invalid):
    """No case that was asked for may go."""

    code = "nothing_to_place"


def asked(user: User, asks: Mapping[str, Any]) -> CaseQuerySet:
    """Return the cases in work that a person asks for, the largest first.

    :param asks: least and most days past due (`dpd_from`, `dpd_to`), least amount (`amount_from`, as text)
    """
    rows = Case.objects.visible_to(user).filter(status__in=IN_WORK)
    if asks.get("dpd_from") is not None:
        rows = rows.filter(dpd__gte=asks["dpd_from"])
    if asks.get("dpd_to") is not None:
        rows = rows.filter(dpd__lte=asks["dpd_to"])
    if asks.get("amount_from"):
        rows = rows.filter(overdue_amount__gte=Decimal(asks["amount_from"]))
    return rows.order_by("-overdue_amount", "pk")[:MOST]


def preview(user: User, asks: Mapping[str, Any], *, agency: Agency | None, at: datetime) -> placements.Plan:
    """Return who would go where now, at most `most` of them, and why the others stay; nothing is written."""
    return placements.plan(list(asked(user, asks)), at=at, agency=agency, most=asks.get("most"))


@transaction.atomic
def order(asks: Mapping[str, Any], *, agency: Agency | None, actor: User, at: datetime) -> PlacementOrder:
    """Order the placement of what is asked for; a worker does it.

    :raises NothingToPlace: if no case may go
    """
    found = preview(actor, asks, agency=agency, at=at)
    if not found.given:
        raise NothingToPlace(_("None of these cases may go to an agency now."))
    job = jobs.start(kind=JOB_KIND, title=TITLE, actor=actor, at=at, total=len(found.given))
    made = PlacementOrder.objects.create(agency=agency, asks=dict(asks), job=job, made_by=actor, made_at=at)
    log.record("collections.placement.ordered", made, actor=actor, at=at, cases=len(found.given))
    return made


def run(order_id: int, *, clock: Callable[[], datetime]) -> None:
    """Do an order that waits, case by case; what refuses meanwhile is listed with its reason. One another worker has is left to it."""
    row = PlacementOrder.objects.select_related("job", "agency", "made_by__role", "made_by__team").get(pk=order_id)
    job = jobs.claim(row.job_id, at=clock())
    if job is None:
        return
    found = preview(row.made_by, row.asks, agency=row.agency, at=clock())
    went: Counter[str] = Counter()
    for start in range(0, len(found.given), STEP):
        part = found.given[start : start + STEP]
        problems = []
        for case, agency in part:
            try:
                placements.place(case, agency=agency, actor=row.made_by, at=clock())
                went[agency.code] += 1
            except DomainError as refused:
                problems.append({"line": None, "message": str(refused)})
        jobs.progress(job, at=clock(), done=len(part) - len(problems), failed=len(problems), problems=problems)
    result = {"placed": dict(went), "stayed": dict(Counter(stay.code for stay in found.stays.values()))}
    with transaction.atomic():
        PlacementOrder.objects.filter(pk=row.pk).update(result=result)
        jobs.finish(job, at=clock(), placed=sum(went.values()), stayed=len(found.stays))


# --- suspending an agency ------------------------------------------------------------------------------------------
@transaction.atomic
def suspend(agency: Agency, *, reason: str, actor: User, at: datetime) -> tuple[Agency, Job]:
    """Suspend an agency at once: it sees and gets nothing more, and a worker takes all its cases back. One person does it: it protects.

    :raises IllegalMove: if it is suspended already
    :raises Invalid: without a reason
    """
    reason = reason.strip()
    if not 0 < len(reason) <= 500:
        raise Invalid(_("A reason is needed."), fields={"reason": _("Say why, in at most 500 characters.")})
    row = Agency.objects.select_for_update().get(pk=agency.pk)
    number = row.placements.filter(status=Placement.Status.PLACED).count()
    job = jobs.start(kind=BACK_KIND, title=BACK_TITLE, actor=actor, at=at, total=number)
    done = move(row, Agency.Status.SUSPENDED, actor=actor, at=at, facts={"cases": number, "job": job.pk, "why": reason})
    return done, job


def take_back(agency_id: int, job_id: int, *, clock: Callable[[], datetime]) -> None:
    """Take back all that a suspended agency has, case by case."""
    job = jobs.claim(job_id, at=clock())
    if job is None or job.started_by is None:
        return
    rows = Placement.objects.running().filter(agency=agency_id, agency__status=Agency.Status.SUSPENDED)
    for row in rows.select_related("case").order_by("pk"):
        try:
            placements.recall(row, reason=Placement.Reason.SUSPENDED, actor=job.started_by, at=clock())
            jobs.progress(job, at=clock(), done=1)
        except DomainError as refused:
            jobs.progress(job, at=clock(), failed=1, problems=[{"line": None, "message": str(refused)}])
    jobs.finish(job, at=clock())
