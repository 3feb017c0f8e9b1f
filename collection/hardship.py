"""Doors of hardship: open a request, keep the form as far as it is filled in, add what shows it, finish it, answer it; and special care."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from collection import cases, contested
from collection.disputes import LONGEST, MatterDecided, may_own
from collection.models import BudgetLine, CareFlag, Case, Hardship, HardshipPaper
from credit import books
from credit.act_builds import Evidence
from crm.lib.errors import DomainError, Invalid
from crm.lib.money import is_cents
from customers.models import Customer
from governance import files
from governance.lifecycle import move
from governance.models import User
from ledger import log

ZERO = Decimal("0.00")
Status = Hardship.Status


class AlreadyAsked(DomainError):
    """One request for relief of a case at a time."""

    code = "already_asked"


class FormNotFinished(Invalid):
    """What comes in and what goes out have to be filled in."""

    code = "form_not_finished"


class AlreadyFlagged(DomainError):
    """Special care is noted already."""

    code = "already_flagged"


@transaction.atomic
def open_(case: Case, *, cause: str, owner: User, actor: User, at: datetime, words: str = "") -> Hardship:
    """Open a request for relief; messages that leave by themselves wait until it is answered.

    :raises CaseClosed: if the case is closed
    :raises CaseFrozen: if a complaint keeps `actor` from the case
    :raises AlreadyAsked: if a request is open
    :raises Invalid: with a sentence per wrong value
    """
    row = Case.objects.select_for_update(of=("self",)).select_related("legal_entity").get(pk=case.pk)
    if row.status == Case.Status.CLOSED:
        raise cases.CaseClosed(_("Case %(case)s is closed.") % {"case": row.public_id})
    contested.refuse_frozen(row, actor)
    words, problems = words.strip(), dict[str, Any]()
    if cause not in Evidence.values:
        problems["cause"] = _("Choose what shows the hardship.")
    if not may_own(owner, row):
        problems["owner"] = _("%(name)s cannot answer for this matter: choose another.") % {"name": owner}
    if len(words) > LONGEST:
        problems["words"] = _("Write at most 2,000 characters.")
    if problems:
        raise Invalid(_("Some values cannot be; see the fields."), fields=problems)
    try:
        with transaction.atomic():
            made = Hardship.objects.create(
                case=row, cause=cause, words=words or None, owner=owner, opened_by=actor, opened_at=at,
                opened_on=books.value_day(row.legal_entity, at),
            )  # fmt: skip
    except IntegrityError as error:
        if "hardship_one_open_per_case" not in str(error):
            raise
        raise AlreadyAsked(_("A request for relief is open in this case.")) from None
    log.record("collections.hardship.opened", made, actor=actor, at=at, customer_id=row.customer_id, case=row.public_id, cause=cause)
    return made


def locked(hardship: Hardship, *, actor: User) -> Hardship:
    """Return the locked row, for who is not kept from the case by a complaint.

    :raises CaseFrozen: if one is
    """
    row = Hardship.objects.select_for_update(of=("self",)).select_related("case__legal_entity", "case__customer").get(pk=hardship.pk)
    contested.refuse_frozen(row.case, actor)
    return row


@transaction.atomic
def fill_in(hardship: Hardship, *, amounts: Mapping[str, Decimal | None], actor: User, at: datetime) -> Hardship:
    """Keep the income and expense form as far as it is filled in; an item without an amount is left out.

    What was looked at already becomes a form again: it is looked at anew.

    :raises MatterDecided: if the request is answered
    :raises Invalid: with a sentence per wrong amount, named by its item
    """
    row = locked(hardship, actor=actor)
    refuse_answered(row)
    problems = {
        item: _("Enter an amount of 0 or more in whole cents.")
        for item, amount in amounts.items()
        if amount is not None and (amount < ZERO or not is_cents(amount))
    }
    if problems or not set(amounts) <= set(BudgetLine.Item.values):
        raise Invalid(_("Some values cannot be; see the fields."), fields=problems)
    BudgetLine.objects.filter(hardship=row).delete()
    BudgetLine.objects.bulk_create(
        BudgetLine(hardship=row, side=BudgetLine.SIDES[item], item=item, amount=amount)
        for item, amount in amounts.items()
        if amount is not None
    )
    if row.status == Status.ASSESSED:
        move(row, Status.DRAFT, actor=actor, at=at, facts=facts(row))
    log.record(
        "collections.hardship.filled_in",
        row,
        actor=actor,
        at=at,
        amounts=len([one for one in amounts.values() if one is not None]),
        **facts(row),
    )
    return row


@transaction.atomic
def assess(hardship: Hardship, *, actor: User, at: datetime) -> Hardship:
    """Finish the form: what is left of a month is computed from it and plans can be made.

    :raises FormNotFinished: if nothing stands on one of its sides
    :raises IllegalMove: if it is finished or answered
    """
    row = locked(hardship, actor=actor)
    sides = set(row.lines.values_list("side", flat=True))
    if sides != {"in", "out"}:
        words = _("Fill in what comes in and what goes out; 0 where there is nothing.")
        raise FormNotFinished(words, fields={"wage" if "in" not in sides else "housing": words})
    return move(row, Status.ASSESSED, actor=actor, at=at, facts=facts(row))


def keep_file(content: bytes) -> files.Stored:
    """Check, seal and store a file that shows a hardship; outside transactions, before `add_paper`.

    :raises NotThisFile: if it is empty, above 10 MB, or neither PDF, JPEG, PNG nor HEIC by its first bytes
    """
    return files.keep(content, label=HardshipPaper.FILE_LABEL)


@transaction.atomic
def add_paper(hardship: Hardship, *, stored: files.Stored, actor: User, at: datetime) -> HardshipPaper:
    """Put a stored file to a request.

    :raises MatterDecided: if the request is answered
    :raises Invalid: if this very file is there
    """
    row = locked(hardship, actor=actor)
    refuse_answered(row)
    if row.papers.filter(sha256=stored.sha256).exists():
        words = _("This very file is there already.")
        raise Invalid(words, fields={"file": words})
    paper = HardshipPaper(
        hardship=row, seal_key=stored.seal_key, media_type=stored.media_type, size=stored.size, sha256=stored.sha256,
        storage_key=stored.storage_key, added_by=actor, added_at=at,
    )  # fmt: skip
    paper.save(force_insert=True)
    log.record("collections.hardship.paper_added", paper, actor=actor, at=at, sha256=stored.sha256, **facts(row))
    return paper


def opened(paper: HardshipPaper, *, actor: User, at: datetime) -> bytes:
    """Return the content in clear; who opened it stands in the ledger first."""
    log.record("collections.hardship.paper_opened", paper, actor=actor, at=at, **facts(paper.hardship))
    return files.read(storage_key=paper.storage_key, seal_key=paper.seal_key, sha256=paper.sha256, label=HardshipPaper.FILE_LABEL)


@transaction.atomic
def answer(hardship: Hardship, *, outcome: str, answer: str, actor: User, at: datetime) -> Hardship:
    """Refuse relief, or note that the customer took the request back; relief is given by approving a plan.

    :raises MatterDecided: if it is answered
    :raises Invalid: with a sentence per wrong value
    """
    row = locked(hardship, actor=actor)
    refuse_answered(row)
    problems: dict[str, Any] = {}
    if outcome not in (Status.REFUSED, Status.WITHDRAWN):
        problems["outcome"] = _("Choose how it was decided.")
    if not 0 < len(answer.strip()) <= LONGEST:
        problems["answer"] = _("Write what the customer is answered.")
    if row.plans.filter(status__in=["proposed", "approved"]).exists():
        problems["outcome"] = _("A plan waits for approval: it is decided first.")
    if problems:
        raise Invalid(_("Some values cannot be; see the fields."), fields=problems)
    if row.status == Status.DRAFT and outcome == Status.REFUSED:
        words = _("Finish the form first: relief is refused by what it says.")
        raise FormNotFinished(words, fields={"outcome": words})
    row.answer = answer.strip()
    row.save(update_fields=["answer"])
    return ended(row, Status(outcome), actor=actor, at=at)


def ended(row: Hardship, to: Status, *, actor: User, at: datetime) -> Hardship:
    return move(
        row, to, actor=actor, at=at, facts=facts(row), decided_by=actor, decided_at=at,
        decided_on=books.value_day(row.case.legal_entity, at),
    )  # fmt: skip


def refuse_answered(row: Hardship) -> None:
    if not row.is_open:
        raise MatterDecided(_("%(matter)s is “%(status)s” already.") % {"matter": row.public_id, "status": row.get_status_display()})


def facts(row: Hardship) -> dict[str, Any]:
    return {"customer_id": row.case.customer_id, "case": row.case.public_id}


# --- special care --------------------------------------------------------------------------------------------------
@transaction.atomic
def flag_care(customer: Customer, *, kind: str, needs: str, consented: bool, review_on: date, actor: User, at: datetime) -> CareFlag:
    """Note that a person needs special care: nothing leaves by itself, and whoever calls reads how to treat them.

    A matter of health is kept only by the person's own consent (PIPL Art. 29).

    :raises AlreadyFlagged: if it is noted
    :raises Invalid: with a sentence per wrong value
    """
    needs, problems = needs.strip(), dict[str, Any]()
    if kind not in CareFlag.Kind.values:
        problems["kind"] = _("Choose what it comes from.")
    if not 0 < len(needs) <= 500:
        problems["needs"] = _("Write in at most 500 characters how to treat the person.")
    if kind == CareFlag.Kind.HEALTH and not consented:
        problems["consented"] = _("Health is sensitive: it is kept only if the person agreed.")
    if review_on <= books.local_day(customer.legal_entity, at):
        problems["review_on"] = _("Choose a later day.")
    if problems:
        raise Invalid(_("Some values cannot be; see the fields."), fields=problems)
    try:
        with transaction.atomic():
            made = CareFlag.objects.create(
                customer=customer, kind=kind, needs=needs, consented=consented, since=at, review_on=review_on, flagged_by=actor
            )
    except IntegrityError as error:
        if "care_one_open" not in str(error):
            raise
        raise AlreadyFlagged(_("Special care is noted for this person already.")) from None
    log.record("collections.care.noted", made, actor=actor, at=at, customer_id=customer.pk, review_on=review_on)
    return made


@transaction.atomic
def end_care(flag: CareFlag, *, actor: User, at: datetime) -> None:
    """End special care; one that ended meanwhile is left as it is."""
    if CareFlag.objects.filter(pk=flag.pk, ended_at__isnull=True).update(ended_at=at):
        log.record("collections.care.ended", flag, actor=actor, at=at, customer_id=flag.customer_id)
