"""Doors of contacts: how one ended and what comes next, with the promise that was made in it."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from collection import cases, checks, dispositions, gate, places, promises, scripts
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
    script: bool = False,
) -> Contact:
    """Write down a contact, what was promised in it and what comes next; the hold ends with it, so that the next can be taken.

    :param promise: the parts of the promise to pay; an outcome that carries one needs it
    :param relation: who answers for the debt beside the debtor, if one turned to them; counted by themselves
    :param attempt: what the contact policy let through and counted when the contact began, as a visit at the door
    :param script: a script stood before the person: of a talk with the debtor every line that must be said was
    :raises LinesNotSaid: if not
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
    note = note.strip()
    today = books.value_day(row.legal_entity, at)
    problems = wrong(channel=channel, outcome=outcome, next_action=next_action, next_action_on=next_action_on, note=note, today=today)
    result = dispositions.result(channel, outcome)
    if result is not None and result.person and not checks.confirmed(row, actor=actor, at=at):
        problems.setdefault("outcome", _("Confirm the person first: two answers to the check."))
    if result is not None and result.promise and not promise:
        problems.setdefault("amount_1", _("Enter what was promised, and by when."))
    if promise and (result is None or not result.promise):
        problems.setdefault("outcome", _("A promise belongs to the result “Promise to pay”."))
    if relation is not None and result is not None and result.person:
        problems.setdefault("outcome", _("Only the debtor's own words make this result: turn to them, or choose another result."))
    if channel == Channel.VISIT and attempt is None:
        problems["channel"] = _("A visit is planned for two persons and written down on its own page.")
    if problems or next_action_on is None:
        raise Invalid(_("Some values cannot be; see the fields."), fields=problems)
    if script and result is not None and result.person:
        scripts.demand_said(row, channel=channel, actor=actor, at=at)
    public_id = str(Contact._meta.get_field("public_id").get_default())
    attempt = gate.pass_through(
        row, channel=channel, outcome=outcome, actor=actor, at=at, key=f"case-contact:{public_id}", relation=relation, begun=attempt
    )
    contact = Contact.objects.create(
        public_id=public_id,
        case=row,
        relation=relation,
        attempt=attempt,
        channel=channel,
        outcome=outcome,
        at=at,
        actor=actor,
        note=note or None,
        next_action=next_action,
        next_action_on=next_action_on,
    )
    gate.bar_wrong_number(contact, actor=actor)
    scripts.file_with(contact)
    if promise:
        promises.take(row, parts=promise, channel=channel, actor=actor, at=at, contact=contact)
        row.refresh_from_db(fields=["version"])
    if row.status == Case.Status.OPEN:
        move(row, Case.Status.WORKED, actor=actor, at=at)
    row.next_action, row.next_action_on = next_action, next_action_on
    row.last_contact_at, row.last_contact_by, row.last_outcome = at, actor, outcome
    row.moved_on = row.broken_on = None  # somebody was in touch: what brought it up is seen to
    row.version += 1
    cases.let_go(row)
    row.save(
        update_fields=[
            "next_action", "next_action_on", "last_contact_at", "last_contact_by", "last_outcome", "moved_on", "broken_on", "version",
            "claimed_by", "claimed_at", "claimed_until",
        ]
    )  # fmt: skip
    places.refresh([row.pk], on=today, at=at)
    log.record(
        "collections.contact.logged",
        contact,
        actor=actor,
        at=at,
        customer_id=row.customer_id,
        case=row.public_id,
        channel=channel,
        outcome=outcome,
        party=gate.party(relation),
        next_action=next_action,
        next_action_on=next_action_on,
    )
    return contact


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
    :raises NotNow: if the contact policy forbids it at `at`
    """
    exposure.lock(case.customer_id)
    row = cases.held(case, actor=actor, at=at)
    in_work(row)
    attempt = gate.under_way(row, actor=actor, at=at, relation=relation)
    if attempt is None:
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
