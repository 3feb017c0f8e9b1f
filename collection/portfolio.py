"""All cases of a legal entity at once, in ranges of customers. The outbox carries the ranges, so that none is lost."""

from datetime import datetime

from django.db import transaction

from collection import case_states, cases, promises, relief_plans, settlements
from collection.models import Case, ReliefPlan, Settlement
from credit.models import Loan
from governance.models import LegalEntity, User
from ledger import log

PARTITION = 1_000  # customers; under a second of work in one transaction


def touched(legal_entity_id: int, *, first: int = 0, last: int = 2**63 - 1) -> list[int]:
    """Return the customers with an overdue loan, an open case, or relief that is followed, by id, within `[first, last]`."""
    within = {"legal_entity": legal_entity_id, "customer_id__gte": first, "customer_id__lte": last}
    late = Loan.objects.overdue().filter(**within).order_by().values_list("customer_id", flat=True)
    worked = Case.objects.open().filter(**within).order_by().values_list("customer_id", flat=True)
    eased = Loan.objects.filter(**within, pk__in=ReliefPlan.objects.filter(status="running").values("loan"))
    settling = Case.objects.filter(**within, pk__in=Settlement.objects.open().values("case"))
    others = (rows.order_by().values_list("customer_id", flat=True) for rows in (eased, settling))
    return sorted(set(late.union(worked, *others)))


@transaction.atomic
def plan_refresh(entity: LegalEntity, *, actor: User, at: datetime, size: int = PARTITION) -> int:
    """Cut the customers to refresh into ranges and record each as work to do; return how many ranges."""
    ids = touched(entity.pk)
    label = LegalEntity._meta.label_lower
    rows = [
        log.Row(label, entity.pk, None, {"first": part[0], "last": part[-1], "customers": len(part)})
        for part in (ids[start : start + size] for start in range(0, len(ids), size))
    ]
    log.record_many("collections.refresh.planned", rows, actor=actor, at=at)
    return len(rows)


@transaction.atomic
def refresh_range(legal_entity_id: int, *, first: int, last: int, actor: User, at: datetime) -> cases.Refreshed:
    """Judge the promises of one range of customers and bring their cases in step with their loans, in one transaction."""
    ids = touched(legal_entity_id, first=first, last=last)
    promises.judge(ids, actor=actor, at=at)
    settlements.follow(ids, actor=actor, at=at)
    relief_plans.follow(ids, actor=actor, at=at)
    case_states.resume_due(ids, actor=actor, at=at)
    return cases.refresh(ids, actor=actor, at=at)
