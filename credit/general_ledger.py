"""The general ledger: what the sub-ledger moved on a business date, and what the day earned, in sums per product. No row per loan.

Accrual. At the end of a day each receivable has a value that follows from schedule and date alone: of an instalment's interest the part
of its period that has gone by (whole from the due date on), its fees from the due date on, its penalty as the close of the day found it,
each less what was paid. That value is summed over the open loans of a product as exact fractions and rounded once, half up to the cent;
the accrual of the day is what leads the balance of the account there. The balance is therefore never further from the exact sum than half
a cent, however many days went by, and whatever changes a schedule (a reversal, a new schedule, an early settlement) is in the accrual of
its day. A loan that is settled is owed nothing: all it paid is earned. What of a fee goes to somebody else is a debt to them from the
day the fee is due, and no income.

Beyond the days past due of rule `accrual.stops.after` interest and penalty are no longer income: they leave the balance sheet, their
income is taken back, and they stand off the balance sheet. What is paid on such a loan is income as it comes in. Once it is cured its
interest comes back. A loan that is charged off leaves whole: its principal against the loss, what else is owed as above; all of it stands
off the balance sheet until it is paid, written off, sold, or the charge-off is reversed.

Revolving lines. A statement's interest is owed whole from the day it is made; before that, what the days since the last one earned on
what is drawn. What of the limits is not drawn stands off the balance sheet as a commitment.

Provisions. The close of a day leaves an expected loss with every open loan; the allowance of a product is led to their sum, by stage, and
the difference is the cost of the day. Money nobody could place is a liability from the day it came until it is placed or sent back.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from credit import books, chart
from credit.chart import Chart
from credit.models import BookDay, Journal, JournalLine, Posting
from crm.lib.errors import DomainError
from crm.lib.money import quantize
from governance import rules
from governance.models import LegalEntity

LOCK = 7301  # with the entity's key: movements take it shared, by the trigger that dates them
STOPS_AFTER = "accrual.stops.after"
ZERO = Decimal("0.00")
Source = Journal.Source
Account = Posting.Account
Sums = dict[str, dict[str, Decimal]]  # product code → purpose → amount, debit above zero

# receivable, its income, and where it stands while it is not accrued
PARTS: tuple[tuple[str, str, str], ...] = (
    (Account.INTEREST, chart.INTEREST_INCOME, chart.OFF_INTEREST),
    (Account.PENALTY, chart.PENALTY_INCOME, chart.OFF_PENALTY),
    (Account.FEE, chart.FEE_INCOME, chart.OFF_FEE),
)

MOVED = """
SELECT product.code, posting.account, sum(posting.amount)
FROM credit_transaction AS movement
JOIN credit_loan AS loan ON loan.id = movement.loan_id
JOIN credit_product AS product ON product.id = loan.product_id
JOIN credit_posting AS posting ON posting.transaction_id = movement.id
WHERE loan.legal_entity_id = %(entity)s AND {days}
GROUP BY 1, 2
"""
COUNTED = """
SELECT product.code, count(*)
FROM credit_transaction AS movement
JOIN credit_loan AS loan ON loan.id = movement.loan_id
JOIN credit_product AS product ON product.id = loan.product_id
WHERE loan.legal_entity_id = %(entity)s AND {days}
GROUP BY 1
"""
OF_DAY = "movement.booked_on > %(since)s AND movement.booked_on <= %(day)s"
BEFORE = "(movement.booked_on IS NULL OR movement.booked_on < %(day)s)"
# What is entered on later days is in the instalments already; early fees belong to none.
LATER = "movement.booked_on > %(day)s AND posting.installment_id IS NOT NULL"

OWED = """
SELECT product.code, loan.dpd > %(limit)s, coalesce(loan.charged_off_on <= %(day)s, false),
    sum(CASE WHEN part.due_on <= %(day)s OR loan.revolving THEN part.interest + part.interest_held - part.interest_waived
             WHEN part.from_on < %(day)s THEN (part.interest + part.interest_held) * (%(day)s - part.from_on) / (part.due_on - part.from_on)
             ELSE 0 END - part.interest_paid),
    sum(part.penalty - part.penalty_paid),
    sum(CASE WHEN part.due_on <= %(day)s THEN part.fee - part.fee_waived ELSE 0 END - part.fee_paid)
FROM credit_installment AS part
JOIN credit_loan AS loan ON loan.id = part.loan_id
JOIN credit_product AS product ON product.id = loan.product_id
WHERE loan.legal_entity_id = %(entity)s AND loan.status = 'open'
    AND CASE WHEN part.due_on <= %(day)s THEN part.status <> 'paid' OR part.interest_held <> 0
        WHEN part.from_on < %(day)s THEN true
        ELSE part.interest_paid <> 0 OR part.fee_paid <> 0 OR part.penalty_paid <> 0 END
GROUP BY 1, 2, 3
"""

# A statement of a revolving line is earned whole when it is made; what none has billed yet follows from the days since.
UNBILLED = """
SELECT product.code, loan.dpd > %(limit)s, coalesce(loan.charged_off_on <= %(day)s, false),
    sum((line.accrued + loan.annual_rate * (%(day)s - line.counted_to)
            * CASE WHEN line.counted_to <= %(day)s THEN loan.principal_outstanding ELSE line.earning END)
        / CASE loan.day_count WHEN 'actual/365' THEN 365 ELSE 360 END - line.ahead)
FROM credit_creditline AS line
JOIN credit_loan AS loan ON loan.id = line.loan_id
JOIN credit_product AS product ON product.id = loan.product_id
WHERE loan.legal_entity_id = %(entity)s AND loan.status = 'open' AND loan.starts_on <= %(day)s
GROUP BY 1, 2, 3
"""
COMMITTED = """
SELECT product.code, sum(loan.undrawn + coalesce((
        SELECT sum(posting.amount) FROM credit_transaction AS movement JOIN credit_posting AS posting ON posting.transaction_id = movement.id
        WHERE movement.loan_id = loan.id AND movement.booked_on > %(day)s AND posting.account = 'principal'
    ), 0))
FROM credit_creditline AS line
JOIN credit_loan AS loan ON loan.id = line.loan_id
JOIN credit_product AS product ON product.id = loan.product_id
WHERE loan.legal_entity_id = %(entity)s AND loan.status = 'open' AND loan.starts_on <= %(day)s
GROUP BY 1
"""

SUSPENDED = """
SELECT coalesce(sum(step.amount), 0) FROM credit_suspensemove AS step JOIN credit_receipt AS receipt ON receipt.id = step.receipt_id
WHERE receipt.legal_entity_id = %(entity)s AND step.booked_on > %(since)s AND step.booked_on <= %(day)s
"""
EXPECTED = """
SELECT product.code, loan.stage, sum(loan.ecl)
FROM credit_loan AS loan JOIN credit_product AS product ON product.id = loan.product_id
WHERE loan.legal_entity_id = %(entity)s AND loan.status = 'open' AND (%(loans)s::bigint[] IS NULL OR loan.id = ANY(%(loans)s))
GROUP BY 1, 2
"""

# What was collected or fell due for others, of all loans that ever had such fees: what is due of open ones, what was paid of the rest.
PASSED = """
SELECT product.code, sum(
    CASE WHEN loan.status <> 'open' OR coalesce(loan.charged_off_on <= %(day)s, false)
            THEN part.fee_passed * part.fee_paid / nullif(part.fee - part.fee_waived, 0)
        WHEN part.due_on <= %(day)s THEN part.fee_passed END)
FROM credit_installment AS part
JOIN credit_loan AS loan ON loan.id = part.loan_id
JOIN credit_product AS product ON product.id = loan.product_id
WHERE loan.legal_entity_id = %(entity)s AND part.fee_passed > 0
GROUP BY 1
"""
EARNED = """
SELECT product.code, days.day::date, sum((part.interest + part.interest_held - part.interest_waived) / (part.due_on - part.from_on))
FROM credit_installment AS part
JOIN credit_loan AS loan ON loan.id = part.loan_id
JOIN credit_product AS product ON product.id = loan.product_id
CROSS JOIN LATERAL generate_series(part.from_on + 1, least(part.due_on, %(until)s), interval '1 day') AS days(day)
WHERE loan.id = ANY(%(loans)s) AND part.from_on < %(until)s
GROUP BY 1, 2 ORDER BY 1, 2
"""
FEES_DUE = """
SELECT product.code, part.due_on, sum(part.fee - part.fee_waived)
FROM credit_installment AS part
JOIN credit_loan AS loan ON loan.id = part.loan_id
JOIN credit_product AS product ON product.id = loan.product_id
WHERE loan.id = ANY(%(loans)s) AND part.due_on <= %(until)s
GROUP BY 1, 2 ORDER BY 1, 2
"""
TAKEN = """
SELECT product.code, movement.booked_on, posting.account, sum(posting.amount)
FROM credit_transaction AS movement
JOIN credit_loan AS loan ON loan.id = movement.loan_id
JOIN credit_product AS product ON product.id = loan.product_id
JOIN credit_posting AS posting ON posting.transaction_id = movement.id
WHERE loan.id = ANY(%(loans)s) AND movement.booked_on <= %(until)s
GROUP BY 1, 2, 3
"""
TAKEN_COUNT = """
SELECT product.code, movement.booked_on, count(*)
FROM credit_transaction AS movement
JOIN credit_loan AS loan ON loan.id = movement.loan_id
JOIN credit_product AS product ON product.id = loan.product_id
WHERE loan.id = ANY(%(loans)s) AND movement.booked_on <= %(until)s
GROUP BY 1, 2
"""


class DayNotClosed(DomainError):
    """Only days whose movements are complete are written by their own dates."""

    code = "day_not_closed"


@transaction.atomic
def close(entity: LegalEntity, business_date: date, *, at: datetime) -> BookDay:
    """Write the journals of a business date; called within the close of the day. A date that is written is left as it is.

    The first date of an installation begins with the balances that stood before it, as an opening journal per product on the day before.
    """
    lock(entity)
    days = BookDay.objects.filter(legal_entity=entity)
    last = days.order_by("-business_date").values_list("business_date", flat=True).first()
    if last is not None and last >= business_date:
        return days.get(business_date=business_date)
    before = business_date - timedelta(days=1)
    places = chart.on(entity, business_date, at=at)
    made = 0
    if last is None:
        begun = _moved(entity, BEFORE, business_date)
        made += write(entity, before, Source.OPENING, begun, places, at=at)
        made += write(entity, before, Source.ACCRUAL, accrual(entity, before, at=at), places, at=at)
    elif places.since > last:
        made += write(entity, business_date, Source.TRANSFER, {}, places, at=at, lines=_transfers(entity, places))
    since = last or before
    made += write(
        entity, business_date, Source.POSTINGS, _moved(entity, OF_DAY, business_date, since=since), places, at=at,
        movements=dict(_rows(COUNTED.format(days=OF_DAY), entity=entity.pk, day=business_date, since=since)),
    )  # fmt: skip
    made += write(entity, business_date, Source.SUSPENSE, suspense(entity, business_date, since=last or date.min), places, at=at)
    made += write(entity, business_date, Source.ACCRUAL, accrual(entity, business_date, at=at), places, at=at)
    made += write(entity, business_date, Source.PROVISION, provisions(entity), places, at=at)
    return BookDay.objects.create(legal_entity=entity, business_date=business_date, journals=made, posted_at=at)


def lock(entity: LegalEntity) -> None:
    """Let movements that are being made finish, and hold new ones back until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, entity.pk])


def accrual(entity: LegalEntity, day: date, *, at: datetime) -> Sums:
    """Return what leads each receivable from its balance to its value at the end of `day`, with the income against it."""
    balances, others = balance(entity), passed(entity, day)
    on_books, off_books = value(entity, day)
    promised = committed(entity, day)
    found: Sums = {}
    for code in sorted({*balances, *on_books, *off_books, *others, *promised}):
        had, sums = balances[code], dict[str, Decimal]()
        contra = ZERO
        for receivable, income, off in PARTS:
            step = quantize(on_books[code][receivable]) - had[receivable]
            sums[receivable], sums[income] = step, -step
            if off:
                sums[off] = quantize(off_books[code][receivable]) - had[off]
                contra -= sums[off]
        sums[chart.FEE_PAYABLE] = -quantize(others[code]) - had[chart.FEE_PAYABLE]
        sums[chart.FEE_INCOME] -= sums[chart.FEE_PAYABLE]
        sums[chart.OFF_PRINCIPAL] = -had[Account.CHARGED_OFF] - had[chart.OFF_PRINCIPAL]
        sums[chart.OFF_COMMITMENT] = promised.get(code, ZERO) - had[chart.OFF_COMMITMENT]
        found[code] = sums | {chart.OFF_CONTRA: contra - sums[chart.OFF_PRINCIPAL] - sums[chart.OFF_COMMITMENT]}
    return found


def suspense(entity: LegalEntity, day: date, *, since: date) -> Sums:
    """Return what came into suspense and left it on a business date. It belongs to no product.

    Money that is placed leaves here and comes in as its loan's movement: the bank account gets it once.
    """
    [(amount,)] = _rows(SUSPENDED, entity=entity.pk, day=day, since=since)
    return {"": {chart.SUSPENSE: -amount, Account.CASH: amount}} if amount else {}


def provisions(entity: LegalEntity) -> Sums:
    """Return what leads the allowance of each product and stage to the expected loss of its open loans, with the cost against it."""
    had, losses = balance(entity), expected_losses(entity)
    found: Sums = {}
    for code in sorted({*had, *losses}):
        steps = {purpose: -losses[code][purpose] - had[code][purpose] for purpose in chart.ALLOWANCES.values()}
        found[code] = steps | {chart.PROVISION: -sum(steps.values(), ZERO)}
    return found


def expected_losses(entity: LegalEntity, loans: Sequence[int] | None = None) -> Sums:
    """Return the expected loss of the open loans, or of these, by product and, as purposes of the chart, stage: above zero."""
    found = _sums()
    for code, stage, amount in _rows(EXPECTED, entity=entity.pk, loans=None if loans is None else list(loans)):
        found[code][chart.ALLOWANCES[stage]] = amount
    return found


def value(entity: LegalEntity, day: date) -> tuple[Sums, Sums]:
    """Return the exact value of each receivable at the end of `day` by product: on the balance sheet, and off it."""
    limit = int(rules.value(STOPS_AFTER, on=day))
    on_books, off_books = _sums(), _sums()
    for code, stopped, charged_off, interest, penalty, fee in _rows(OWED, entity=entity.pk, day=day, limit=limit):
        place = off_books if stopped or charged_off else on_books
        place[code][Account.INTEREST] += interest
        place[code][Account.PENALTY] += penalty
        # a fee was earned by what was done, and stays until the loan itself leaves
        (off_books if charged_off else on_books)[code][Account.FEE] += fee
    for code, stopped, charged_off, interest in _rows(UNBILLED, entity=entity.pk, day=day, limit=limit):
        (off_books if stopped or charged_off else on_books)[code][Account.INTEREST] += interest
    for code, account, later in _rows(MOVED.format(days=LATER), entity=entity.pk, day=day):
        on_books[code][account] -= later
    return on_books, off_books


def passed(entity: LegalEntity, day: date) -> dict[str, Decimal]:
    """Return by product what of the fees that fell due or came in is owed to others: above zero, exact, whatever was paid over to them."""
    return defaultdict(Decimal, {code: amount or ZERO for code, amount in _rows(PASSED, entity=entity.pk, day=day)})


def committed(entity: LegalEntity, day: date) -> dict[str, Decimal]:
    """Return what can still be drawn of the limits of revolving lines at the end of `day`, by product."""
    return dict(_rows(COMMITTED, entity=entity.pk, day=day))


def balance(entity: LegalEntity, *, until: date | None = None, sources: Sequence[str] = ()) -> Sums:
    """Return the balances of the general ledger by product and purpose."""
    found = _sums()
    for code, purpose, amount in _rows(
        "SELECT journal.product_code, line.purpose, sum(line.amount) FROM credit_journalline AS line"
        " JOIN credit_journal AS journal ON journal.id = line.journal_id WHERE journal.legal_entity_id = %(entity)s"
        " AND (%(until)s::date IS NULL OR journal.business_date <= %(until)s)"
        " AND (cardinality(%(sources)s::text[]) = 0 OR journal.source = ANY(%(sources)s::text[])) GROUP BY 1, 2",
        entity=entity.pk, until=until, sources=[str(source) for source in sources],
    ):  # fmt: skip
        found[code][purpose] = amount
    return found


def write(
    entity: LegalEntity,
    day: date,
    source: str,
    sums: Mapping[str, Mapping[str, Decimal]],
    places: Chart,
    *,
    at: datetime,
    movements: Mapping[str, int] | None = None,
    lines: Mapping[str, Sequence[tuple[str, int, Decimal]]] | None = None,
) -> int:
    """Write a journal per product from sums by purpose, or from `lines` of (purpose, account, amount); return how many. Nothing, no journal."""
    told = lines or {
        code: [(purpose, places.account(code, purpose), amount) for purpose, amount in sorted(parts.items())]
        for code, parts in sums.items()
    }
    return store(
        (Journal(legal_entity=entity, product_code=code, business_date=day, source=source, movements=(movements or {}).get(code, 0), posted_at=at), told[code])
        for code in sorted(told)
    )  # fmt: skip


def store(rows: Iterable[tuple[Journal, Sequence[tuple[str, int, Decimal]]]]) -> int:
    """Store journals with their lines, those of nothing left out; return how many were stored."""
    kept = [(journal, [line for line in lines if line[2]]) for journal, lines in rows]
    kept = [(journal, lines) for journal, lines in kept if lines]
    Journal.objects.bulk_create([journal for journal, _lines in kept], batch_size=1_000)
    JournalLine.objects.bulk_create(
        [
            JournalLine(journal=journal, account_id=account, purpose=purpose, amount=amount)
            for journal, lines in kept
            for purpose, account, amount in lines
        ],
        batch_size=5_000,
    )
    return len(kept)


@transaction.atomic
def take_over(entity: LegalEntity, loans: Sequence[int], *, until: date, at: datetime) -> int:
    """Write the past of loans that another system kept, by its own dates up to `until`; return how many journals.

    Their movements carry `booked_on` themselves. Interest is spread over its periods, fees stand from their due dates; what the close of
    the next day finds otherwise (penalty, loans whose interest is no longer accrued) is in its accrual. What they came with as expected
    loss joins the allowance on `until`.

    :raises DayNotClosed: if `until` is not closed yet
    :raises PeriodClosed: if one of the months is closed
    """
    lock(entity)
    if until >= entity.business_date:
        raise DayNotClosed(_("%(day)s is not closed: its movements are not complete.") % {"day": until.isoformat()})
    places = chart.on(entity, until, at=at)
    known: dict[str, Any] = {"loans": list(loans), "until": until}
    moved: dict[tuple[str, date], dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for code, day, account, amount in _rows(TAKEN, **known):
        moved[code, day][account] += amount
    counts = {(code, day): number for code, day, number in _rows(TAKEN_COUNT, **known)}
    earned: dict[tuple[str, date], dict[str, Decimal]] = defaultdict(dict)
    for statement, receivable, income in (
        (EARNED, Account.INTEREST, chart.INTEREST_INCOME), (FEES_DUE, Account.FEE, chart.FEE_INCOME),
    ):  # fmt: skip
        exact: dict[str, Decimal] = defaultdict(Decimal)
        for code, day, amount in _rows(statement, **known):
            step = quantize(exact[code] + amount) - quantize(exact[code])
            exact[code] += amount
            earned[code, day] |= {str(receivable): step, income: -step}
    for code, losses in expected_losses(entity, loans).items():
        earned[code, until] |= {purpose: -amount for purpose, amount in losses.items()} | {chart.PROVISION: sum(losses.values(), ZERO)}
    for month in {day.replace(day=1) for _code, day in (*moved, *earned)}:
        books.check_open(entity, month)
    return sum(
        store(
            (
                Journal(legal_entity=entity, product_code=code, business_date=day, source=source, movements=counts.get((code, day), 0) * told, posted_at=at),
                [(purpose, places.account(code, purpose), amount) for purpose, amount in sums.items()],
            )
            for (code, day), sums in sorted(rows.items())
        )
        for source, rows, told in ((Source.TAKEN_OVER, moved, 1), (Source.TAKEN_ACCRUAL, earned, 0))
    )  # fmt: skip


def _transfers(entity: LegalEntity, places: Chart) -> dict[str, list[tuple[str, int, Decimal]]]:
    """Return what moves balances to accounts that the chart names anew; income stays where it was earned, and what people wrote where they wrote it."""
    found: dict[str, list[tuple[str, int, Decimal]]] = defaultdict(list)
    for code, purpose, account, amount in _rows(
        "SELECT journal.product_code, line.purpose, line.account_id, sum(line.amount) FROM credit_journalline AS line"
        " JOIN credit_journal AS journal ON journal.id = line.journal_id"
        " JOIN credit_glaccount AS account ON account.id = line.account_id"
        " WHERE journal.legal_entity_id = %(entity)s AND account.kind NOT IN ('income', 'expense') AND line.purpose <> 'manual'"
        " GROUP BY 1, 2, 3 HAVING sum(line.amount) <> 0 ORDER BY 1, 2, 3",
        entity=entity.pk,
    ):
        now = places.account(code, purpose)
        if now != account:
            found[code] += [(purpose, account, -amount), (purpose, now, amount)]
    return found


def _moved(entity: LegalEntity, days: str, day: date, *, since: date | None = None) -> Sums:
    found = _sums()
    for code, account, amount in _rows(MOVED.format(days=days), entity=entity.pk, day=day, since=since):
        found[code][account] += amount
    return found


def _sums() -> Sums:
    return defaultdict(lambda: defaultdict(Decimal))


def _rows(statement: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
