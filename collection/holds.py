"""What stands between a customer and the next step of collecting: one place that treatment, the contact gate and people ask.

The names are those of the exits that every treatment path carries. Who adds a reason registers one reader that is asked once for a whole
batch. Some of them silence what would leave by itself (`SILENCES`); a person may still call about the matter.

What the customer said on the telephone holds by the house's own policy, as data (`hold` in `collection/data/dispositions.json`): until the
person is spoken to again or the case is over. A death outlasts the case. A matter on file holds until it is decided.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import CharField, Q, QuerySet, Value
from django.db.models.enums import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection import dispositions
from collection.models import ACTIVE, CareFlag, Case, Complaint, Contact, Dispute, Hardship, Outcome, Promise, Settlement
from crm.lib.among import among
from crm.lib.registry import Registry
from customers import contacts
from customers.contacts import Hold
from customers.models import ContactBar


class Name(TextChoices):
    """Why a path of treatment ends or waits."""

    PAID = "paid", _("Nothing is overdue")
    PROMISED = "promised", _("A promise runs")
    SETTLEMENT = "settlement", _("A settlement is being paid")
    DISPUTE = "dispute", _("Dispute")
    HARDSHIP = "hardship", _("Hardship")
    COMPLAINT = "complaint", _("Complaint")
    VULNERABLE = "vulnerable", _("Needs special care")
    DO_NOT_CONTACT = "do_not_contact", pgettext_lazy("hold", "Every way of contact is stopped")
    DECEASED = "deceased", _("Deceased")


@dataclass(frozen=True, slots=True)
class Standing:
    """One reason that stands for a customer, and since when; None where it is a state without a beginning."""

    name: Name
    since: datetime | None


# What of these silences messages that would leave by themselves. Nothing overdue and a promise do not: the promise is reminded of.
SILENCES = (Name.DECEASED, Name.COMPLAINT, Name.DISPUTE, Name.HARDSHIP, Name.VULNERABLE, Name.DO_NOT_CONTACT, Name.SETTLEMENT)
# A settlement that is being paid is an agreement that runs: it ends a path of treatment by the exit that a promise does.
EXIT_OF = {Name.SETTLEMENT: Name.PROMISED}
SAID = {
    Outcome.DISPUTE: Name.DISPUTE, Outcome.HARDSHIP: Name.HARDSHIP, Outcome.COMPLAINT: Name.COMPLAINT, Outcome.DECEASED: Name.DECEASED,
}  # fmt: skip
TEXT_AND_CALL = {"call", "sms", "email"}

# A reader returns a query of (customer id, name, since): all of them are asked in one statement.
READERS: Registry[Callable[[Collection[int]], QuerySet]] = Registry("hold on collecting")


def rows_of(query: QuerySet, name: Name, *, customer: str, since: str) -> QuerySet:
    """Return `query` as what a reader answers: customer, name, since."""
    return query.order_by().annotate(hold_name=Value(name.value, output_field=CharField())).values_list(customer, "hold_name", since)


def of_disputes(customer_ids: Collection[int]) -> QuerySet:
    return rows_of(
        Dispute.objects.open().filter(case__customer__among=among(customer_ids)), Name.DISPUTE, customer="case__customer", since="opened_at"
    )


def of_complaints(customer_ids: Collection[int]) -> QuerySet:
    return rows_of(
        Complaint.objects.open().filter(case__customer__among=among(customer_ids)),
        Name.COMPLAINT,
        customer="case__customer",
        since="opened_at",
    )


def of_promises(customer_ids: Collection[int]) -> QuerySet:
    return rows_of(
        Promise.objects.running().filter(case__customer__among=among(customer_ids)),
        Name.PROMISED,
        customer="case__customer",
        since="taken_at",
    )


def of_settlements(customer_ids: Collection[int]) -> QuerySet:
    return rows_of(
        Settlement.objects.filter(case__customer__among=among(customer_ids), status__in=Settlement.BEING_PAID),
        Name.SETTLEMENT,
        customer="case__customer",
        since="offered_at",
    )


def of_deaths(customer_ids: Collection[int]) -> QuerySet:
    return rows_of(bars(customer_ids).filter(reason=ContactBar.Reason.DECEASED), Name.DECEASED, customer="customer", since="since")


def of_care(customer_ids: Collection[int]) -> QuerySet:
    return rows_of(bars(customer_ids).filter(reason=ContactBar.Reason.VULNERABLE), Name.VULNERABLE, customer="customer", since="since")


def of_hardships(customer_ids: Collection[int]) -> QuerySet:
    return rows_of(
        Hardship.objects.open().filter(case__customer__among=among(customer_ids)),
        Name.HARDSHIP,
        customer="case__customer",
        since="opened_at",
    )


def of_flags(customer_ids: Collection[int]) -> QuerySet:
    return rows_of(CareFlag.objects.open().filter(customer__among=among(customer_ids)), Name.VULNERABLE, customer="customer", since="since")


def bars(customer_ids: Collection[int]) -> "QuerySet[ContactBar]":
    return ContactBar.objects.filter(customer__among=among(customer_ids), lifted_at__isnull=True)


for key, reader in (
    ("disputes", of_disputes), ("complaints", of_complaints), ("promises", of_promises), ("deaths", of_deaths), ("care", of_care),
    ("hardships", of_hardships), ("flags", of_flags), ("settlements", of_settlements),
):  # fmt: skip
    READERS.register(key, reader)


# --- what is asked -------------------------------------------------------------------------------------------------
def standing(customer_ids: Collection[int]) -> dict[int, dict[Name, Standing]]:
    """Return every reason that stands for each customer who has one; a constant number of statements, however many are asked for."""
    found: dict[int, dict[Name, Standing]] = defaultdict(dict)
    for customer_id, name, since in on_file(customer_ids):
        note(found[customer_id], Name(name), since)
    for customer_id, (outcome, since) in last_said(customer_ids).items():
        if outcome in SAID:
            note(found[customer_id], SAID[Outcome(outcome)], since)
    for customer_id, since in unreachable(customer_ids).items():
        note(found[customer_id], Name.DO_NOT_CONTACT, since)
    owing = set(Case.objects.open().filter(customer__among=among(customer_ids), overdue_amount__gt=0).values_list("customer_id", flat=True))
    for customer_id in customer_ids:
        if customer_id not in owing:
            note(found[customer_id], Name.PAID, None)
    return dict(found)


def exits(customer_ids: Collection[int]) -> dict[int, frozenset[str]]:
    """Return the names that stand for each customer, as treatment paths write them."""
    return {customer_id: frozenset(EXIT_OF.get(name, name).value for name in rows) for customer_id, rows in standing(customer_ids).items()}


def of(customer_ids: Collection[int]) -> dict[int, Hold]:
    """Return the hold on messages of each customer who has one: the weightiest matter on file, else what was said last."""
    filed: dict[int, dict[Name, Standing]] = defaultdict(dict)
    for customer_id, name, since in on_file(customer_ids):
        note(filed[customer_id], Name(name), since)
    found = {}
    for customer_id, (outcome, since) in last_said(customer_ids).items():
        found[customer_id] = Hold(Outcome(outcome).label, since)
    for customer_id, rows in filed.items():
        first = next((rows[name] for name in SILENCES if name in rows), None)
        if first is not None and first.since is not None:
            found[customer_id] = Hold(first.name.label, first.since)
    return found


def on_file(customer_ids: Collection[int]) -> Iterable[tuple[int, str, datetime]]:
    """Return what the readers know: customer, name, since; one statement."""
    first, *others = [reader(customer_ids) for reader in READERS.values()]
    return first.union(*others, all=True)


def last_said(customer_ids: Collection[int]) -> dict[int, tuple[str, datetime]]:
    """Return what each customer said last that holds messages back, by the last contact that told; one statement."""
    holding, ending = dispositions.holding(), dispositions.ending()
    tells = Q(outcome__in=ending) | Q(outcome__in=holding, case__status__in=ACTIVE) | Q(outcome=Outcome.DECEASED)
    last = (
        Contact.objects.filter(tells, case__customer__among=among(customer_ids))
        .order_by("case__customer", "-at", "-pk")
        .distinct("case__customer")
        .values_list("case__customer", "outcome", "at")
    )
    return {customer_id: (outcome, at) for customer_id, outcome, at in last if outcome in holding}


def unreachable(customer_ids: Collection[int]) -> dict[int, datetime]:
    """Return since when every way by telephone and message is stopped for a customer; one statement."""
    stopped: dict[int, dict[str, datetime]] = defaultdict(dict)
    for customer_id, channel, since in bars(customer_ids).values_list("customer_id", "channel", "since"):
        stopped[customer_id][channel] = since
    return {customer_id: max(rows.values()) for customer_id, rows in stopped.items() if rows.keys() >= TEXT_AND_CALL}


def note(rows: dict[Name, Standing], name: Name, since: datetime | None) -> None:
    """Keep the earliest beginning of a reason."""
    known = rows.get(name)
    if known is None or (known.since is not None and since is not None and since < known.since):
        rows[name] = Standing(name, since)


contacts.HOLDS.register("collections", of)
