"""Doors of legal actions: propose, decide by authority against what it brings, go from stage to stage, note costs, end.

Approved, the work on the case waits; filed, the case is closed by the name "legal" and the diary of the action goes on. A step of
treatment only proposes: a person decides.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from collection import case_states, cases, contested, holds, legal_costs, legal_holds, limitation_book
from collection.legal_costs import Outlook
from collection.models import Case, LegalAction, LegalCost, LegalDiary, PreActionLetter
from credit import books
from crm.lib.errors import DomainError, Invalid, NotAllowed
from crm.lib.money import is_cents, total
from crm.lib.templatetags.crm import grouped
from governance import rules, users
from governance.lifecycle import move
from governance.models import User
from ledger import log

ZERO = Decimal("0.00")
LEAST = "collections.close.legal_dpd"
AUTHORITY, ABOVE, WAIT = "collections.legal.authority", "collections.legal.authority_above", "collections.legal.wait_days"
Status = LegalAction.Status
LONGEST = 2_000


class TooEarly(DomainError):
    """The debt is not late enough for a court."""

    code = "legal_too_early"


class ActionUnderWay(DomainError):
    """One action of a case at a time."""

    code = "legal_under_way"


class NothingToClaim(DomainError):
    """Nothing is owed on the loans of the case."""

    code = "nothing_to_claim"


class OwnProposal(NotAllowed):
    """Nobody decides what they proposed."""

    code = "own_proposal"


class AboveAuthority(NotAllowed):
    """The action costs more than this role may approve."""

    code = "above_authority"


class CostsAboveRecovery(NotAllowed):
    """The action is expected to cost more than it brings, and this role may not approve that."""

    code = "costs_above_recovery"


class LetterFirst(DomainError):
    """The debtor is written to before anything is filed."""

    code = "letter_first"


def locked(action: LegalAction, *, actor: User) -> LegalAction:
    """Return the locked row, for who is not kept from the case by a complaint.

    :raises CaseFrozen: if one is
    """
    row = LegalAction.objects.select_for_update(of=("self",)).select_related("case__legal_entity", "case__customer").get(pk=action.pk)
    contested.refuse_frozen(row.case, actor)
    return row


def facts(row: LegalAction) -> dict[str, Any]:
    return {"customer_id": row.case.customer_id, "case": row.case.public_id, "claim": row.claim}


@transaction.atomic
def propose(case: Case, *, actor: User, at: datetime) -> LegalAction:
    """Propose to take a case to court; another person decides.

    :raises CaseClosed: if the case is closed
    :raises CaseFrozen: if a complaint keeps `actor` from it
    :raises LegalBarred: by the name of what stands between the customer and the court
    :raises TooEarly: if the debt is not late enough
    :raises NothingToClaim: if nothing is owed
    :raises ActionUnderWay: if one is open
    """
    row = Case.objects.select_for_update(of=("self",)).select_related("legal_entity", "customer").get(pk=case.pk)
    if not row.is_open:
        raise cases.CaseClosed(_("Case %(case)s is closed.") % {"case": row.public_id})
    contested.refuse_frozen(row, actor)
    legal_holds.refuse(row)
    today = books.value_day(row.legal_entity, at)
    least = int(rules.value(LEAST, on=today))
    if row.dpd < least:
        raise TooEarly(_("Legal steps need %(days)s days past due; this case has %(dpd)s.") % {"days": least, "dpd": row.dpd})
    return _propose(row, source=LegalAction.Source.PERSON, today=today, actor=actor, at=at)


def _propose(row: Case, *, source: str, today: date, actor: User, at: datetime) -> LegalAction:
    found = legal_costs.outlook(row, on=today)
    if found.claim <= ZERO:
        raise NothingToClaim(_("Nothing is owed on the loans of this case."))
    if LegalAction.objects.open().filter(case=row).exists():
        raise ActionUnderWay(_("A legal action of case %(case)s is under way.") % {"case": row.public_id})
    [made] = write_down({row: found}, source=source, today=today, actor=actor, at=at)
    return made


def write_down(proposals: Mapping[Case, Outlook], *, source: str, today: date, actor: User, at: datetime) -> list[LegalAction]:
    """Write down an action for each case, with its first line in the diary; the caller holds the cases, which have none under way."""
    made = LegalAction.objects.bulk_create(
        LegalAction(
            case=row, source=source, claim=found.claim, expected=found.expected, cost_forecast=found.cost, above=found.above,
            proposed_by=actor, proposed_at=at, proposed_on=today,
        )
        for row, found in proposals.items()
    )  # fmt: skip
    LegalDiary.objects.bulk_create(line(row, on=today, actor=actor, at=at) for row in made)
    told = [
        log.Row(
            row._meta.label_lower, row.pk, row.case.customer_id,
            {"source": source, "cost": row.cost_forecast, "expected": row.expected, "case": row.case.public_id, "claim": row.claim},
        )
        for row in made
    ]  # fmt: skip
    log.record_many("collections.legal.proposed", told, actor=actor, at=at)
    return made


@transaction.atomic
def propose_for(case_ids: Collection[int], *, at: datetime) -> dict[int, str]:
    """Propose an action for each case that a step of treatment brought this far; return why not, by case, "" where it was.

    Nobody is taken to court by it: a person decides on each. A constant number of statements, however many cases there are.
    """
    locked_rows = Case.objects.filter(pk__in=case_ids).select_for_update(of=("self",)).select_related("legal_entity", "customer")
    rows = list(locked_rows.order_by("pk"))
    standing = holds.standing([row.customer_id for row in rows])
    busy = set(LegalAction.objects.open().filter(case__in=case_ids).values_list("case", flat=True))
    found: dict[int, str] = {}
    days: dict[date, list[Case]] = defaultdict(list)
    for row in rows:
        days[books.value_day(row.legal_entity, at)].append(row)
    for today, of_day in days.items():
        least = int(rules.value(LEAST, on=today))
        barred = {row.pk for row in of_day for name, _refusal, _words in legal_holds.BARS if name in standing.get(row.customer_id, {})}
        fit = [row for row in of_day if row.pk not in busy | barred and row.is_open and row.dpd >= least]
        seen = legal_costs.outlooks(fit, on=today)
        claimed = {row: seen[row.pk] for row in fit if seen[row.pk].claim > ZERO}
        write_down(claimed, source=LegalAction.Source.TREATMENT, today=today, actor=users.system(), at=at)
        found |= {row.pk: "legal_barred" for row in of_day} | {row.pk: NothingToClaim.code for row in fit} | {row.pk: "" for row in claimed}
    return found


def authority_of(user: User, *, on: date, above: bool) -> Decimal:
    """Return the largest expected cost that `user` may approve."""
    found: dict[str, str] = rules.value(ABOVE if above else AUTHORITY, on=on)
    return Decimal(found.get(user.role.code if user.role else "", "0.00"))


@transaction.atomic
def approve(action: LegalAction, *, actor: User, at: datetime) -> LegalAction:
    """Agree to an action by what it brings and costs now; the work on the case waits from here on.

    :raises OwnProposal: if `actor` proposed it
    :raises LegalBarred: by the name of what stands between the customer and the court
    :raises NothingToClaim: if nothing is owed any more
    :raises CostsAboveRecovery: if it costs more than it brings and the role of `actor` may not approve that
    :raises AboveAuthority: if it costs more than the role of `actor` may approve
    :raises IllegalMove: if it does not wait for a decision
    """
    row = locked(action, actor=actor)
    today = books.value_day(row.case.legal_entity, at)
    refuse_own(row, actor=actor)
    legal_holds.refuse(row.case)
    found = legal_costs.outlook(row.case, on=today)
    if found.claim <= ZERO:
        raise NothingToClaim(_("Nothing is owed on the loans of this case."))
    refuse_beyond(found, actor=actor, on=today)
    done = move(
        row, Status.PRE_ACTION, event="collections.legal.approved", actor=actor, at=at,
        facts=facts(row) | {"cost": found.cost, "expected": found.expected, "above": found.above},
        claim=found.claim, expected=found.expected, cost_forecast=found.cost, above=found.above, decided_by=actor,
        decided_at=at, next_what=LegalAction.Deadline.FILE, next_on=today + timedelta(days=int(rules.value(WAIT, on=today))),
    )  # fmt: skip
    write(done, on=today, actor=actor, at=at)
    if row.case.is_open:
        until = today + timedelta(days=int(rules.value(WAIT, on=today)))
        case_states.pause(row.case, reason=Case.PauseReason.LEGAL, until=until, actor=actor, at=at)
    return done


def refuse_own(row: LegalAction, *, actor: User) -> None:
    if row.proposed_by_id == actor.pk:
        raise OwnProposal(_("You proposed this action: another person decides."))


def refuse_beyond(found: Outlook, *, actor: User, on: date) -> None:
    if found.above:
        most = authority_of(actor, on=on, above=True)
        if found.cost > most:
            raise CostsAboveRecovery(
                _("It is expected to cost %(cost)s and to bring %(expected)s: somebody who may go on against that has to approve it.")
                % {"cost": grouped(found.cost), "expected": grouped(found.expected)}
            )
    most = authority_of(actor, on=on, above=False)
    if found.cost > most:
        raise AboveAuthority(
            _("It is expected to cost %(cost)s, your authority reaches to %(most)s. Somebody with more has to approve it.")
            % {"cost": grouped(found.cost), "most": grouped(most)}
        )


@transaction.atomic
def refuse(action: LegalAction, *, actor: User, at: datetime) -> LegalAction:
    """Do not go on with a proposal.

    :raises OwnProposal: if `actor` proposed it
    :raises IllegalMove: if it does not wait for a decision
    """
    row = locked(action, actor=actor)
    refuse_own(row, actor=actor)
    done = move(
        row, Status.REFUSED, event="collections.legal.refused", actor=actor, at=at, facts=facts(row), decided_by=actor, decided_at=at
    )
    write(done, on=books.value_day(row.case.legal_entity, at), actor=actor, at=at)
    return done


# --- the diary -----------------------------------------------------------------------------------------------------
def line(row: LegalAction, *, on: date, actor: User, at: datetime, note: str = "") -> LegalDiary:
    """Return what the diary says of an action as it stands, not stored."""
    return LegalDiary(
        action=row, stage=row.status, on=on, court=row.court, case_number=row.case_number, next_what=row.next_what, next_on=row.next_on,
        note=note or None, actor=actor, at=at,
    )  # fmt: skip


def write(row: LegalAction, *, on: date, actor: User, at: datetime, note: str = "") -> LegalDiary:
    made = line(row, on=on, actor=actor, at=at, note=note)
    made.save(force_insert=True)
    return made


@transaction.atomic
def step(
    action: LegalAction,
    *,
    to: str,
    on: date,
    actor: User,
    at: datetime,
    court: str = "",
    case_number: str = "",
    next_what: str = "",
    next_on: date | None = None,
    note: str = "",
    outcome: str = "",
) -> LegalAction:
    """Write what happened into the diary: another stage, the end, or, with `to` the stage it is in, a note with its next deadline.

    Filed, the collection case is closed by the reason "legal". What stood of court, number and deadline stays where nothing is said.

    :raises LetterFirst: if it is filed before a letter was sent and its time is over
    :raises LegalBarred: if it is filed although something stands between the customer and the court
    :raises IllegalMove: if there is no such step from here
    :raises Invalid: with a sentence per wrong value
    """
    row = locked(action, actor=actor)
    today = books.value_day(row.case.legal_entity, at)
    court, case_number, note = court.strip(), case_number.strip(), note.strip()
    problems = wrong(row, to=to, on=on, today=today, next_what=next_what, next_on=next_on, note=note, outcome=outcome)
    if to in LegalAction.AT_COURT and not (court or row.court):
        problems["court"] = _("Enter the court.")
    if to in (Status.ACCEPTED, Status.HEARING, Status.JUDGMENT, Status.ENFORCEMENT) and not (case_number or row.case_number):
        problems["case_number"] = _("Enter the number the court gave.")
    if problems:
        raise Invalid(_("Some values cannot be; see the fields."), fields=problems)
    values: dict[str, Any] = {"court": court or row.court, "case_number": case_number or row.case_number}
    if next_what or to != row.status:
        values |= {"next_what": next_what, "next_on": next_on}
    if to == row.status:
        for name, value in values.items():
            setattr(row, name, value)
        row.version += 1
        row.save(update_fields=[*values, "version"])
        log.record("collections.legal.noted", row, actor=actor, at=at, stage=to, on=on, **facts(row))
        write(row, on=on, actor=actor, at=at, note=note)
        return row
    if to == Status.FILED:
        may_file(row, today=today)
        values["filed_on"] = on
    elif to == Status.JUDGMENT:
        values["judged_on"] = on
    elif to == Status.ENDED:
        values |= {"ended_on": on, "outcome": outcome, "next_what": "", "next_on": None}
    event = f"collections.legal.{to}"
    done = move(row, to, event=event, actor=actor, at=at, facts=facts(row) | {"on": on, "outcome": outcome}, **values)
    write(done, on=on, actor=actor, at=at, note=note)
    if to == Status.FILED and row.case.is_open:
        case_states.close(row.case, reason=Case.CloseReason.LEGAL, on=today, actor=actor, at=at)
    elif to == Status.ENDED:
        go_on(row.case, actor=actor, at=at)
    limitation_book.refresh([row.case.customer_id], at=at)
    return done


def wrong(
    row: LegalAction, *, to: str, on: date, today: date, next_what: str, next_on: date | None, note: str, outcome: str
) -> dict[str, Any]:
    """Return a sentence per value that cannot be."""
    problems: dict[str, Any] = {}
    last = row.diary.order_by("-on").values_list("on", flat=True).first() or row.proposed_on
    if to not in Status.values or to in (Status.PROPOSED, Status.REFUSED) or (to == Status.PRE_ACTION and row.status != to):
        problems["to"] = _("Choose the stage.")
    if not last <= on <= today:
        problems["on"] = _("The day must be from %(first)s to %(last)s.") % {"first": last.isoformat(), "last": today.isoformat()}
    if next_what and next_what not in LegalAction.Deadline.values:
        problems["next_what"] = _("Choose what the next deadline is for.")
    if bool(next_what) != (next_on is not None):
        problems["next_on" if next_what else "next_what"] = _("A deadline has a day and says what for.")
    elif next_on is not None and next_on < on:
        problems["next_on"] = _("The deadline cannot lie before the day itself.")
    if len(note) > LONGEST:
        problems["note"] = _("Write at most 2,000 characters.")
    if to == row.status and not note and not next_what:
        problems["note"] = _("Write what happened, or set the next deadline.")
    if to == Status.ENDED and outcome not in LegalAction.Outcome.values:
        problems["outcome"] = _("Choose how it ended.")
    return problems


def may_file(row: LegalAction, *, today: date) -> None:
    """Go on only if the debtor was written to, had their time, and nothing stands between.

    :raises LetterFirst: if not
    :raises LegalBarred: if something stands
    """
    if row.status == Status.PRE_ACTION:
        legal_holds.refuse(row.case)
        sent = PreActionLetter.objects.filter(case=row.case, status__in=["sent", "delivered"], pay_by__lt=today)
        if not sent.exists():
            raise LetterFirst(_("The debtor is written to first, and the time the letter gives has to be over."))


def go_on(case: Case, *, actor: User, at: datetime) -> None:
    """Let the work on a case go on that waited for the court."""
    if case.is_open and case.pauses.filter(ended_at__isnull=True, reason=Case.PauseReason.LEGAL).exists():
        case_states.resume(case, actor=actor, at=at, reason=Case.PauseReason.LEGAL)


@transaction.atomic
def end_with_case(case: Case, *, actor: User, at: datetime) -> None:
    """End what was not filed yet when its case closes for another reason."""
    if case.close_reason == Case.CloseReason.LEGAL:
        return
    for row in LegalAction.objects.select_for_update().filter(case=case, status__in=[Status.PROPOSED, Status.PRE_ACTION]):
        today = books.value_day(case.legal_entity, at)
        row.case = case
        if row.status == Status.PROPOSED:
            move(row, Status.REFUSED, event="collections.legal.refused", actor=actor, at=at, facts=facts(row), decided_at=at)
        else:
            outcome = LegalAction.Outcome.SETTLED if case.close_reason == "settled" else LegalAction.Outcome.PAID
            outcome = outcome if case.close_reason in ("cured", "settled") else LegalAction.Outcome.WITHDRAWN
            move(
                row, Status.ENDED, event="collections.legal.ended", actor=actor, at=at, facts=facts(row) | {"outcome": outcome},
                ended_on=today, outcome=outcome, next_what="", next_on=None,
            )  # fmt: skip
        write(row, on=today, actor=actor, at=at)


# --- costs ---------------------------------------------------------------------------------------------------------
def spent(action: LegalAction) -> Decimal:
    """Return what the action has cost so far."""
    return total(list(action.costs.values_list("amount", flat=True)))


@transaction.atomic
def add_cost(action: LegalAction, *, kind: str, amount: Decimal, on: date, reference: str, actor: User, at: datetime) -> LegalCost:
    """Note a cost.

    :raises Invalid: with a sentence per wrong value
    """
    row, reference, problems = locked(action, actor=actor), reference.strip(), dict[str, Any]()
    today = books.value_day(row.case.legal_entity, at)
    if kind not in LegalCost.Kind.values:
        problems["kind"] = _("Choose what it was for.")
    if not amount > ZERO or not is_cents(amount):
        problems["amount"] = _("Enter an amount above 0 in whole cents.")
    if not row.proposed_on <= on <= today:
        problems["on"] = _("The day must be from %(first)s to %(last)s.") % {
            "first": row.proposed_on.isoformat(),
            "last": today.isoformat(),
        }
    if len(reference) > 60:
        problems["reference"] = _("At most 60 characters.")
    if problems:
        raise Invalid(_("Some values cannot be; see the fields."), fields=problems)
    made = LegalCost.objects.create(action=row, kind=kind, amount=amount, on=on, reference=reference, actor=actor, at=at)
    log.record("collections.legal.cost", made, actor=actor, at=at, kind=kind, amount=amount, **facts(row))
    return made


@transaction.atomic
def take_cost_back(cost: LegalCost, *, actor: User, at: datetime) -> LegalCost:
    """Take back a cost that was noted by mistake; both rows stay.

    :raises Invalid: if it is taken back already, or takes one back itself
    """
    row = LegalCost.objects.select_for_update(of=("self",)).select_related("action__case__legal_entity").get(pk=cost.pk)
    contested.refuse_frozen(row.action.case, actor)
    if row.reverses_id is not None or LegalCost.objects.filter(reverses=row).exists():
        raise Invalid(_("This cost is taken back already."))
    on = books.value_day(row.action.case.legal_entity, at)
    made = LegalCost.objects.create(
        action=row.action, kind=row.kind, amount=-row.amount, on=on, reference=row.reference, reverses=row, actor=actor, at=at
    )
    log.record("collections.legal.cost", made, actor=actor, at=at, kind=row.kind, amount=-row.amount, **facts(row.action))
    return made


def filed(case: Case, on: date) -> Any:
    """Say what is missing before a case is closed because it went to court."""
    rows = LegalAction.objects.filter(case=case, status__in=LegalAction.AT_COURT)
    return "" if rows.exists() else _("No legal action of this case is filed: it is proposed, approved and filed first.")


case_states.NEEDS.register(Case.CloseReason.LEGAL.value, filed)
