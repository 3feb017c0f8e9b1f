"""What an event would change on a loan, as pages show it before anybody confirms."""

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from credit import line_acts
from credit.accrual import bucket, bucket_name
from credit.events import Waive
from credit.models import Installment, Loan, Posting
from credit.movements import STATUS, Preview, entries, status_of
from credit.revolving import LineState
from credit.state import REST, State
from credit.state import Installment as Played

ZERO = Decimal("0.00")
Account = Posting.Account
SHOWN = 60


def told(loan: Loan, preview: Preview) -> dict[str, Any]:
    """Return only what differs: instalments, sums, lateness, where the loan stands, and what will be posted."""
    before, after = preview.before, preview.after
    old, new = ({row.seq: row for row in state.installments} for state in (before, after))
    rows = []
    for seq in sorted(old.keys() | new.keys()):
        was, will = old.get(seq), new.get(seq)
        pair = [_row(loan, each, state) for each, state in ((was, before), (will, after))]
        if pair[0] != pair[1]:
            rows.append({"number": seq if seq != REST else _("not billed"), "was": pair[0], "will": pair[1]})
    had, has = _books(before), _books(after)
    sums = [
        (_("Principal left"), before.principal_outstanding, after.principal_outstanding),
        (_("Interest to come and due"), _left(before, "interest"), _left(after, "interest")),
        (_("Fees unpaid"), _left(before, "fee"), _left(after, "fee")),
        (_("Penalty unpaid"), _left(before, "penalty"), _left(after, "penalty")),
        (_("Held for refund"), before.overpayment, after.overpayment),
        (_("Recovered after write-off"), -had[Account.RECOVERY], -has[Account.RECOVERY]),
        (Account.LOSS.label, had[Account.LOSS], has[Account.LOSS]),
        (Account.SALE_RESULT.label, -had[Account.SALE_RESULT], -has[Account.SALE_RESULT]),
    ]
    rates = before.terms.penalty.annual_rate, after.terms.penalty.annual_rate
    days = (before.delinquency.regulatory_days, after.delinquency.regulatory_days)
    ends = [(state.installments[-1].due_on if state.installments else None) for state in (before, after)]
    of_line = line_acts.told(before, after) if isinstance(before, LineState) and isinstance(after, LineState) else None
    moved = of_line is not None and (of_line["limit"][0] != of_line["limit"][1] or of_line["frozen"])
    return {
        "line": of_line,
        "rows": rows[:SHOWN],
        "more_rows": max(len(rows) - SHOWN, 0),
        "sums": [(label, was, will) for label, was, will in sums if was != will],
        "dpd": days,
        "buckets": (bucket_name(bucket(days[0])), bucket_name(bucket(days[1]))),
        "ends": ends,
        "ends_moved": ends[0] != ends[1],
        "status": STATUS[after.status].label if STATUS[after.status] != loan.status else "",
        "reopens": STATUS[after.status] == Loan.Status.OPEN and loan.status != Loan.Status.OPEN,
        "anew": _anew(preview),
        "waivers": _waivers(preview),
        "posted": [
            (account.label, has[account] - had[account], had[account] - has[account]) for account in Account if has[account] != had[account]
        ],
        "penalty_ends": bool(rates[0]) and not rates[1],
        "nothing": not (
            rows or moved or any(was != will for _label, was, will in sums) or before.status != after.status or rates[0] != rates[1]
        ),
    }


def _anew(preview: Preview) -> int:
    """Return how many other movements fall out differently."""
    return sum(1 for key, split in preview.after.splits.items() if key != "new" and preview.before.splits.get(key) not in (None, split))


def _books(state: State) -> dict[str, Decimal]:
    """Return what all events together post to each account: debit above zero."""
    found: dict[str, Decimal] = dict.fromkeys(Account, ZERO)
    for split in state.splits.values():
        for account, amount, _place in entries(split):
            found[Account(account)] += amount
    return found


def _waivers(preview: Preview) -> list[tuple[Any, Decimal, Decimal]]:
    """Return waivers that stand and give up another sum now: day, what they gave up, what they will."""
    found = []
    for key, split in preview.after.splits.items():
        before = preview.before.splits.get(key)
        if isinstance(split.event, Waive) and before is not None:
            was, will = (sum((line.amount for line in each.waived), ZERO) for each in (before, split))
            if was != will:
                found.append((split.event.on, was, will))
    return found


def _left(state: State, part: str) -> Decimal:
    return sum((row.left(part) for row in state.installments), ZERO)


def _row(loan: Loan, row: Played | None, state: State) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "due_on": row.due_on,
        "due": row.due.total - row.waived.total,
        "left": row.outstanding,
        "state": _state(loan, row, state),
    }


def _state(loan: Loan, row: Played, state: State) -> str:
    """Return how an instalment stands, in the words of the schedule."""
    status = Installment.Status(status_of(row, state.as_of, loan))
    if status == Installment.Status.PENDING:
        return _("To come") if row.due_on > state.as_of else _("Due")
    if status == Installment.Status.PAID and not row.due.total:
        return _("Nothing asked")
    return str(status.label)
