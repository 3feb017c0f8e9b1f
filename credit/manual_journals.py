"""Journals that people write: proposed by one, confirmed by another, for a day of an open month, never on what the sub-ledger stands behind."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from credit import books, chart, general_ledger, periods
from credit.models import AccountMapping, BookDay, GLAccount, Journal, JournalLine, ManualJournal
from credit.permissions import CHECK_BOOKS
from crm.lib.errors import DomainError, Invalid
from crm.lib.fields import public_id
from crm.lib.money import is_cents
from crm.lib.templatetags.crm import grouped
from governance import changes
from governance.changes import Kind, Line
from governance.models import ChangeRequest, LegalEntity, User
from ledger import log

KIND = "credit.manual_journal"
LINES = 8  # of one journal
DOCUMENT = 60
ZERO = Decimal("0.00")
Reason = ManualJournal.Reason
# What people may write on among the accounts that the books write by themselves: results, whose other side is written by the sub-ledger,
# and what is paid over to those whom fees were collected for.
FREE = (chart.INTEREST_INCOME, chart.FEE_INCOME, chart.PENALTY_INCOME, chart.PROVISION, chart.FEE_PAYABLE)


class NotBalanced(Invalid):
    """Both sides of a journal are the same."""

    code = "journal_not_balanced"


class ControlAccount(Invalid):
    """What the sub-ledger stands behind is changed by its own doors only."""

    code = "control_account"


class DayNotOpen(Invalid):
    """A journal by hand is of a day that the books have begun, in a month that is open."""

    code = "journal_day_not_open"


class AlreadyReversed(DomainError):
    """A journal is taken back once."""

    code = "journal_reversed"


def control_accounts(entity: LegalEntity) -> set[int]:
    """Return the accounts that the books write from loans, receipts and their close; one query."""
    rows = AccountMapping.objects.filter(legal_entity=entity).exclude(purpose__in=FREE)
    return set(rows.values_list("account_id", flat=True))


def free_accounts(entity: LegalEntity) -> list[GLAccount]:
    """Return the accounts that people may write on."""
    closed = control_accounts(entity)
    return [row for row in GLAccount.objects.filter(legal_entity=entity).order_by("code") if row.pk not in closed]


def first_day(entity: LegalEntity) -> date:
    """Return the first day a journal may be of: the first one of the books, or the day after the last closed month."""
    begun = BookDay.objects.filter(legal_entity=entity).order_by("business_date").values_list("business_date", flat=True).first()
    opened = next((each["month"] for each in periods.months(entity) if each["status"] == periods.Status.OPEN), entity.business_date)
    return max(opened, begun or opened)


def propose(
    entity: LegalEntity,
    *,
    day: date,
    lines: Sequence[tuple[str, Decimal]],
    reason: str,
    document: str,
    text: str,
    actor: User,
    at: datetime,
) -> ChangeRequest:
    """Propose a journal of (account, amount: debit above zero).

    :raises NotBalanced: if its sides differ, on or off the balance sheet
    :raises ControlAccount: if one of the accounts is written by the sub-ledger
    :raises DayNotOpen: if the day is in a closed month, before the books began or to come
    :raises Invalid: for a missing document, reason, unknown account or impossible amount
    """
    after = {
        "day": day.isoformat(), "reason": str(reason), "document": document.strip(), "reverses": "",
        "lines": [[account, str(amount)] for account, amount in lines],
    }  # fmt: skip
    return changes.propose(KIND, f"{entity.code}:{public_id('GJ')}", after=after, reason=text, actor=actor, at=at)


def propose_reversal(journal: Journal, *, day: date, document: str, text: str, actor: User, at: datetime) -> ChangeRequest:
    """Propose the mirror image of a journal that people wrote.

    :raises AlreadyReversed: if it was taken back, or that waits for a second person
    :raises DayNotOpen: as `propose`
    """
    after = {
        "day": day.isoformat(), "reason": str(Reason.REVERSAL), "document": document.strip(), "reverses": journal.public_id,
        "lines": [[line.account.code, str(-line.amount)] for line in journal.lines.select_related("account").order_by("pk")],
    }  # fmt: skip
    return changes.propose(KIND, f"{journal.legal_entity.code}:R-{journal.public_id}", after=after, reason=text, actor=actor, at=at)


def waiting(entity: LegalEntity) -> list[ChangeRequest]:
    """Return the journals that wait for a second person."""
    rows = ChangeRequest.objects.filter(kind=KIND, subject__startswith=f"{entity.code}:", status=ChangeRequest.Status.OPEN)
    return list(rows.select_related("made_by").order_by("pk"))


# --- the kind of change ------------------------------------------------------------------------------------------------
def _entity(subject: str) -> LegalEntity:
    return LegalEntity.objects.get(code=subject.split(":", maxsplit=1)[0])


def _written(subject: str) -> Journal | None:
    number = subject.split(":")[1]
    if number.startswith("R-"):
        taken = ManualJournal.objects.filter(reverses__public_id=number[2:]).select_related("journal").first()
        return taken.journal if taken else None
    return Journal.objects.filter(public_id=number).first()


def _standing(subject: str) -> dict[str, Any]:
    found = _written(subject)
    return {"journal": found.public_id} if found else {}


def _validate(subject: str, after: dict[str, Any]) -> None:
    entity = _entity(subject)
    problems: dict[str, Any] = {}
    if after["reverses"]:
        row = ManualJournal.objects.filter(journal__public_id=after["reverses"], journal__legal_entity=entity).first()
        if row is None or row.reverses_id:
            raise Invalid(_("Only a journal that people wrote, and that takes none back itself, is taken back."))
        if _written(subject) is not None:
            raise AlreadyReversed(_("%(journal)s was taken back already.") % {"journal": after["reverses"]})
    elif after["reason"] not in Reason.values or after["reason"] == Reason.REVERSAL:
        problems["reason"] = _("Choose a reason of the list.")
    if not 0 < len(after["document"]) <= DOCUMENT:
        problems["document"] = _("Give the number of the document it is written from, at most 60 characters.")
    if problems:
        raise Invalid(_("This cannot be a journal."), fields=problems)
    _check_lines(entity, after["lines"])
    _check_day(entity, date.fromisoformat(after["day"]))


def _check_day(entity: LegalEntity, day: date) -> None:
    first = first_day(entity)
    if not first <= day <= entity.business_date:
        sentence = _("Choose a day from %(first)s to %(open)s: the months before are closed, and days to come are not begun.") % {
            "first": first.isoformat(), "open": entity.business_date.isoformat(),
        }  # fmt: skip
        raise DayNotOpen(sentence, fields={"day": sentence})
    books.check_open(entity, day)


def _check_lines(entity: LegalEntity, lines: Sequence[Sequence[str]]) -> None:
    if not 2 <= len(lines) <= LINES:
        raise NotBalanced(_("A journal has two to %(n)s lines.") % {"n": LINES})
    accounts = {row.code: row for row in GLAccount.objects.filter(legal_entity=entity, code__in=[code for code, _amount in lines])}
    closed = control_accounts(entity)
    sides: dict[bool, Decimal] = defaultdict(Decimal)
    for code, text in lines:
        account, amount = accounts.get(code), Decimal(text)
        if account is None:
            raise Invalid(_("There is no such account."))
        if account.pk in closed:
            raise ControlAccount(
                _("%(account)s is written from loans and receipts: correct it where the money moved, not by a journal.")
                % {"account": account}
            )
        if not amount or not is_cents(amount):
            raise Invalid(_("Each line has an amount in whole cents."))
        sides[account.kind == GLAccount.Kind.OFF_BALANCE] += amount
    if len(accounts) != len(lines):
        raise Invalid(_("Each account stands in a journal once."))
    if any(sides.values()):
        debit = sum((Decimal(text) for _code, text in lines if Decimal(text) > 0), ZERO)
        credit = -sum((Decimal(text) for _code, text in lines if Decimal(text) < 0), ZERO)
        raise NotBalanced(_("The sides differ: debit %(debit)s, credit %(credit)s.") % {"debit": grouped(debit), "credit": grouped(credit)})


def _lines(before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    codes = [code for code, _amount in after["lines"]]
    names = {row.code: str(row) for row in GLAccount.objects.filter(code__in=codes)}
    head = [
        Line(_("Day"), "", after["day"]),
        Line(_("Why"), "", Reason(after["reason"]).label),
        Line(_("Document"), "", after["document"]),
    ]
    if after["reverses"]:
        head.append(Line(_("Takes back"), "", after["reverses"]))
    for code, text in after["lines"]:
        amount = Decimal(text)
        side = pgettext_lazy("books", "Debit %(amount)s") if amount > 0 else pgettext_lazy("books", "Credit %(amount)s")
        head.append(Line(names.get(code, code), "", side % {"amount": grouped(abs(amount))}))
    return head


@transaction.atomic
def _make(subject: str, after: dict[str, Any], *, actor: User, at: datetime) -> Journal:
    entity = LegalEntity.objects.select_for_update(no_key=True).get(
        code=subject.split(":", maxsplit=1)[0]
    )  # a month closes under the same lock
    general_ledger.lock(entity)
    _validate(subject, after)  # a month may have been closed while it waited
    day = date.fromisoformat(after["day"])
    known = {row.code: row for row in GLAccount.objects.filter(legal_entity=entity)}
    number = subject.split(":")[1]
    others = Journal.objects.filter(legal_entity=entity, business_date=day, product_code="", source=Journal.Source.MANUAL)
    named = {} if number.startswith("R-") else {"public_id": number}
    made = Journal.objects.create(
        legal_entity=entity,
        product_code="",
        business_date=day,
        source=Journal.Source.MANUAL,
        serial=others.count() + 1,
        posted_at=at,
        **named,
    )
    JournalLine.objects.bulk_create(
        JournalLine(journal=made, account=known[code], purpose=chart.MANUAL, amount=Decimal(text)) for code, text in after["lines"]
    )
    change = ChangeRequest.objects.filter(kind=KIND, subject=subject).order_by("-pk").first()
    reverses = Journal.objects.get(public_id=after["reverses"]) if after["reverses"] else None
    ManualJournal.objects.create(
        journal=made, reason=after["reason"], document=after["document"], reverses=reverses, confirmed_by=actor,
        made_by=change.made_by if change else actor,
    )  # fmt: skip
    log.record(
        "credit.journal.written", made, actor=actor, at=at, business_date=day, reason=after["reason"], reverses=after["reverses"],
        amount=sum((Decimal(text) for _code, text in after["lines"] if Decimal(text) > 0), ZERO),
    )  # fmt: skip
    return made


def name(subject: str, after: dict[str, Any]) -> Any:
    if after["reverses"]:
        return _("Taking back of %(journal)s") % {"journal": after["reverses"]}
    return _("Journal of %(day)s, document %(document)s") % {"day": after["day"], "document": after["document"]}


def _page(subject: str) -> str:
    found = _written(subject)
    return reverse("journal", args=[found.public_id]) if found else reverse("manual-journal-list")


changes.KINDS.register(KIND, Kind(_("Journal written by hand"), CHECK_BOOKS, _standing, _validate, _lines, _make, name, _page))
