"""Doors of letters before action: drawn from the ledger in the words of one version, kept as the file that goes out, counted when sent.

What is contested is left out. A letter that was made and not sent stands only as long as the ledger says the same.
"""

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from collection import cases, contacts, contested, legal_holds, limitation_book, owed
from collection.models import Case, Channel, LegalAction, Outcome, PreActionLetter
from credit import books, exposure, papers_pdf
from credit.models import Loan
from crm.lib.errors import DomainError, Invalid
from crm.lib.money import total
from customers import contact_gate
from governance import files, rules, uses
from governance.lifecycle import move
from governance.models import User
from ledger import log

FILE = Path(__file__).parent / "data" / "pre_action_letter.json"
ANSWER, SENDABLE = "collections.legal.answer_days", "collections.legal.letter_days"
Status = PreActionLetter.Status
ZERO = Decimal("0.00")


class NothingToDemand(DomainError):
    """Nothing is overdue beyond what is contested."""

    code = "nothing_to_demand"


class NoAddress(DomainError):
    """A letter needs somewhere to go."""

    code = "no_address"


class LetterStale(DomainError):
    """The letter no longer says what is owed."""

    code = "letter_stale"


class LetterWaits(DomainError):
    """One letter of a case is made and not sent."""

    code = "letter_waits"


@dataclass(frozen=True)
class Demand:
    """What a letter demands on a day, loan by loan, and what it leaves out."""

    on: date
    rows: list[dict[str, str]]
    amount: Decimal
    contested: Decimal


@dataclass(frozen=True)
class Drawn:
    """A letter set and stored, not yet on record."""

    demand: Demand
    pay_by: date
    text_version: str
    stored: files.Stored
    number: str  # it stands on the paper, so it is given before the letter is on record


@cache
def texts() -> list[dict[str, Any]]:
    """Return the versions of the words, the newest first."""
    found: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))["versions"]
    return sorted(found, key=lambda one: one["since"], reverse=True)


def text(*, on: date) -> dict[str, Any]:
    """Return the words in use on a day.

    :raises NothingToDemand: if there are none
    """
    found = next((one for one in texts() if one["since"] <= on.isoformat()), None)
    if found is None:
        raise NothingToDemand(_("There are no words for a letter on this day."))
    return found


def demand(case: Case, *, on: date) -> Demand:
    """Return what may be demanded on a day by the ledger, without what is contested."""
    loans = Loan.objects.open().filter(pk__in=case.debts.values("loan")).select_related("product").order_by("pk")
    found = [one for one in owed.of_loans(loans, on=on) if one.overdue > ZERO]
    rows = [
        {
            "loan": one.loan.public_id, "overdue": str(one.overdue), "penalty": str(one.penalty),
            "contested": str(min(one.contested, one.overdue)), "amount": str(one.demand),
        }
        for one in found
    ]  # fmt: skip
    return Demand(on, rows, total([one.demand for one in found]), total([min(one.contested, one.overdue) for one in found]))


def draw(case: Case, *, actor: User, at: datetime) -> Drawn:
    """Set and store a letter of what is owed now; outside transactions, before `make`.

    :raises CaseClosed: if the case is closed
    :raises LegalBarred: by the name of what stands between the customer and the court
    :raises NothingToDemand: if nothing is overdue beyond what is contested
    :raises NoAddress: if no address is on file
    """
    if not case.is_open:
        raise cases.CaseClosed(_("Case %(case)s is closed.") % {"case": case.public_id})
    contested.refuse_frozen(case, actor)
    legal_holds.refuse(case, known_disputes=True)
    today = books.value_day(case.legal_entity, at)
    asked = demand(case, on=today)
    if asked.amount <= ZERO:
        raise NothingToDemand(_("Nothing is overdue beyond what is contested: there is nothing to demand."))
    person = uses.reading(case.customer, "collections", actor=actor, at=at)
    if not person.address:
        raise NoAddress(_("No address is on file: a letter has nowhere to go."))
    words, pay_by = text(on=today), answer_by(today)
    number = str(PreActionLetter._meta.get_field("public_id").get_default())
    content = papers_pdf.document(data(case, person, asked, words=words, pay_by=pay_by, number=number))
    stored = files.keep(content, label=PreActionLetter.FILE_LABEL, allowed=(files.PDF,))
    return Drawn(asked, pay_by, words["version"], stored, number)


def data(case: Case, person: Any, asked: Demand, *, words: dict[str, Any], pay_by: date, number: str) -> dict[str, Any]:
    """Return what the letter says: the addressee in clear, the identity number masked."""
    fact, money, entity = papers_pdf.fact, papers_pdf.money, case.legal_entity
    head = papers_pdf.head
    rows = [
        [row["loan"], money(row["overdue"]), money(row["penalty"]), money(row["contested"]), money(row["amount"])] for row in asked.rows
    ]
    return {
        "title": {"zh": "诉前催告函", "en": "Letter before action"},
        "number": number,
        "facts": [
            fact("函件编号", "Number of the letter", number),
            fact("致", "To", person.name),
            fact("地址", "Address", person.address),
            fact("证件号码", "Identity number", person.masked_id_number),
            *papers_pdf.lender("债权人", "Lender", entity),
            fact("日期", "Date", asked.on.isoformat()),
            fact("应付金额（元）", "To be paid (CNY)", money(asked.amount)),
            fact("付款期限", "To be paid by", pay_by.isoformat()),
            fact("文本版本", "Version of the words", words["version"]),
        ],
        "tables": [
            {
                "zh": "逾期明细（元）", "en": "What is overdue (CNY)",
                "heads": [head("贷款", "Loan", wide=True), head("逾期", "Overdue", money=True), head("其中罚息", "Of it penalty", money=True),
                          head("有异议", "Contested", money=True), head("应付", "To be paid", money=True)],
                "rows": rows, "foot": ["合计 Total", "", "", money(asked.contested), money(asked.amount)],
            }
        ],
        "lines": sentences(words, case=case, asked=asked, pay_by=pay_by),
    }  # fmt: skip


def answer_by(today: date) -> date:
    """Return by when a letter of `today` asks to be paid or answered."""
    return today + timedelta(days=int(rules.value(ANSWER, on=today)))


def sentences(words: dict[str, Any], *, case: Case, asked: Demand, pay_by: date) -> list[dict[str, str]]:
    """Return the sentences of a letter in both languages with its figures in them: on the paper, and where one reads it before."""
    entity = case.legal_entity
    filled = {
        "pay_by": pay_by.isoformat(), "amount": papers_pdf.money(asked.amount), "lender_zh": entity.name_zh, "lender_en": entity.name_en,
    }  # fmt: skip
    return [{language: line[language].format(**filled) for language in ("zh", "en")} for line in words["lines"]]


@transaction.atomic
def make(case: Case, *, drawn: Drawn, actor: User, at: datetime) -> PreActionLetter:
    """Put a letter that was drawn on record, to be sent.

    :raises LetterStale: if the ledger says something else by now
    :raises LetterWaits: if one of the case is made and not sent
    """
    row = Case.objects.select_for_update(of=("self",)).select_related("legal_entity").get(pk=case.pk)
    if demand(row, on=drawn.demand.on).rows != drawn.demand.rows:
        raise LetterStale(_("What is owed changed meanwhile: draw the letter anew."))
    try:
        with transaction.atomic():
            made = PreActionLetter(
                public_id=drawn.number, case=row, text_version=drawn.text_version, as_of=drawn.demand.on, pay_by=drawn.pay_by, amount=drawn.demand.amount,
                contested=drawn.demand.contested, data={"loans": drawn.demand.rows}, made_by=actor, made_at=at,
                seal_key=drawn.stored.seal_key, media_type=drawn.stored.media_type, size=drawn.stored.size, sha256=drawn.stored.sha256,
                storage_key=drawn.stored.storage_key,
            )  # fmt: skip
            made.save(force_insert=True)
    except IntegrityError as error:
        if "letter_one_made_per_case" not in str(error):
            raise
        raise LetterWaits(_("A letter of this case is made and not sent: send it, or let it go, first.")) from None
    log.record("collections.letter.made", made, actor=actor, at=at, sha256=made.sha256, text_version=made.text_version, **facts(made))
    return made


def facts(row: PreActionLetter) -> dict[str, Any]:
    return {"customer_id": row.case.customer_id, "case": row.case.public_id, "amount": row.amount}


def locked(letter: PreActionLetter, *, actor: User) -> PreActionLetter:
    """Return the locked row, for who is not kept from the case by a complaint.

    :raises CaseFrozen: if one is
    """
    row = PreActionLetter.objects.select_for_update(of=("self",)).select_related("case__legal_entity", "case__customer").get(pk=letter.pk)
    contested.refuse_frozen(row.case, actor)
    return row


@transaction.atomic
def send(letter: PreActionLetter, *, tracking: str, actor: User, at: datetime) -> PreActionLetter:
    """Note that a letter was handed to the carrier: the contact policy is asked and counts it, in one step.

    :raises LetterStale: if it is too old, or the ledger says something else by now
    :raises LegalBarred: by the name of what stands between the customer and the court
    :raises NotNow: if the contact policy refuses a letter
    :raises Invalid: without the carrier's number
    :raises IllegalMove: if it was sent or let go
    """
    exposure.lock(letter.case.customer_id)
    row = locked(letter, actor=actor)
    row.case = Case.objects.select_for_update(of=("self",)).select_related("legal_entity", "customer").get(pk=row.case_id)
    today, tracking = books.value_day(row.case.legal_entity, at), tracking.strip()
    if not 4 <= len(tracking) <= 40:
        sentence = _("Enter the carrier's number, 4 to 40 characters: it proves that the letter was sent.")
        raise Invalid(sentence, fields={"tracking": sentence})
    if row.status == Status.MADE:
        legal_holds.refuse(row.case, known_disputes=True)
        late = (today - row.as_of).days > int(rules.value(SENDABLE, on=today))
        # Penalty grows each day and does not make a letter wrong: a payment, a dispute or a waiver does.
        if late or demand(row.case, on=row.as_of).rows != row.data["loans"]:
            raise LetterStale(_("This letter no longer says what is owed: let it go and draw another."))
        row.attempt = contact_gate.reserve(
            row.case.customer, channel=Channel.LETTER, key=f"letter:{row.public_id}", at=at, actor=actor, subject=row.case.public_id
        )
    done = move(
        row, Status.SENT, event="collections.letter.sent", actor=actor, at=at, facts=facts(row), tracking=tracking, sent_on=today,
        attempt=row.attempt,
    )  # fmt: skip
    told = contacts.Told(Channel.LETTER, Outcome.SENT, Channel.LETTER, row.pay_by)
    contacts.write(row.case, told, place=lambda _id: row.attempt, actor=actor, at=at)
    LegalAction.objects.filter(case=row.case_id, status=LegalAction.Status.PRE_ACTION).update(
        next_what=LegalAction.Deadline.ANSWER, next_on=row.pay_by
    )
    return done


@transaction.atomic
def delivered(letter: PreActionLetter, *, on: date, actor: User, at: datetime) -> PreActionLetter:
    """Note the day a letter reached the debtor: the period of limitation runs anew from it.

    :raises Invalid: if the day is before it was sent or ahead
    :raises IllegalMove: if it is not on its way
    """
    row = locked(letter, actor=actor)
    day_of(row, on, at=at)
    done = move(row, Status.DELIVERED, event="collections.letter.delivered", actor=actor, at=at, facts=facts(row), delivered_on=on)
    limitation_book.refresh([row.case.customer_id], at=at)
    return done


@transaction.atomic
def returned(letter: PreActionLetter, *, on: date, actor: User, at: datetime) -> PreActionLetter:
    """Note the day a letter came back: it reached nobody.

    :raises Invalid: if the day is before it was sent or ahead
    :raises IllegalMove: if it is not on its way
    """
    row = locked(letter, actor=actor)
    day_of(row, on, at=at)
    return move(row, Status.RETURNED, event="collections.letter.returned", actor=actor, at=at, facts=facts(row), returned_on=on)


def day_of(row: PreActionLetter, on: date, *, at: datetime) -> None:
    today = books.value_day(row.case.legal_entity, at)
    if row.sent_on is not None and not row.sent_on <= on <= today:
        sentence = _("The day must be from %(first)s to %(last)s.") % {"first": row.sent_on.isoformat(), "last": today.isoformat()}
        raise Invalid(sentence, fields={"on": sentence})


@transaction.atomic
def drop(letter: PreActionLetter, *, actor: User, at: datetime) -> PreActionLetter:
    """Let a letter go that was not sent.

    :raises IllegalMove: if it was sent or let go
    """
    row = locked(letter, actor=actor)
    return move(row, Status.DROPPED, event="collections.letter.dropped", actor=actor, at=at, facts=facts(row))


def opened(letter: PreActionLetter, *, actor: User, at: datetime) -> bytes:
    """Return the letter as it went out; who opened it stands in the ledger first."""
    log.record("collections.letter.opened", letter, actor=actor, at=at, **facts(letter))
    return files.read(storage_key=letter.storage_key, seal_key=letter.seal_key, sha256=letter.sha256, label=PreActionLetter.FILE_LABEL)
