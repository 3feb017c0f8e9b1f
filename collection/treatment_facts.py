"""What a treatment strategy is told of a case: read for a whole batch in a constant number of statements, as it stands now."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import BooleanField, Count, ExpressionWrapper, Q

from collection import debts, holds
from collection.models import Case, CaseScore, Outcome, Place, Promise
from collection.treatment_shape import EXITS
from credit.models import Loan
from crm.lib.among import among
from customers import contacts
from customers.models import Customer
from risk.models import BehaviourScore

IN_WORK = ("open", "worked")
ZERO = Decimal("0.00")
# Bands of the behaviour score by its probability of default: house policy, as the grades of an application.
EDGES, BANDS = (Decimal("0.02"), Decimal("0.05"), Decimal("0.10"), Decimal("0.20")), "ABCDE"
ANSWERED = (
    Outcome.RIGHT_PARTY,
    Outcome.PROMISE,
    Outcome.DISPUTE,
    Outcome.HARDSHIP,
    Outcome.COMPLAINT,
    Outcome.CALLBACK,
    Outcome.OBLIGOR,
    Outcome.OBLIGOR_PAYS,
)
REFUSED = (Outcome.REFUSED, Outcome.OBLIGOR_NO)
UNSCORED: Mapping[str, Any] = {"self_cure": None, "roll_forward": None, "best_channel": None}


class Told(NamedTuple):
    """A case with the facts of it, and what the planner needs beside them."""

    case_id: int
    customer_id: int
    zone: str
    facts: Mapping[str, Any]
    small: bool = False  # only a small remainder is overdue: messages remind, nobody calls


CASE = (
    "pk",
    "customer_id",
    "bucket",
    "dpd",
    "overdue_amount",
    "last_outcome",
    "customer__language",
    "customer__zone",
    "legal_entity__zone",
    "place",
)


def told(case_ids: Collection[int], *, at: datetime) -> list[Told]:
    """Return the facts of the cases in work among these, by id; who is paused or closed is absent."""
    rows = list(Case.objects.filter(pk__among=among(case_ids), status__in=IN_WORK).order_by("pk").values_list(*CASE))
    customers = [row[1] for row in rows]
    owed, ends = debts.overdue(customers), exits(customers)
    loans, promised, cured = _loans(customers), _promised(customers), _cured(customers)
    bands, ways, scores = _bands(customers), _ways(customers), _scores([row[0] for row in rows])
    found = []
    for pk, customer_id, bucket, dpd, amount, last, language, zone, own, place in rows:
        late = owed.get(customer_id, [])
        stands = ends.get(customer_id, frozenset())
        kinds, outstanding = loans.get(customer_id, (frozenset(), ZERO))
        facts: dict[str, Any] = {fact: name in stands for name, fact in EXITS.items()}
        facts["paid"] = not late
        facts |= {
            "bucket": max((one.bucket for one in late), default=bucket),
            "dpd": max((one.dpd for one in late), default=dpd),
            "overdue_amount": sum((one.amount for one in late), ZERO) if late else amount,
            "outstanding": outstanding,
            "loans": len(late),
            "score_band": bands.get(customer_id, "none"),
            **scores.get(pk, UNSCORED),
            "promises_kept": promised[customer_id]["kept"],
            "promises_broken": promised[customer_id]["broken"],
            "cures": cured.get(customer_id, 0),
            "response": _response(last),
            "has_mobile": ways[customer_id][0],
            "has_email": ways[customer_id][1],
            "product": "both" if len(kinds) > 1 else "revolving" if kinds == {True} else "instalment",
            "language": "en" if language.startswith("en") else "zh",
        }
        found.append(Told(pk, customer_id, zone or own, facts, place == Place.SMALL))
    return found


def exits(customer_ids: Collection[int]) -> Mapping[int, frozenset[str]]:
    """Return what ends a treatment for each customer, by the names of `treatment_shape.EXITS`; "paid" is told by the debts."""
    return {customer_id: names - {"paid"} for customer_id, names in holds.exits(customer_ids).items()}


def _response(last: str) -> str:
    if not last:
        return "never_tried"
    return "refuses" if last in REFUSED else "answers" if last in ANSWERED else "silent"


def _loans(customers: Sequence[int]) -> dict[int, tuple[frozenset[bool], Decimal]]:
    kinds: dict[int, set[bool]] = defaultdict(set)
    sums: dict[int, Decimal] = defaultdict(lambda: ZERO)
    rows = Loan.objects.open().filter(customer__among=among(customers)).order_by()
    for customer_id, revolving, principal in rows.values_list("customer_id", "revolving", "principal_outstanding"):
        kinds[customer_id].add(revolving)
        sums[customer_id] += principal
    return {customer_id: (frozenset(found), sums[customer_id]) for customer_id, found in kinds.items()}


def _promised(customers: Sequence[int]) -> dict[int, Counter[str]]:
    found: dict[int, Counter[str]] = defaultdict(Counter)
    rows = Promise.objects.filter(case__customer__among=among(customers), status__in=("kept", "broken")).order_by()
    for customer_id, status, n in rows.values_list("case__customer", "status").annotate(n=Count("pk")):
        found[customer_id][status] = n
    return found


def _cured(customers: Sequence[int]) -> dict[int, int]:
    rows = Case.objects.filter(
        customer__among=among(customers), status=Case.Status.CLOSED, close_reason__in=("cured", "settled")
    ).order_by()
    return dict(rows.values_list("customer_id").annotate(n=Count("pk")))


def _bands(customers: Sequence[int]) -> dict[int, str]:
    """Return the band of each customer's newest behaviour score, by its probability of default."""
    rows = BehaviourScore.objects.filter(customer__among=among(customers)).order_by("customer_id", "-as_of").distinct("customer_id")
    return {customer_id: BANDS[bisect_right(EDGES, pd)] for customer_id, pd in rows.values_list("customer_id", "pd")}


def _scores(case_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return what the last night reckoned for each case; who had no history has none of them."""
    rows = CaseScore.objects.filter(case__among=among(case_ids)).values_list("case", "cure", "roll", "channel")
    return {case: {"self_cure": cure, "roll_forward": roll, "best_channel": channel or None} for case, cure, roll, channel in rows}


def _ways(customers: Sequence[int]) -> dict[int, tuple[bool, bool]]:
    barred = contacts.bars_of(customers)
    rows = (
        Customer.objects.filter(pk__among=among(customers))
        .annotate(mailed=ExpressionWrapper(Q(email__isnull=False), BooleanField()))
        .values_list("pk", "mailed")
    )
    none: frozenset[str] = frozenset()
    return {pk: ("sms" not in barred.get(pk, none), has_email and "email" not in barred.get(pk, none)) for pk, has_email in rows}
