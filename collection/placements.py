"""Doors of placement: who may go to an agency and to which, giving and taking back. All debts of a customer go to one agency.

A placed case is paused in the house until it comes back: it leaves every queue, its path of treatment ends, and nobody of the house calls.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, Sum
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from collection import agency_math, case_states, holds, placement_fees, promises
from collection.agency_math import Seat
from collection.models import Agency, Case, CasePause, Placement, ReliefPlan, Settlement, TreatmentEntry
from collection.models.case import IN_WORK
from collection.models.treatments import HOLDOUT
from credit import books, exposure
from crm.lib.errors import DomainError, Invalid
from customers.models import Customer
from governance import rules
from governance.lifecycle import move
from governance.models import LegalEntity, User
from ledger import log

EARLIEST, DAYS, LONGEST = "collections.placement.earliest_dpd", "collections.placement.days", "collections.pause.days"
Status, Reason, PLACED = Placement.Status, Placement.Reason, Case.PauseReason.PLACED
# What keeps a case in the house, in the order in which it is said.
KEEPS = (
    holds.Name.DECEASED, holds.Name.DISPUTE, holds.Name.COMPLAINT, holds.Name.HARDSHIP, holds.Name.VULNERABLE, holds.Name.DO_NOT_CONTACT,
    holds.Name.PROMISED, holds.Name.PAID,
)  # fmt: skip
TAKES_BACK = {
    holds.Name.DECEASED: Reason.DECEASED, holds.Name.DISPUTE: Reason.DISPUTE, holds.Name.COMPLAINT: Reason.COMPLAINT,
    holds.Name.HARDSHIP: Reason.HARDSHIP, holds.Name.VULNERABLE: Reason.VULNERABLE,
}  # fmt: skip


class NotPlaceable(DomainError):
    """The case stays in the house; `extra` has the reason's code."""

    code = "not_placeable"


class AgencyFull(DomainError):
    """The agency has as many cases as it may."""

    code = "agency_full"


class AgencySuspended(DomainError):
    """Nothing goes to an agency that is suspended."""

    code = "agency_suspended"


@dataclass(frozen=True, slots=True)
class Stay:
    """Why a case stays in the house: a code, and the words for it."""

    code: str
    why: Any

    def said(self, case: Case) -> Any:
        return _("Case %(case)s stays in the house: %(why)s.") % {"case": case.public_id, "why": self.why}


NOWHERE = Stay("nowhere", _("no agency that did not have it before has room"))


# --- who may go ----------------------------------------------------------------------------------------------------
def stays(rows: Collection[Case], *, at: datetime) -> dict[int, Stay]:
    """Return why each case stays in the house; those that may be placed are left out. A constant number of statements."""
    standing = holds.standing([case.customer_id for case in rows])
    ids = [case.pk for case in rows]
    placed = set(Placement.objects.running().filter(case__in=ids).values_list("case_id", flat=True))
    settling = set(Settlement.objects.open().filter(case__in=ids).values_list("case_id", flat=True))
    eased = set(
        ReliefPlan.objects.filter(status="running", loan__customer__in=[case.customer_id for case in rows]).values_list(
            "loan__customer_id", flat=True
        )
    )
    reminded = set(
        TreatmentEntry.objects.filter(case__in=ids, status=TreatmentEntry.Status.RUNNING, arm=HOLDOUT).values_list("case_id", flat=True)
    )
    earliest = {entity: int(rules.value(EARLIEST, on=localdate(at))) for entity in {case.legal_entity_id for case in rows}}
    found: dict[int, Stay] = {}
    for case in rows:
        names = standing.get(case.customer_id, {})
        name = next((one for one in KEEPS if one in names), None)
        if case.status == Case.Status.CLOSED:
            found[case.pk] = Stay("closed", _("it is closed"))
        elif case.pk in placed:
            found[case.pk] = Stay("placed", _("it is with an agency already"))
        elif name is not None:
            found[case.pk] = Stay(name.value, name.label)
        elif case.pk in settling:
            found[case.pk] = Stay("settlement", _("a settlement runs"))
        elif case.customer_id in eased:
            found[case.pk] = Stay("relief", _("a relief plan runs"))
        elif case.status not in IN_WORK:
            found[case.pk] = Stay("paused", _("its work waits (%(why)s)") % {"why": case.get_pause_reason_display()})
        elif case.pk in reminded:
            found[case.pk] = Stay("holdout", _("it is only reminded, to measure against"))
        elif case.dpd < earliest[case.legal_entity_id]:
            found[case.pk] = Stay("early", _("it is placed from %(days)s days past due on") % {"days": earliest[case.legal_entity_id]})
    return found


def had_by(rows: Collection[Case]) -> dict[int, set[int]]:
    """Return the agencies that each case was with before."""
    found: dict[int, set[int]] = defaultdict(set)
    for case_id, agency_id in Placement.objects.filter(case__in=rows).values_list("case_id", "agency_id"):
        found[case_id].add(agency_id)
    return found


def seats(entity: LegalEntity | int) -> list[Seat]:
    """Return the agencies that may take cases, with their room and what they recovered of what they were given."""
    rows = Agency.objects.filter(legal_entity=entity, status=Agency.Status.ACTIVE).annotate(
        held=Count("placements", filter=Q(placements__status=Status.PLACED)),
        came=Sum("placements__collected"),
        given=Sum("placements__balance"),
    )
    return [Seat(row.code, max(row.capacity - row.held, 0), row.came / row.given if row.given else None) for row in rows.order_by("code")]


@dataclass(frozen=True)
class Plan:
    """Who goes where, and why the others stay."""

    given: list[tuple[Case, Agency]]
    stays: dict[int, Stay]


def plan(rows: Sequence[Case], *, at: datetime, agency: Agency | None = None, most: int | None = None) -> Plan:
    """Share cases out by performance and room, the largest first, never to an agency that had the case before; to `agency` alone if named.

    Nothing is written: the same rows give the same plan.

    :param most: at most so many go, the largest of those that may
    """
    kept = stays(rows, at=at)
    able = sorted((case for case in rows if case.pk not in kept), key=lambda one: (-one.overdue_amount, one.pk))[:most]
    given: list[tuple[Case, Agency]] = []
    before = had_by(able)
    for entity in sorted({case.legal_entity_id for case in able}):
        mine = [case for case in able if case.legal_entity_id == entity]
        open_ = [seat for seat in seats(entity) if agency is None or seat.code == agency.code]
        left = agency_math.shares(len(mine), open_)
        room = {seat.code: seat.room for seat in open_}
        known = {one.code: one for one in Agency.objects.filter(code__in=left)}
        for case in mine:
            # beyond its share where every other one had the case before
            codes = [code for code, free in room.items() if free and known[code].pk not in before.get(case.pk, set())]
            if not codes:
                kept[case.pk] = NOWHERE
                continue
            code = min(codes, key=lambda one: (-left[one], one))
            left[code] -= 1
            room[code] -= 1
            given.append((case, known[code]))
    return Plan(given, kept)


# --- giving --------------------------------------------------------------------------------------------------------
@transaction.atomic
def place(case: Case, *, agency: Agency, actor: User, at: datetime) -> Placement:
    """Give a case, all debts of its customer, to an agency; whoever holds it loses the hold.

    :raises NotPlaceable: by name, such as a dispute
    :raises AgencySuspended: if the agency is suspended
    :raises AgencyFull: if it has as many cases as it may
    """
    exposure.lock(case.customer_id)
    taker = Agency.objects.select_for_update().get(pk=agency.pk)  # its room is counted under this lock
    row = Case.objects.select_for_update(of=("self",)).select_related("legal_entity").get(pk=case.pk)
    if stay := stays([row], at=at).get(row.pk):
        raise NotPlaceable(stay.said(row), reason=stay.code)
    if taker.legal_entity_id != row.legal_entity_id:
        raise NotPlaceable(Stay("entity", _("the agency works for another lender")).said(row), reason="entity")
    if taker.pk in had_by([row]).get(row.pk, set()):
        raise NotPlaceable(Stay("before", _("%(agency)s had it before") % {"agency": taker}).said(row), reason="before")
    if taker.status != Agency.Status.ACTIVE:
        raise AgencySuspended(_("%(agency)s is suspended.") % {"agency": taker})
    if taker.placements.filter(status=Status.PLACED).count() >= taker.capacity:
        words = {"agency": taker, "n": taker.capacity}
        raise AgencyFull(
            ngettext("%(agency)s has %(n)s case, as many as it may.", "%(agency)s has %(n)s cases, as many as it may.", taker.capacity)
            % words
        )
    today = books.value_day(row.legal_entity, at)
    days = min(int(rules.value(DAYS, on=today)), int(rules.value(LONGEST, on=today)))
    made = Placement.objects.create(
        case=row, agency=taker, dpd=row.dpd, balance=row.overdue_amount, rate=agency_math.rate_at(taker.fees, row.dpd),
        counts_after=promises.last_transaction(row.customer_id), placed_by=actor, placed_on=today, back_on=today + timedelta(days=days),
    )  # fmt: skip
    case_states.pause(row, reason=PLACED, until=made.back_on, actor=actor, at=at)
    log.record("collections.placement.made", made, actor=actor, at=at, **facts(made))
    return made


@transaction.atomic
def place_anywhere(case: Case, *, actor: User, at: datetime) -> Placement:
    """Give a case to the agency whose turn it is.

    :raises NotPlaceable: by name, also where no agency has room
    """
    found = plan([Case.objects.get(pk=case.pk)], at=at)
    if not found.given:
        stay = found.stays[case.pk]
        raise NotPlaceable(stay.said(case), reason=stay.code)
    return place(case, agency=found.given[0][1], actor=actor, at=at)


def facts(row: Placement) -> dict[str, Any]:
    return {"customer_id": row.case.customer_id, "case": row.case.public_id, "agency": row.agency.code, "amount": row.balance}


# --- taking back ---------------------------------------------------------------------------------------------------
@transaction.atomic
def recall(placement: Placement, *, reason: str, actor: User, at: datetime) -> Placement:
    """Take a case back; the agency sees it no more. What came in until now earned its fee.

    :raises Invalid: if the reason is none of the list
    :raises IllegalMove: if it is back already
    """
    if reason not in Reason.values:
        raise Invalid(_("Choose why it is taken back."), fields={"reason": _("Choose why it is taken back.")})
    exposure.lock(placement.case.customer_id)
    row = Placement.objects.select_for_update(of=("self",)).select_related("case__legal_entity", "agency").get(pk=placement.pk)
    placement_fees.earn([row])
    return _over(row, Status.RECALLED, reason=reason, actor=actor, at=at)


def _over(row: Placement, to: str, *, reason: str, actor: User, at: datetime) -> Placement:
    """End a locked placement whose fees are booked; the work of the house goes on where the case is open."""
    done = move(
        row, to, actor=actor, at=at, facts=facts(row) | {"reason": str(reason)}, reason=reason, ended_on=books.value_day(row.case.legal_entity, at),
        counts_until=promises.last_transaction(row.case.customer_id),
    )  # fmt: skip
    if CasePause.objects.filter(case=row.case_id, reason=PLACED, ended_at__isnull=True).exists():
        case_states.resume(row.case, reason=PLACED, actor=actor, at=at)
    return done


def outside(legal_entity_id: int, *, first: int, last: int) -> list[int]:
    """Return the customers with a case at an agency, by id, within `[first, last]`."""
    rows = Placement.objects.running().filter(case__legal_entity=legal_entity_id, case__customer__gte=first, case__customer__lte=last)
    return sorted(rows.values_list("case__customer", flat=True))


@transaction.atomic
def follow(customer_ids: Collection[int], *, actor: User, at: datetime) -> int:
    """Book the fees of what came in, end what is closed, take back what may not stay outside; return how many ended.

    Running it again changes nothing.
    """
    with_one = Placement.objects.filter(case__customer__in=customer_ids).values("case__customer")
    list(Customer.objects.filter(pk__in=with_one).select_for_update(of=("self",), no_key=True).only("pk").order_by("pk"))
    rows = list(
        Placement.objects.filter(case__customer__in=customer_ids).select_for_update(of=("self",))
        .select_related("case__legal_entity", "agency").order_by("pk")
    )  # fmt: skip
    placement_fees.earn(rows)
    running = [row for row in rows if row.status == Status.PLACED]
    standing = holds.standing([row.case.customer_id for row in running]) if running else {}
    ended = 0
    for row in running:
        names = standing.get(row.case.customer_id, {})
        reason: str = next((reason for name, reason in TAKES_BACK.items() if name in names), "")
        if row.case.status == Case.Status.CLOSED:
            _over(row, Status.ENDED, reason="", actor=actor, at=at)
        elif not reason and row.agency.status != Agency.Status.ACTIVE:
            _over(row, Status.RECALLED, reason=Reason.SUSPENDED, actor=actor, at=at)
        elif not reason and books.value_day(row.case.legal_entity, at) >= row.back_on:
            _over(row, Status.RECALLED, reason=Reason.EXPIRED, actor=actor, at=at)
        elif reason:
            _over(row, Status.RECALLED, reason=reason, actor=actor, at=at)
        else:
            continue
        ended += 1
    return ended
