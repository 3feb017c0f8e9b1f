"""Doors of complaints about collection: file one, extend its deadline, decide it. Whom it names is off the case from the first moment."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from collection import cases, contested
from collection.disputes import LONGEST, matter_problems, refuse_decided
from collection.models import Case, Complaint
from credit import books
from crm.lib.errors import DomainError, Invalid, NotAllowed
from governance import rules
from governance.lifecycle import move
from governance.models import User
from ledger import log

SIMPLE, COMPLEX, EXTENDED = "collections.complaint.days", "collections.complaint.complex_days", "collections.complaint.extended_days"
Status = Complaint.Status


class OwnComplaint(NotAllowed):
    """Nobody answers for a complaint about themselves."""

    code = "own_complaint"


class CannotExtend(DomainError):
    """The deadline is extended once, and only of a matter that is complex."""

    code = "cannot_extend"


@transaction.atomic
def file(
    case: Case,
    *,
    kind: str,
    about: User | None,
    is_complex: bool,
    channel: str,
    owner: User,
    actor: User,
    at: datetime,
    statement: str = "",
) -> Complaint:
    """File a complaint; whom it names loses the case at once and does not get it back while it is open, nor if it is upheld.

    A closed case takes complaints too: people complain later.

    :raises OwnComplaint: if who is named would answer for it
    :raises Invalid: with a sentence per wrong value
    """
    row = Case.objects.select_for_update(of=("self",)).select_related("legal_entity").get(pk=case.pk)
    today, statement = books.value_day(row.legal_entity, at), statement.strip()
    if about is not None and owner.pk == about.pk:
        raise OwnComplaint(_("%(name)s is complained about: somebody else answers for it.") % {"name": about})
    problems = matter_problems(row, channel=channel, owner=owner, statement=statement)
    if kind not in Complaint.Kind.values:
        problems["kind"] = _("Choose what the complaint is about.")
    if problems:
        raise Invalid(_("Some values cannot be; see the fields."), fields=problems)
    rule = COMPLEX if is_complex else SIMPLE
    made = Complaint.objects.create(
        case=row, about=about, kind=kind, is_complex=is_complex, channel=channel, owner=owner, opened_by=actor, opened_at=at, opened_on=today,
        due_on=today + timedelta(days=int(rules.value(rule, on=today))), rule=rule, statement=statement or None,
    )  # fmt: skip
    log.record(
        "collections.complaint.opened", made, actor=actor, at=at, customer_id=row.customer_id, case=row.public_id, kind=kind,
        about=about.pk if about else None, due_on=made.due_on,
    )  # fmt: skip
    if about is not None:
        take_away(row, about, actor=actor, at=at)
    return made


def take_away(case: Case, user: User, *, actor: User, at: datetime) -> None:
    """End what ties a case to `user`: their hold on it, and its assignment to them."""
    changed = []
    if case.claimed_by_id == user.pk:
        cases.let_go(case)
        changed += ["claimed_by", "claimed_at", "claimed_until"]
    if case.assigned_to_id == user.pk:
        case.assigned_to = None
        changed.append("assigned_to")
    if changed:
        case.version += 1
        case.save(update_fields=[*changed, "version"])
        log.record("collections.case.taken_away", case, actor=actor, at=at, holder=user.pk)


@transaction.atomic
def extend(complaint: Complaint, *, actor: User, at: datetime) -> Complaint:
    """Give a complex complaint its longer deadline, once; whoever has this right is senior to who answers for it.

    :raises CannotExtend: if it is not complex, extended already, or `actor` answers for it
    :raises MatterDecided: if it is decided already
    """
    row = Complaint.objects.select_for_update(of=("self",)).select_related("case").get(pk=complaint.pk)
    refuse_decided(row)
    contested.refuse_frozen(row.case, actor)
    if not row.is_complex or row.extended:
        raise CannotExtend(_("Only a complex complaint is extended, and only once."))
    if row.owner_id == actor.pk:
        raise CannotExtend(_("Who answers for a complaint does not extend its deadline: somebody senior does."))
    row.extended, row.rule = True, EXTENDED
    row.due_on += timedelta(days=int(rules.value(EXTENDED, on=row.opened_on)))
    row.version += 1
    row.save(update_fields=["extended", "rule", "due_on", "version"])
    log.record(
        "collections.complaint.extended", row, actor=actor, at=at, customer_id=row.case.customer_id, case=row.case.public_id,
        due_on=row.due_on,
    )  # fmt: skip
    return row


@transaction.atomic
def decide(complaint: Complaint, *, outcome: str, answer: str, actor: User, at: datetime) -> Complaint:
    """Decide a complaint, or note that the customer took it back. An upheld one keeps who is named off the case for good.

    :raises OwnComplaint: if `actor` is who is complained about
    :raises CaseFrozen: if another complaint keeps `actor` from the case
    :raises MatterDecided: if it is decided already
    :raises Invalid: with a sentence per wrong value
    """
    row = Complaint.objects.select_for_update(of=("self",)).select_related("case__legal_entity", "case__customer").get(pk=complaint.pk)
    refuse_decided(row)
    if row.about_id == actor.pk:
        raise OwnComplaint(_("This complaint is about you: somebody else decides it."))
    contested.refuse_frozen(row.case, actor)
    answer, problems = answer.strip(), dict[str, Any]()
    if outcome not in (Status.UPHELD, Status.REJECTED, Status.WITHDRAWN):
        problems["outcome"] = _("Choose how it was decided.")
    if not answer:
        problems["answer"] = _("Write what the customer is answered.")
    elif len(answer) > LONGEST:
        problems["answer"] = _("Write at most 2,000 characters.")
    if problems:
        raise Invalid(_("Some values cannot be; see the fields."), fields=problems)
    row.answer = answer
    row.save(update_fields=["answer"])
    facts = {"customer_id": row.case.customer_id, "case": row.case.public_id, "kind": row.kind, "about": row.about_id}
    return move(
        row, Status(outcome), actor=actor, at=at, facts=facts, decided_by=actor, decided_at=at,
        decided_on=books.value_day(row.case.legal_entity, at),
    )  # fmt: skip


def frozen_cases(user: User) -> Any:
    """Return the cases that a complaint keeps `user` from."""
    return Case.objects.filter(contested.bars_of(user))
