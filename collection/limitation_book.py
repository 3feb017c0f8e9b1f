"""The clocks of limitation as the books and the record tell them: what began each period anew, and when it ends.

Read for many customers in a constant number of statements: instalments, payments, talks with the debtor, promises, relief asked for,
settlements, letters that arrived, actions at court, deaths, and what a person put on record. Each act carries the id under which its
evidence stands. What the copy (`LimitationClock`) says is never edited, only reckoned anew.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Max, Min
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection import cash, contested, limitation
from collection.limitation import Act, Clock, Halt, Law
from collection.models import (
    Case,
    CaseDebt,
    Channel,
    Contact,
    Hardship,
    LegalAction,
    LimitationClock,
    LimitationMark,
    Outcome,
    PreActionLetter,
    Promise,
    Settlement,
)
from credit import books
from credit.models import Installment, Loan, Transaction
from crm.lib.errors import Invalid
from governance import rules
from governance.models import User
from ledger import log

YEARS, LONGEST = "collections.limitation.years", "collections.limitation.longest_years"
LAST, THEN = "collections.limitation.last_months", "collections.limitation.then_months"
ENFORCEMENT, START = "collections.limitation.enforcement_years", "collections.limitation.counts_from"
WARN = "collections.limitation.warn_days"
OLDEST, WHOLE = "oldest_missed", "last_due"
# What a talk must have come to for the demand to have reached the debtor. A promise and a plea for time stand as rows of their own.
REACHED = (Outcome.RIGHT_PARTY, Outcome.REFUSED, Outcome.DISPUTE, Outcome.PROMISE, Outcome.HARDSHIP)
SPOKEN = (Channel.CALL, Channel.VISIT)
KINDS: Mapping[str, Any] = {
    "payment": _("Payment"), "talk": _("Demand in a talk with the debtor"), "promise": _("Promise to pay"), "relief": _("Relief was asked for"),
    "settlement": _("Settlement accepted"), "letter": _("Letter delivered"), "demand": _("Demand handed over"),
    "acknowledged": _("Debt acknowledged in writing"), "court": _("Filed with a court"), "judged": _("Judgment"),
}  # fmt: skip
HALTS: Mapping[str, Any] = {"death": _("The customer has died"), "hindrance": pgettext_lazy("limitation", "Hindrance on record")}
UPDATED = ["case", "state", "starts_on", "runs_from", "expires_on", "whole_due_on", "last_kind", "last_ref", "reckoned_at"]


@dataclass
class Told:
    """What is known of one loan."""

    loan: Loan
    case_id: int
    starts_on: date
    whole_due_on: date | None
    acts: set[Act] = field(default_factory=set)
    halts: list[Halt] = field(default_factory=list)


def law(*, on: date) -> tuple[Law, str]:
    """Return the numbers that hold on a day, and from which due day a claim is counted.

    :raises NoRule: if one is missing
    """
    found = rules.values([YEARS, LONGEST, LAST, THEN, ENFORCEMENT, START], on=on)
    return Law(int(found[YEARS]), int(found[LONGEST]), int(found[LAST]), int(found[THEN]), int(found[ENFORCEMENT])), str(found[START])


def told(customer_ids: Collection[int], *, counts_from: str) -> dict[int, Told]:
    """Return what is known of every loan that is late and has a case, by loan; a constant number of statements."""
    cases: dict[int, int] = dict(
        CaseDebt.objects.filter(case__customer__in=customer_ids).order_by().values_list("loan").annotate(case=Max("case"))
    )
    loans = list(Loan.objects.overdue().filter(pk__in=cases).order_by("pk"))
    ids = [loan.pk for loan in loans]
    ends = dict(Installment.objects.filter(loan__in=ids).order_by().values_list("loan").annotate(last=Max("due_on")))
    known: dict[int, Told] = {}
    for loan in loans:
        assert loan.oldest_due_on is not None
        start = ends.get(loan.pk, loan.matures_on) if counts_from == WHOLE else loan.oldest_due_on
        known[loan.pk] = Told(loan, cases[loan.pk], start, ends.get(loan.pk))
    if known:
        _acts(known)
        _halts(known)
    return known


def _acts(known: dict[int, Told]) -> None:
    debts: dict[int, list[int]] = defaultdict(list)
    for case_id, loan_id in CaseDebt.objects.filter(loan__in=known).values_list("case_id", "loan_id"):
        debts[case_id].append(loan_id)
    since = min(one.starts_on for one in known.values())

    def add(loan_ids: Iterable[int], act: Act) -> None:
        for loan_id in loan_ids:
            if loan_id in known:
                known[loan_id].acts.add(act)

    paid = Transaction.objects.filter(loan__in=known, kind__in=cash.BRINGS, reversal__isnull=True, value_on__gte=since)
    for loan_id, on, ref in paid.values_list("loan_id", "value_on", "public_id"):
        add([loan_id], Act(on, "payment", ref))
    talks = Contact.objects.filter(case__in=debts, channel__in=SPOKEN, outcome__in=REACHED, relation__isnull=True, at__date__gte=since)
    for talk in talks.select_related("case__legal_entity").only("case__legal_entity__zone", "at", "public_id"):
        add(debts[talk.case_id], Act(books.local_day(talk.case.legal_entity, talk.at), "talk", talk.public_id))
    for model, when, kind in (
        (Promise, "taken_on", "promise"),
        (Hardship, "opened_on", "relief"),
        (Settlement, "accepted_on", "settlement"),
    ):
        rows = model._default_manager.filter(**{"case__in": debts, f"{when}__isnull": False})
        for case_id, on, ref in rows.values_list("case_id", when, "public_id"):
            add(debts[case_id], Act(on, kind, ref))
    letters = PreActionLetter.objects.filter(case__in=debts, status=PreActionLetter.Status.DELIVERED)
    for data, on, ref in letters.values_list("data", "delivered_on", "public_id"):
        named = {row["loan"] for row in data["loans"]}
        add([pk for pk, one in known.items() if one.loan.public_id in named], Act(on, "letter", ref))
    actions = LegalAction.objects.filter(case__in=debts, filed_on__isnull=False)
    for case_id, filed, judged, ended, ref in actions.values_list("case_id", "filed_on", "judged_on", "ended_on", "public_id"):
        add(debts[case_id], Act(filed, limitation.COURT, ref, None if judged else ended))
        if judged:
            add(debts[case_id], Act(judged, limitation.JUDGED, ref))


def _halts(known: dict[int, Told]) -> None:
    marks = LimitationMark.objects.filter(loan__in=known).order_by("on", "pk")
    opened: dict[int, list[date]] = defaultdict(list)
    resumed: dict[int, list[date]] = defaultdict(list)
    for loan_id, kind, on, ref in marks.values_list("loan_id", "kind", "on", "public_id"):
        if kind == LimitationMark.Kind.SUSPENDED:
            opened[loan_id].append(on)
        elif kind == LimitationMark.Kind.RESUMED:
            resumed[loan_id].append(on)
        else:
            known[loan_id].acts.add(Act(on, kind, ref))
    customers = {one.loan.customer_id: pk for pk, one in known.items()}
    deaths = Transaction.objects.filter(loan__customer__in=customers, kind=Transaction.Kind.DEATH, reversal__isnull=True).order_by()
    died = dict(deaths.values_list("loan__customer").annotate(on=Min("value_on")))
    for pk, one in known.items():
        for cause, since in [("hindrance", day) for day in opened[pk]] + (
            [("death", died[one.loan.customer_id])] if one.loan.customer_id in died else []
        ):
            one.halts.append(Halt(since, next((day for day in resumed[pk] if day >= since), None), cause))


def clocks(customer_ids: Collection[int], *, on: date) -> dict[int, tuple[Told, Clock]]:
    """Return the clock of every late loan of these customers on a day, with what it was reckoned from, by loan."""
    numbers, counts_from = law(on=on)
    return {
        pk: (one, limitation.reckon(one.starts_on, one.acts, one.halts, law=numbers, on=on))
        for pk, one in told(customer_ids, counts_from=counts_from).items()
    }


@transaction.atomic
def refresh(customer_ids: Collection[int], *, at: datetime) -> int:
    """Reckon the clocks of these customers anew; one that no longer is needed goes. Running it again changes nothing."""
    found = clocks(customer_ids, on=localdate(at))
    LimitationClock.objects.filter(loan__customer__in=customer_ids).exclude(loan__in=found).delete()
    rows = [row_of(one, clock, at=at) for one, clock in found.values()]
    LimitationClock.objects.bulk_create(rows, update_conflicts=True, unique_fields=["loan"], update_fields=UPDATED)
    return len(rows)


def row_of(one: Told, clock: Clock, *, at: datetime) -> LimitationClock:
    last = clock.last
    return LimitationClock(
        loan=one.loan, case_id=one.case_id, state=clock.state, starts_on=clock.starts_on, runs_from=clock.runs_from, expires_on=clock.expires_on,
        whole_due_on=one.whole_due_on, last_kind=last.act.kind if last else "", last_ref=last.act.ref if last else "", reckoned_at=at,
    )  # fmt: skip


@transaction.atomic
def mark(case: Case, *, loan: Loan, kind: str, on: date, evidence: str, actor: User, at: datetime) -> LimitationMark:
    """Put an act on record that bears on the period and stands nowhere else.

    :raises Invalid: with a sentence per wrong value
    """
    contested.refuse_frozen(case, actor)
    today, evidence, problems = books.value_day(case.legal_entity, at), evidence.strip(), dict[str, Any]()
    if not case.debts.filter(loan=loan).exists():
        problems["loan"] = _("This loan is not of this case.")
    if kind not in LimitationMark.Kind.values:
        problems["kind"] = _("Choose what happened.")
    if not loan.starts_on <= on <= today:
        problems["on"] = _("The day must be from %(first)s to %(last)s.") % {"first": loan.starts_on.isoformat(), "last": today.isoformat()}
    if not 0 < len(evidence) <= 500:
        problems["evidence"] = _("Say in at most 500 characters where this can be read or heard: without evidence it counts for nothing.")
    if not problems and LimitationMark.objects.filter(loan=loan, kind=kind, on=on).exists():
        problems["on"] = _("This stands on record for that day already.")
    if problems:
        raise Invalid(_("Some values cannot be; see the fields."), fields=problems)
    made = LimitationMark(case=case, loan=loan, kind=kind, on=on, evidence=evidence, actor=actor, at=at)
    made.save(force_insert=True)
    log.record(
        "collections.limitation.marked", made, actor=actor, at=at, customer_id=case.customer_id, case=case.public_id, kind=kind, on=on
    )
    refresh([case.customer_id], at=at)
    return made


def warn_days(*, on: date) -> list[int]:
    """Return before how many days people are warned, the longest first."""
    return sorted((int(days) for days in rules.value(WARN, on=on)), reverse=True)
