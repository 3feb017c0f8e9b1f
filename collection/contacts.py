"""Doors of contacts: how one ended and what comes next, with the promise that was made in it.

`write` is the one inner door of everything that was said or sent about a debt: by a collector on the page or over HTTP, by the two who
visit, by an agency, by letter. What bars a result, and the lines that must be said, are asked there and nowhere else.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from collection import cases, checks, contested, dispositions, gate, places, promises, scripts, small_balances
from collection.judgement import Part
from collection.models import Case, Channel, Contact, Outcome
from credit import books, exposure
from crm.lib.errors import Invalid
from customers.models import ContactAttempt, Relation
from governance import rules
from governance.lifecycle import move
from governance.models import User
from ledger import log

LONGEST_NOTE = 2_000
NEXT_ACTIONS = (Channel.CALL, Channel.SMS, Channel.EMAIL, Channel.LETTER, Channel.VISIT)


@dataclass(frozen=True)
class Told:
    """How a contact went, as whoever made it tells it.

    `confirmed`: it is certain that it was the debtor, or the one of `relation`. `lines_said`: every line that must be said was; None where the house keeps count of
    them itself. `agency`: the code of the agency that made it. Bars are told at the fields of whoever tells: `fields` names them.
    """

    channel: str
    outcome: str
    next_action: str
    next_action_on: date
    confirmed: bool = False
    lines_said: bool | None = None
    note: str = ""
    promise: Sequence[Part] = ()
    relation: Relation | None = None
    agency: str = ""


HOUSE = {"result": "outcome", "relation": "outcome", "person": "outcome", "lines": "outcome", "promised": "amount_1", "promise": "outcome"}


def bars(told: Told) -> dict[str, Any]:
    """Return a sentence for each thing that keeps this contact from ending so, by the name of the thing."""
    result = dispositions.result(told.channel, told.outcome)
    found: dict[str, Any] = {}
    if result is None:
        found["result"] = _("This channel cannot end so: choose another result.")
    elif result.person and told.relation is not None:
        found["relation"] = _("Only the debtor's own words make this result: turn to them, or choose another result.")
    elif result.obligor and told.relation is None:
        found["relation"] = _("This result is a talk with a co-borrower or guarantor: say with whom.")
    elif result.obligor and not told.confirmed:
        found["person"] = _("Make sure first who it is: only who answers for the debt is told of it.")
    elif result.person and not told.confirmed:
        found["person"] = _("Confirm the person first: two answers to the check.")
    if result is not None and result.promise and not told.promise:
        found["promised"] = _("Enter what was promised, and by when.")
    if told.promise and (result is None or not result.promise):
        found["promise"] = _("A promise belongs to the result “Promise to pay”.")
    return found


def demand_lines(row: Case, told: Told, *, actor: User, at: datetime, field: str) -> None:
    """Go on only if every line that must be said was said in this talk with the debtor, or with who answers beside them.

    :raises LinesNotSaid: if not
    """
    result = dispositions.result(told.channel, told.outcome)
    if result is None or not (result.person or result.obligor):
        return
    if told.lines_said is None:
        scripts.demand_said(row, channel=told.channel, actor=actor, at=at, relation=told.relation)
    elif told.channel in scripts.SPOKEN and not told.lines_said:
        sentence = _("Say the lines that must be said first: who calls, for whom, and that the call is recorded.")
        raise scripts.LinesNotSaid(sentence, fields={field: sentence})


def write(
    row: Case,
    told: Told,
    *,
    place: Callable[[str], ContactAttempt | None],
    actor: User,
    at: datetime,
    fields: dict[str, str] = HOUSE,
    planned: bool = False,
) -> Contact:
    """Write down a contact in a case that the caller holds locked, with its customer: the contact, what was promised in it, the case's
    last contact and the news of it, together or not at all.

    :param place: takes the contact's place among the counts of the contact policy, by the contact's id; asked once nothing bars it
    :param planned: the next action is the case's own, and the hold ends
    :raises CaseFrozen: if a complaint keeps `actor` from the case
    :raises Invalid: with a sentence per thing that bars it
    :raises LinesNotSaid: if lines that must be said to the debtor were not
    :raises NotNow: if the contact policy forbids it
    """
    contested.refuse_frozen(row, actor)
    problems = {fields[name]: sentence for name, sentence in reversed(bars(told).items())}
    if len(told.note) > LONGEST_NOTE:
        problems["note"] = _("Write at most 2,000 characters.")
    if problems:
        raise Invalid(_("Some values cannot be; see the fields."), fields=problems)
    demand_lines(row, told, actor=actor, at=at, field=fields["lines"])
    public_id = str(Contact._meta.get_field("public_id").get_default())
    contact = Contact.objects.create(
        public_id=public_id,
        case=row,
        relation=told.relation,
        attempt=place(public_id),
        channel=told.channel,
        outcome=told.outcome,
        at=at,
        actor=actor,
        note=told.note or None,
        next_action=told.next_action,
        next_action_on=told.next_action_on,
    )
    gate.bar_wrong_number(contact, actor=actor)
    scripts.file_with(contact)
    if told.promise:
        promises.write(row, parts=told.promise, channel=told.channel, actor=actor, at=at, contact=contact)
    if row.status == Case.Status.OPEN:
        move(row, Case.Status.WORKED, actor=actor, at=at)
    row.last_contact_at, row.last_contact_by, row.last_outcome = at, actor, told.outcome
    row.moved_on = row.broken_on = None  # somebody was in touch: what brought it up is seen to
    row.version += 1
    changed = ["last_contact_at", "last_contact_by", "last_outcome", "moved_on", "broken_on", "version"]
    if planned:
        row.next_action, row.next_action_on = told.next_action, told.next_action_on
        cases.let_go(row)
        changed += ["next_action", "next_action_on", "claimed_by", "claimed_at", "claimed_until"]
    row.save(update_fields=changed)
    places.refresh([row.pk], on=books.value_day(row.legal_entity, at), at=at)
    log.record(
        "collections.contact.logged",
        contact,
        actor=actor,
        at=at,
        customer_id=row.customer_id,
        case=row.public_id,
        channel=told.channel,
        outcome=told.outcome,
        party=gate.party(told.relation),
        next_action=told.next_action,
        next_action_on=told.next_action_on,
        **({"agency": told.agency} if told.agency else {}),
    )
    return contact


@transaction.atomic
def log_contact(
    case: Case,
    *,
    channel: str,
    outcome: str,
    next_action: str,
    next_action_on: date | None,
    actor: User,
    at: datetime,
    note: str = "",
    promise: Sequence[Part] = (),
    relation: Relation | None = None,
    attempt: ContactAttempt | None = None,
) -> Contact:
    """Write down a contact, what was promised in it and what comes next; the hold ends with it, so that the next can be taken.

    :param promise: the parts of the promise to pay; an outcome that carries one needs it
    :param relation: who answers for the debt beside the debtor, if one turned to them; counted by themselves
    :param attempt: what the contact policy let through and counted when the contact began, as a visit at the door
    :raises LinesNotSaid: if it was a talk with the debtor and lines that must be said were not
    :raises CaseClosed: if the case is closed
    :raises CasePaused: if the work on it waits; who calls in by themselves is heard
    :raises NotHeld: if `actor` does not hold the case
    :raises NotNow: if the contact policy forbids it at `at`
    :raises Invalid: with a sentence per wrong value
    """
    exposure.lock(case.customer_id)
    row = cases.held(case, actor=actor, at=at)
    if channel != Channel.INBOUND:
        in_work(row)
    today = books.value_day(row.legal_entity, at)
    problems = wrong(
        channel=channel, outcome=outcome, next_action=next_action, next_action_on=next_action_on, note=note.strip(), today=today
    )
    if channel == Channel.VISIT and attempt is None:
        problems["channel"] = _("A visit is planned for two persons and written down on its own page.")
    told = Told(
        channel,
        outcome,
        next_action,
        next_action_on or today,
        confirmed=checks.confirmed(row, actor=actor, at=at, relation=relation),
        note=note.strip(),
        promise=promise,
        relation=relation,
    )
    if "channel" not in problems and "outcome" not in problems:
        problems = {HOUSE[name]: sentence for name, sentence in reversed(bars(told).items())} | problems
    if problems and told.promise and told.confirmed:  # all that is wrong is said at once, not one thing after the other
        problems = promises.wrong(told.promise, channel=channel, customer_id=row.customer_id, today=today) | problems
    if problems:
        raise Invalid(_("Some values cannot be; see the fields."), fields=problems)

    def place(public_id: str) -> ContactAttempt | None:
        return gate.pass_through(
            row, channel=channel, outcome=outcome, actor=actor, at=at, key=f"case-contact:{public_id}", relation=relation, begun=attempt
        )

    return write(row, told, place=place, actor=actor, at=at, planned=True)


def wrong(*, channel: str, outcome: str, next_action: str, next_action_on: date | None, note: str, today: date) -> dict[str, Any]:
    """Return a sentence per value that cannot be."""
    problems: dict[str, Any] = {}
    if channel not in Channel.values:
        problems["channel"] = _("Choose how the contact was made.")
    if outcome not in Outcome.values:
        problems["outcome"] = _("Choose how the contact ended.")
    elif channel in Channel.values and dispositions.result(channel, outcome) is None:
        problems["outcome"] = _("%(channel)s cannot end with “%(outcome)s”: choose another result.") % {
            "channel": Channel(channel).label,
            "outcome": Outcome(outcome).label,
        }
    if next_action not in NEXT_ACTIONS:
        problems["next_action"] = _("Choose what comes next.")
    last = today + timedelta(days=int(rules.value("collections.next_action.days", on=today)))
    if next_action_on is None:
        problems["next_action_on"] = _("Enter the day of the next action.")
    elif next_action_on < today:
        problems["next_action_on"] = _("The next action cannot lie before %(today)s.") % {"today": today.isoformat()}
    elif next_action_on > last:
        problems["next_action_on"] = _("The next action must be by %(last)s.") % {"last": last.isoformat()}
    if len(note) > LONGEST_NOTE:
        problems["note"] = _("Write at most 2,000 characters.")
    return problems


@transaction.atomic
def begin_call(case: Case, *, actor: User, at: datetime, key: str, relation: Relation | None = None) -> ContactAttempt:
    """Take a call's place among the counts of the contact policy before it is dialled; logging its result ends it.

    :param relation: who answers for the debt beside the debtor, if they are called
    :raises CaseClosed: if the case is closed
    :raises CasePaused: if the work on it waits
    :raises NotHeld: if `actor` does not hold the case
    :raises SmallBalance: if only a small remainder is overdue
    :raises NotNow: if the contact policy forbids it at `at`
    """
    exposure.lock(case.customer_id)
    row = cases.held(case, actor=actor, at=at)
    in_work(row)
    attempt = gate.under_way(row, actor=actor, at=at, relation=relation)
    if attempt is None:
        small_balances.refuse(row)
        attempt = gate.begin_call(row, actor=actor, at=at, key=f"case-call:{key}", relation=relation)
        log.record("collections.call.begun", row, actor=actor, at=at, customer_id=row.customer_id, party=gate.party(relation))
    return attempt


def in_work(case: Case) -> None:
    """Refuse to turn to anybody about a case whose work waits.

    :raises CasePaused: if it does
    """
    if case.status == Case.Status.PAUSED:
        words = {"day": case.paused_until.isoformat() if case.paused_until else "", "reason": case.get_pause_reason_display()}
        raise cases.CasePaused(_("Work on this case waits until %(day)s: %(reason)s. Only who calls in by themselves is heard.") % words)
