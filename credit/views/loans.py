"""Loans: the list, one contract with schedule and movements, money received for it."""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from django.views.decorators.http import require_GET

from credit import act_words, acts, class_standing, repayments, timeline
from credit import movements as played
from credit.accrual import bucket, bucket_name
from credit.books import value_day
from credit.lists import LOANS
from credit.models import Installment, Loan, Posting, Transaction, VirtualAccount
from credit.money_forms import CounterForm
from credit.permissions import QUOTE_PAYOFF, RECORD_REPAYMENT, REQUEST_REFUND, REVERSE_REPAYMENT, VIEW_LOAN
from credit.reversals import REVERSIBLE
from credit.state import REST
from credit.views import Asked, borrower, differences
from credit.views import lines as line_pages
from credit.words import PARTS
from crm.lib import htmx, money, pages
from crm.lib.errors import DomainError
from crm.lib.permissions import needs
from crm.lib.templatetags.crm import spoken
from governance import idempotency, list_pages

ZERO = Decimal("0.00")
TABS = ("", "open", "late", "settled")
MOVEMENTS = 12  # the newest; the statement has all
# What is not named moves no cash.
SIGNS = {
    "repayment": "in", "prepayment": "in", "recovery": "in", "cancellation": "in", "sale": "in", "disbursement": "out", "draw": "out", "reversal": "out", "refund": "out",
}  # fmt: skip


@needs(VIEW_LOAN)
@require_GET
def loan_list(request: Asked) -> HttpResponse:
    """List the loans one may see."""
    rows = Loan.objects.visible_to(request.user)
    context = {
        "page": list_pages.read(request, LOANS, at=now()),
        "tabs": tabs(request, rows),
        "label": _("Views of the loans"),
        "icon_name": "loans",
        "empty_text": _("No loans yet. They appear when an accepted offer is booked."),
    }
    return htmx.render(request, "credit/loans.html", "lists/_part.html", context)


def tabs(request: Asked, rows: Any) -> list[dict[str, Any]]:
    labels = {"": _("All"), "open": pgettext("loan", "Open"), "late": _("Past due"), "settled": _("Settled")}
    narrow = {"": rows, "open": rows.open(), "late": rows.overdue(), "settled": rows.filter(status=Loan.Status.SETTLED)}
    return [
        {
            "url": f"?status={key}" if key else reverse("loan-list"),
            "label": labels[key],
            "count": count,
            "current": request.GET.get("status", "") == key,
        }
        for key, count in zip(TABS, pages.count_labels([narrow[key] for key in TABS]), strict=True)
    ]


def one(request: Asked, public_id: str) -> Loan:
    return Loan.objects.for_list().select_related("legal_entity", "application", "offer").get_for(request.user, public_id)


@needs(VIEW_LOAN)
@require_GET
def loan_page(request: Asked, public_id: str) -> HttpResponse:
    """Show a contract: what is due, what was paid, every movement with its postings."""
    loan = one(request, public_id)
    on = value_day(loan.legal_entity, now())
    installments = list(loan.installments.order_by("seq"))
    billed = [each for each in installments if each.seq != REST]
    rows = schedule(loan, billed, on)
    moved = movements(loan, installments, may_reverse=request.user.has_perm(REVERSE_REPAYMENT))
    open_acts = acts.open_to(request.user, loan)
    context = {
        "loan": loan,
        "customer": borrower(loan, request.user),
        "on": on,
        "rows": rows,
        "total": total(rows),
        "due": standing(loan, billed, on),
        "line": line_pages.of(loan, installments, rows, on) if loan.revolving else None,
        "may": {act.kind for act in open_acts if act.of == "line"},
        "movements": moved[:MOVEMENTS],
        "earlier": len(moved) > MOVEMENTS,
        "figures": line_pages.balance(loan, on) if loan.revolving else balance(loan, installments, on),
        "timeline": timeline.of_loan(loan),
        "judged": class_standing.of(loan, request.user),
        "may_repay": request.user.has_perm(RECORD_REPAYMENT) and loan.status == Loan.Status.OPEN,
        "may_quote": request.user.has_perm(QUOTE_PAYOFF) and loan.status == Loan.Status.OPEN,
        "may_act": bool(open_acts),
        "may_recover": any(act.kind == Transaction.Kind.RECOVERY for act in open_acts),
        "waiting": act_words.waiting(loan, request.user),
        "lent": loan.principal - loan.undrawn + loan.capitalised,
        "may_refund": request.user.has_perm(REQUEST_REFUND),
        "account": VirtualAccount.objects.filter(loan=loan).first(),
        "order": [PARTS[part] for part in loan.allocation_order],
    }
    return htmx.render(request, "credit/loan.html", "credit/loan.html", context)


def schedule(loan: Loan, installments: list[Installment], on: date) -> list[dict[str, Any]]:
    """Return the instalments as `parts/_schedule.html` shows them, penalty as of `on`."""
    rows = []
    for each in installments:
        penalty = repayments.penalty_on(loan, each, on)
        if not each.payment and not penalty and each.seq > 1 and not each.principal_paid:
            continue  # a new schedule left it without anything: its number stays with what was posted to it
        due = each.payment + penalty
        paid = each.principal_paid + each.interest_paid + each.fee_paid + each.penalty_paid
        state, tone, label = state_of(each, paid, on)
        rows.append(
            {
                "number": each.seq,
                "due_on": each.due_on,
                "principal": each.principal,
                "interest": each.interest,
                "fee": each.fee,
                "penalty": penalty,
                "due": due,
                "paid": paid,
                "left": due - paid,
                "state": state,
                "state_label": label,
                "tone": tone,
                "late": state == "late",
            }
        )
    return rows


def state_of(each: Installment, paid: Decimal, on: date) -> tuple[str, str, str]:
    """Return the state of an instalment on a day: name, tone, words."""
    if each.status == Installment.Status.PAID:
        return "paid", "good", _("Paid")
    if each.status in Installment.GONE:
        return str(each.status), "neutral", str(each.get_status_display())
    days = (on - each.due_on).days
    if days > 0:
        return "late", "warn", ngettext("%(n)s day late", "%(n)s days late", days) % {"n": days}
    if days == 0:
        return "due", "caution", _("Due today")
    if paid:
        return "partial", "caution", _("Part-paid")
    return "future", "neutral", _("To come")


def total(rows: list[dict[str, Any]]) -> dict[str, Decimal]:
    names = ("principal", "interest", "fee", "penalty", "due", "paid", "left")
    return {name: sum((row[name] for row in rows), ZERO) for name in names}


def standing(loan: Loan, installments: list[Installment], on: date) -> dict[str, Any]:
    """Return what is due now, what is overdue of it, and what comes next."""
    unpaid = [each for each in installments if each.status not in (Installment.Status.PAID, *Installment.GONE)]
    late = [each for each in unpaid if each.due_on < on]
    now_due = [each for each in unpaid if each.due_on <= on]
    nearest = next((each for each in unpaid if each.due_on >= on), None)

    def owed(each: Installment) -> Decimal:
        return each.owed + repayments.penalty_on(loan, each, on) - each.penalty_paid

    return {
        "now": sum(map(owed, now_due), ZERO),
        "overdue": sum(map(owed, late), ZERO),
        "late": len(late),
        "next": nearest,
        "next_amount": owed(nearest) if nearest else None,
        "days": (on - late[0].due_on).days if late else 0,
    }


def movements(loan: Loan, installments: list[Installment], *, may_reverse: bool = False) -> list[dict[str, Any]]:
    """Return the newest movements of money, each with its postings; one more than a page shows where there are more."""
    # A label is looked up once and not for every row: the page is read all day.
    kinds, accounts = ({value: str(label) for value, label in each.choices} for each in (Transaction.Kind, Posting.Account))
    channels = {value: str(label) for value, label in Transaction.Channel.choices}
    words = {part: str(label) for part, label in PARTS.items()}
    numbers = {each.pk: each.seq for each in installments}
    rows = list(loan.transactions.select_related("actor", "reverses", "reversal", "share__payment").order_by("-pk")[: MOVEMENTS + 1])
    by_movement: dict[int, list[Posting]] = defaultdict(list)
    for posting in Posting.objects.filter(transaction__in=[row.pk for row in rows]).order_by("pk"):
        by_movement[posting.transaction_id].append(posting)
    found = []
    for row in rows:
        postings = by_movement[row.pk]
        # The oldest row read is the first payout, or older than every payout read: each other payout is a later part.
        later_part = row.kind == Transaction.Kind.DISBURSEMENT and row is not rows[-1]
        parts: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for posting in postings:
            parts[posting.account] -= posting.amount
        seqs = sorted({numbers[p.installment_id] for p in postings if p.installment_id in numbers})
        found.append(
            {
                "movement": row,
                "kind": kinds[row.kind],
                "channel": channels.get(row.channel, ""),
                "sign": SIGNS.get(row.kind, ""),
                "reversed": hasattr(row, "reversal"),
                "reverses": row.reverses.public_id if row.reverses else "",
                "may_reverse": may_reverse
                and (row.kind in REVERSIBLE or later_part)
                and not hasattr(row, "reversal")
                and not hasattr(row, "share"),
                "told": act_words.told(row.details),
                "payment": row.share.payment.public_id if hasattr(row, "share") else "",
                "parts": [(words[part], parts[part]) for part in PARTS if parts[part] > 0],
                "held": parts[Posting.Account.OVERPAYMENT],
                "numbers": ", ".join(map(numbered, seqs)),
                "postings": [
                    {
                        "posting": p,
                        "account": accounts[p.account],
                        "number": numbered(numbers.get(p.installment_id or 0)),
                        "credit": -p.amount,
                    }
                    for p in postings
                ],
            }
        )
    return found


def numbered(seq: int | None) -> str:
    """Return how people call an instalment: by its number, or as what no statement of a line has billed yet."""
    return _("not billed") if seq == REST else "" if seq is None else str(seq)


def balance(loan: Loan, installments: list[Installment], on: date) -> dict[str, Any]:
    """Return the curve of the principal, as agreed and as it went, for the chart card."""
    days = [loan.starts_on, *(each.due_on for each in installments)]
    lent = loan.principal - loan.undrawn + loan.capitalised
    left, agreed = lent, [lent]
    for each in installments:
        left -= each.principal
        agreed.append(left)
    moved: dict[date, Decimal] = defaultdict(lambda: ZERO)
    posted = Posting.objects.filter(transaction__loan=loan, account=Posting.Account.PRINCIPAL)
    for day, amount in posted.values_list("transaction__value_on", "amount"):
        moved[day] += amount
    went = [
        float(sum((amount for when, amount in moved.items() if when <= day), ZERO)) if day <= on else None  # pixels
        for day in days
    ]
    title = _("%(left)s of %(principal)s is left") % {"left": spoken(loan.principal_outstanding), "principal": spoken(lent)}
    return {
        "v": 1,
        "kind": "line",
        "title": title,
        "caption": _("principal at each due date, as agreed and as it went"),
        "as_of": on.isoformat(),
        "complete": True,
        "note": "",
        "x": {"label": _("Due date"), "type": "category", "values": [day.isoformat() for day in days]},
        "y": {"label": _("Principal"), "unit": "money"},
        "series": [
            {"key": "went", "name": _("As it went"), "role": "main", "values": went},
            {"key": "agreed", "name": _("As agreed"), "role": "compare", "values": [float(amount) for amount in agreed]},  # pixels
        ],
        "marks": [],
        "events": [],
        "table": "",
    }


@needs(VIEW_LOAN)
@require_GET
def loan_balance(request: Asked, public_id: str) -> HttpResponse:
    """Give the figures of the balance curve."""
    loan = one(request, public_id)
    on = value_day(loan.legal_entity, now())
    figures = line_pages.balance(loan, on) if loan.revolving else balance(loan, list(loan.installments.order_by("seq")), on)
    return JsonResponse(figures, headers={"Cache-Control": "no-store"})


@needs(RECORD_REPAYMENT)
def loan_repay(request: Asked, public_id: str) -> HttpResponse:
    """Record money received; before it is sent the page says what it will do."""
    loan = one(request, public_id)
    here = reverse("loan", args=[public_id])
    if loan.status != Loan.Status.OPEN:
        raise repayments.closed(loan)
    on = value_day(loan.legal_entity, now())
    installments = [each for each in loan.installments.order_by("seq") if each.seq != REST]
    due = standing(loan, installments, on)
    if request.method == "GET" and htmx.wants_part(request):
        told = preview(loan, request.GET.get("amount", ""), day_of(loan, request.GET.get("received_on", "")))
        return htmx.part(request, "credit/_repay_preview.html", {"loan": loan} | told)
    # What falls due after the period that runs is not suggested: money that comes for it now would be held.
    runs = due["next"] is not None and due["next"].from_on <= on
    suggested = due["now"] or (due["next_amount"] if runs else ZERO)
    first = {"amount": suggested or None, "received_on": localdate(), "channel": Transaction.Channel.CASH}
    form = CounterForm(request.POST if request.method == "POST" else None, initial=first)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                key = f"form:{data['form_key']}" if data["form_key"] else f"form:{now().isoformat()}"
                repayments.receive(
                    loan,
                    amount=data["amount"],
                    actor=request.user,
                    at=now(),
                    key=key,
                    channel=data["channel"],
                    reference=data["reference"],
                    received_on=data["received_on"],
                )
                sent.result(here)
                messages.success(request, _("%(amount)s is recorded.") % {"amount": spoken(data["amount"])})
        if not form.errors:
            return htmx.go(request, sent.location)
    typed = request.POST.get("amount", "") if request.method == "POST" else str(suggested)
    told = preview(loan, typed, day_of(loan, request.POST.get("received_on", "")))
    context = {"loan": loan, "customer": borrower(loan, request.user), "due": due, "on": on, "back": here} | told
    return form.page(request, "credit/repay.html", context)


def day_of(loan: Loan, text: str) -> date:
    """Return the day for which money would count that came on the day `text` says, the open one where it cannot."""
    try:
        received_on = parse_date(text)
    except ValueError:
        received_on = None
    try:
        return repayments.counts_for(loan, received_on, at=now())
    except DomainError:  # the form says it at its field
        return value_day(loan.legal_entity, now())


def preview(loan: Loan, text: str, on: date) -> dict[str, Any]:
    """Return what receiving an amount would do: which instalments it pays, what it leaves, what is held for refund."""
    try:
        amount = money.parse(text)
    except ValueError:
        amount = ZERO
    if amount <= 0:
        return {"hint": True}
    as_of = max(on, loan.closed_on)
    try:
        seen = played.preview(loan, kind=Transaction.Kind.REPAYMENT, amount=amount, on=on, details={}, as_of=as_of)
    except DomainError as error:
        return {"refused": error.message}
    split = seen.after.splits["new"]
    by_row: dict[int, dict[str, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
    for line in split.lines:
        by_row[line.installment][line.part] += line.amount
    rows: list[dict[str, Any]] = [
        {
            "number": numbered(row.seq),
            "due_on": row.due_on,
            **{part: by_row[row.seq][part] for part in PARTS},
            "open": row.outstanding,
        }
        for row in seen.after.installments
        if row.seq in by_row
    ]
    days = [state.delinquency.regulatory_days for state in (seen.before, seen.after)]
    return {
        "amount": amount,
        "lines": rows,
        "held": split.overpayment,
        "still_due": sum((row.outstanding for row in seen.after.installments if row.due_on <= on), ZERO),
        "settles": seen.after.status == "settled",
        "dpd_now": days[0],
        "dpd_after": days[1],
        "bucket_now": bucket_name(bucket(days[0])),
        "bucket_after": bucket_name(bucket(days[1])),
        "changes": differences.told(loan, seen) if on < value_day(loan.legal_entity, now()) else [],
        "on_day": on,
        "as_of": as_of,
    }
