"""The check of the books: sums that must agree, each compared by one statement over the whole book; nothing is changed.

What a loan keeps beside its movements (principal left, money held, what each instalment was paid) is a copy: here it is held against them.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from credit import chart, general_ledger
from credit.models import BookDay, Journal, Transaction
from credit.permissions import MANAGE_BOOKS
from crm.lib.money import quantize
from governance import notices, users
from governance.models import LegalEntity, User
from ledger import log

FIRST = 20  # differences that are listed of each check
PATIENCE = "15min"  # for one statement, at a million loans some seconds
MOVED = (Journal.Source.OPENING, Journal.Source.POSTINGS, Journal.Source.TAKEN_OVER)

# Each gives rows of (place, expected, found) for one legal entity up to a day.
JOURNALS = """
SELECT journal.public_id AS place, 0::numeric AS expected, coalesce(sum(line.amount), 0) AS found
FROM credit_journal AS journal LEFT JOIN credit_journalline AS line ON line.journal_id = journal.id
WHERE journal.legal_entity_id = %(entity)s AND journal.business_date <= %(day)s GROUP BY journal.public_id
"""
TRIAL_BALANCE = """
SELECT CASE WHEN account.kind = 'off_balance' THEN 'off balance sheet' ELSE 'on balance sheet' END AS place,
    0::numeric AS expected, sum(line.amount) AS found
FROM credit_journalline AS line
JOIN credit_journal AS journal ON journal.id = line.journal_id
JOIN credit_glaccount AS account ON account.id = line.account_id
WHERE journal.legal_entity_id = %(entity)s AND journal.business_date <= %(day)s GROUP BY 1
"""
DAYS = """
SELECT day.business_date::text AS place, 1::numeric AS expected,
    (day.business_date - lag(day.business_date, 1, day.business_date - 1) OVER (ORDER BY day.business_date))::numeric AS found
FROM credit_bookday AS day WHERE day.legal_entity_id = %(entity)s AND day.business_date <= %(day)s
"""
# What a charged-off loan is paid is taken back where it would stand on the balance sheet: those debits are no money (`aside`).
MOVEMENTS = """
SELECT place,
    CASE WHEN kind IN ('charge', 'waiver', 'reschedule', 'acceleration', 'relief', 'death', 'limit') THEN 0
        WHEN kind IN ('write_off', 'reversal', 'sale') THEN debit
        ELSE amount END AS expected,
    CASE WHEN total = 0 THEN debit ELSE total END AS found
FROM (
    SELECT movement.public_id AS place, movement.kind, movement.amount, coalesce(sum(posting.amount), 0) AS total,
        coalesce(sum(posting.amount) FILTER (WHERE posting.amount > 0 AND (movement.kind IN ('reversal', 'reallocation') OR NOT (
            posting.account = 'charged_off' OR posting.account IN ('interest', 'fee', 'penalty') AND posting.installment_id IS NULL
        ))), 0) AS debit
    FROM credit_transaction AS movement
    JOIN credit_loan AS loan ON loan.id = movement.loan_id
    LEFT JOIN credit_posting AS posting ON posting.transaction_id = movement.id
    WHERE loan.legal_entity_id = %(entity)s GROUP BY movement.id
) AS moved
"""
SUBLEDGER = """
SELECT place, coalesce(below.amount, 0) AS expected, coalesce(above.amount, 0) AS found
FROM (
    SELECT product.code || ' ' || posting.account AS place, sum(posting.amount) AS amount
    FROM credit_posting AS posting
    JOIN credit_transaction AS movement ON movement.id = posting.transaction_id
    JOIN credit_loan AS loan ON loan.id = movement.loan_id
    JOIN credit_product AS product ON product.id = loan.product_id
    WHERE loan.legal_entity_id = %(entity)s AND (movement.booked_on IS NULL OR movement.booked_on <= %(day)s)
    GROUP BY 1
) AS below
FULL JOIN (
    SELECT journal.product_code || ' ' || line.purpose AS place, sum(line.amount) AS amount
    FROM credit_journalline AS line JOIN credit_journal AS journal ON journal.id = line.journal_id
    WHERE journal.legal_entity_id = %(entity)s AND journal.business_date <= %(day)s AND journal.source = ANY(%(moved)s)
    GROUP BY 1
) AS above USING (place)
"""
UNMAPPED = """
SELECT journal.product_code || ' ' || line.purpose AS place, 0::numeric AS expected, sum(line.amount) AS found
FROM credit_journalline AS line
JOIN credit_journal AS journal ON journal.id = line.journal_id
WHERE journal.legal_entity_id = %(entity)s AND journal.business_date <= %(day)s
    AND line.account_id IN (SELECT account_id FROM credit_accountmapping WHERE legal_entity_id = %(entity)s AND purpose = 'unmapped')
GROUP BY 1
"""
LOANS = """
SELECT loan.public_id || ' ' || side.name AS place, side.expected, side.found
FROM credit_loan AS loan
LEFT JOIN (
    SELECT movement.loan_id, sum(posting.amount) FILTER (WHERE posting.account = 'principal') AS principal,
        -sum(posting.amount) FILTER (WHERE posting.account = 'overpayment') AS overpayment,
        -sum(posting.amount) FILTER (WHERE posting.account = 'charged_off') AS charged_off
    FROM credit_posting AS posting JOIN credit_transaction AS movement ON movement.id = posting.transaction_id
    WHERE posting.account IN ('principal', 'overpayment', 'charged_off') GROUP BY movement.loan_id
) AS moved ON moved.loan_id = loan.id
CROSS JOIN LATERAL (VALUES
    ('principal', coalesce(moved.principal, 0), loan.principal_outstanding),
    ('overpayment', coalesce(moved.overpayment, 0), loan.overpayment),
    ('charged_off', coalesce(moved.charged_off, 0), CASE WHEN loan.charged_off_on IS NULL THEN 0 ELSE loan.principal_outstanding END)
) AS side(name, expected, found)
WHERE loan.legal_entity_id = %(entity)s
"""
INSTALLMENTS = """
SELECT loan.public_id || '/' || part.seq || ' ' || side.name AS place, side.expected, side.found
FROM credit_installment AS part
JOIN credit_loan AS loan ON loan.id = part.loan_id
LEFT JOIN (
    SELECT installment_id, -sum(amount) FILTER (WHERE account = 'principal') AS principal,
        -sum(amount) FILTER (WHERE account = 'interest') AS interest,
        -sum(amount) FILTER (WHERE account = 'fee') AS fee, -sum(amount) FILTER (WHERE account = 'penalty') AS penalty
    FROM credit_posting WHERE installment_id IS NOT NULL GROUP BY installment_id
) AS moved ON moved.installment_id = part.id
CROSS JOIN LATERAL (VALUES
    ('principal', coalesce(moved.principal, 0), part.principal_paid), ('interest', coalesce(moved.interest, 0), part.interest_paid),
    ('fee', coalesce(moved.fee, 0), part.fee_paid), ('penalty', coalesce(moved.penalty, 0), part.penalty_paid)
) AS side(name, expected, found)
WHERE loan.legal_entity_id = %(entity)s
    AND (moved.installment_id IS NOT NULL OR part.principal_paid + part.interest_paid + part.fee_paid + part.penalty_paid <> 0)
"""
SCHEDULES = """
SELECT loan.public_id || ' ' || side.name AS place, side.expected, side.found
FROM credit_loan AS loan
LEFT JOIN (
    SELECT loan_id, sum(principal) AS principal, sum(principal - principal_paid) FILTER (WHERE status NOT IN ('written_off', 'sold')) AS unpaid
    FROM credit_installment GROUP BY loan_id
) AS parts ON parts.loan_id = loan.id
CROSS JOIN LATERAL (VALUES
    ('sum', CASE WHEN loan.revolving THEN coalesce((
        SELECT sum(t.amount) FROM credit_transaction AS t WHERE t.loan_id = loan.id AND t.kind = 'draw'
            AND NOT EXISTS (SELECT FROM credit_transaction AS undone WHERE undone.reverses_id = t.id)
    ), 0) ELSE loan.principal - loan.undrawn + loan.capitalised END, coalesce(parts.principal, 0)), ('unpaid', loan.principal_outstanding, coalesce(parts.unpaid, 0))
) AS side(name, expected, found)
WHERE loan.legal_entity_id = %(entity)s
"""
SUSPENSE = """
SELECT 'general ledger' AS place, below.amount AS expected, above.amount AS found
FROM (
    SELECT coalesce(-sum(step.amount), 0) AS amount
    FROM credit_suspensemove AS step JOIN credit_receipt AS receipt ON receipt.id = step.receipt_id
    WHERE receipt.legal_entity_id = %(entity)s AND step.booked_on <= %(day)s
) AS below, (
    SELECT coalesce(sum(line.amount), 0) AS amount
    FROM credit_journalline AS line JOIN credit_journal AS journal ON journal.id = line.journal_id
    WHERE journal.legal_entity_id = %(entity)s AND journal.business_date <= %(day)s AND line.purpose = 'suspense'
) AS above
UNION ALL
SELECT receipt.public_id, CASE WHEN receipt.status IN ('unmatched', 'proposed') THEN receipt.amount - receipt.placed ELSE 0 END, coalesce(moved.amount, 0)
FROM credit_receipt AS receipt
LEFT JOIN (SELECT receipt_id, sum(amount) AS amount FROM credit_suspensemove GROUP BY receipt_id) AS moved ON moved.receipt_id = receipt.id
WHERE receipt.legal_entity_id = %(entity)s AND (moved.receipt_id IS NOT NULL OR receipt.status IN ('unmatched', 'proposed'))
"""
# A loan that ended since the day stood in the allowance of the day: its last closed date tells. One that began since has no loss yet.
PROVISIONS = """
SELECT place, coalesce(below.amount, 0) AS expected, coalesce(above.amount, 0) AS found
FROM (
    SELECT product.code || ' allowance_' || loan.stage AS place, -sum(loan.ecl) AS amount
    FROM credit_loan AS loan JOIN credit_product AS product ON product.id = loan.product_id
    WHERE loan.legal_entity_id = %(entity)s AND (loan.status = 'open' OR loan.closed_on >= %(day)s) AND loan.ecl <> 0 GROUP BY 1
) AS below
FULL JOIN (
    SELECT journal.product_code || ' ' || line.purpose AS place, sum(line.amount) AS amount
    FROM credit_journalline AS line JOIN credit_journal AS journal ON journal.id = line.journal_id
    WHERE journal.legal_entity_id = %(entity)s AND line.purpose LIKE 'allowance!_%%' ESCAPE '!' GROUP BY 1
) AS above USING (place)
WHERE EXISTS (
    SELECT FROM credit_bookday AS last WHERE last.legal_entity_id = %(entity)s AND last.business_date = %(day)s
        AND NOT EXISTS (SELECT FROM credit_bookday AS later WHERE later.legal_entity_id = %(entity)s AND later.business_date > %(day)s)
)
"""


@dataclass
class Finding:
    """What one check compared, and the first differences: place, what it should be, what it is."""

    check: str
    compared: int
    differences: int
    first: list[list[str]] = field(default_factory=list)


def _receivables(entity: LegalEntity, day: date) -> Finding:
    """Compare what is owed by the schedules with the general ledger; possible until something is entered on a later day."""
    if Transaction.objects.filter(loan__legal_entity=entity, booked_on__gt=day).exists() or day != last_day(entity):
        return Finding("receivables", 0, 0)
    had = general_ledger.balance(entity)
    on_books, off_books = general_ledger.value(entity, day)
    found = Finding("receivables", 0, 0)
    promised = general_ledger.committed(entity, day)
    for code in sorted({*had, *promised}):
        found.compared += 1
        if (owed := promised.get(code, Decimal("0.00"))) != had[code][chart.OFF_COMMITMENT]:
            found.differences += 1
            found.first.append([f"{code} {chart.OFF_COMMITMENT}", f"{owed:.2f}", f"{had[code][chart.OFF_COMMITMENT]:.2f}"])
    for code in sorted({*had, *on_books, *off_books}):
        for receivable, _income, off in general_ledger.PARTS:
            for purpose, owed in ((receivable, on_books[code][receivable]), (off, off_books[code][receivable])):
                if purpose:
                    found.compared += 1
                    if quantize(owed) != had[code][purpose]:
                        found.differences += 1
                        found.first.append([f"{code} {purpose}", f"{quantize(owed):.2f}", f"{had[code][purpose]:.2f}"])
    return found


def _payees(entity: LegalEntity, day: date) -> Finding:
    """Compare fees that go to others with the debt to them; as `_receivables`, until something is entered on a later day."""
    if Transaction.objects.filter(loan__legal_entity=entity, booked_on__gt=day).exists() or day != last_day(entity):
        return Finding("payees", 0, 0)
    had, others = general_ledger.balance(entity), general_ledger.passed(entity, day)
    found = Finding("payees", 0, 0)
    for code in sorted({*had, *others}):
        found.compared += 1
        if quantize(others[code]) != -had[code][chart.FEE_PAYABLE]:
            found.differences += 1
            found.first.append([f"{code} {chart.FEE_PAYABLE}", f"{-quantize(others[code]):.2f}", f"{had[code][chart.FEE_PAYABLE]:.2f}"])
    return found


CHECKS: dict[str, tuple[Any, str | Callable[[LegalEntity, date], Finding]]] = {
    "trial_balance": (_("The trial balance is zero"), TRIAL_BALANCE),
    "journals": (_("Each journal sums to zero"), JOURNALS),
    "days": (_("No business date is missing in the general ledger"), DAYS),
    "movements": (_("Each movement is posted in balance"), MOVEMENTS),
    "subledger": (_("The sub-ledger agrees with the general ledger"), SUBLEDGER),
    "receivables": (_("Interest, penalty and fees owed agree with the general ledger"), _receivables),
    "payees": (_("Fees collected for others agree with the debt to them"), _payees),
    "suspense": (_("Money to be identified agrees with the receipts that wait"), SUSPENSE),
    "provisions": (_("The allowance for losses is the sum of the loans' expected loss"), PROVISIONS),
    "unmapped": (_("Everything posted has an account"), UNMAPPED),
    "loans": (_("Balances kept with loans agree with their postings"), LOANS),
    "installments": (_("What instalments were paid agrees with their postings"), INSTALLMENTS),
    "schedules": (_("Schedules add up to their loans"), SCHEDULES),
}


def last_day(entity: LegalEntity) -> date | None:
    """Return the last business date in the general ledger."""
    rows = BookDay.objects.filter(legal_entity=entity).order_by("-business_date")
    return rows.values_list("business_date", flat=True).first()


def run(entity: LegalEntity, day: date, *, checks: Sequence[str] = tuple(CHECKS)) -> list[Finding]:
    """Check the books of `entity` up to `day`. Balances kept with loans are those of this moment, whatever the day."""
    return [_run(name, entity, day) for name in checks]


@transaction.atomic
def _run(name: str, entity: LegalEntity, day: date) -> Finding:
    what = CHECKS[name][1]
    if not isinstance(what, str):
        return what(entity, day)
    values: dict[str, Any] = {"entity": entity.pk, "day": day, "moved": [str(source) for source in MOVED]}
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [PATIENCE])
        # both statements are this module's own
        cursor.execute(f"SELECT count(*), count(*) FILTER (WHERE expected <> found) FROM ({what}) AS compared", values)  # noqa: S608
        compared, differences = cursor.fetchone()
        if not differences:
            return Finding(name, compared, 0)
        listed = f"SELECT place, expected, found FROM ({what}) AS compared WHERE expected <> found ORDER BY place LIMIT {FIRST}"  # noqa: S608
        cursor.execute(listed, values)
        return Finding(name, compared, differences, [[place, str(expected), str(found)] for place, expected, found in cursor.fetchall()])


def check_day(entity: LegalEntity, day: date, *, at: datetime) -> BookDay | None:
    """Check the books after the close of `day`, keep what was found with it, and tell operations of differences.

    A day that is no longer the last one is left: the check of a later one covers it. May run twice.
    """
    if day != last_day(entity):
        return None
    started = time.monotonic()
    findings = run(entity, day)
    differences = sum(each.differences for each in findings)
    with transaction.atomic():
        row = BookDay.objects.select_for_update(no_key=True).get(legal_entity=entity, business_date=day)
        row.checked_at, row.differences, row.findings = at, differences, [asdict(each) for each in findings]
        row.milliseconds = int((time.monotonic() - started) * 1000)
        row.save(update_fields=["checked_at", "differences", "findings", "milliseconds"])
        if differences:
            wrong = [each.check for each in findings if each.differences]
            log.record("credit.books.differ", row, actor=users.system(), at=at, business_date=day, differences=differences, checks=wrong)
            notices.tell(
                bookkeepers(entity), code="books.differ", key=f"books.differ:{entity.pk}:{day}", url=reverse("book-check"), at=at,
                day=day.isoformat(), differences=differences,
            )  # fmt: skip
    return row


def bookkeepers(entity: LegalEntity) -> list[User]:
    """Return who keeps the books of `entity`."""
    people = User.objects.filter(is_active=True, kind=User.Kind.STAFF, role__permissions__contains=[MANAGE_BOOKS])
    return [one for one in people.select_related("team") if one.team is None or one.team.legal_entity_id == entity.pk]


@notices.words("books.differ", icon="books", tone="bad")
def _differ(notice: Any) -> str:
    number = int(notice.facts.get("differences", 0))
    return ngettext(
        "The books do not agree after %(day)s: %(n)s difference.", "The books do not agree after %(day)s: %(n)s differences.", number
    ) % {"day": notice.facts.get("day", ""), "n": number}


def titled(findings: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return stored findings with the sentence each check proves."""
    return [each | {"title": CHECKS[each["check"]][0] if each["check"] in CHECKS else each["check"]} for each in findings]
