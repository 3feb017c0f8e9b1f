"""A loan's money seen to its end: payoff quote, reversal of a repayment, refund of what is held."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from credit import movements, papers_pdf, payoffs, refunds, reversals
from credit.books import value_day
from credit.models import Loan, PayoffQuote, Refund, Transaction
from credit.money_forms import DecideForm, PayoffForm, RefundForm, ReversalForm
from credit.permissions import APPROVE_MONEY, QUOTE_PAYOFF, REQUEST_REFUND, REVERSE_REPAYMENT, VIEW_LOAN
from credit.views import Asked, borrower, differences
from credit.views.loans import SIGNS, one
from credit.words import PARTS
from crm.lib import htmx, pages
from crm.lib.errors import DomainError, Invalid
from crm.lib.permissions import needs
from crm.lib.templatetags.crm import spoken
from governance import idempotency, probes, uses

ZERO = Decimal("0.00")
QUOTES = 10
TABS = ("requested", "approved", "confirmed", "failed", "declined")


# --- payoff --------------------------------------------------------------------------------------------------------
@needs(QUOTE_PAYOFF)
def loan_payoff(request: Asked, public_id: str) -> HttpResponse:
    """Say what ends a loan on a day, and put it in writing."""
    loan = one(request, public_id)
    if loan.status != Loan.Status.OPEN:
        raise payoffs.not_open(loan)
    today = value_day(loan.legal_entity, now())
    if request.method == "GET" and htmx.wants_part(request):
        return htmx.part(request, "credit/money/_payoff_figures.html", figures(loan, parse_date_of(request.GET.get("settles_on", ""))))
    form = PayoffForm(request.POST if request.method == "POST" else None, initial={"settles_on": today})
    if request.method == "POST" and form.is_valid():
        with form.refusals(), idempotency.Once(request.user, form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                quote = payoffs.issue(loan, settles_on=form.cleaned_data["settles_on"], actor=request.user, at=now())
                sent.result(reverse("payoff", args=[quote.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    day = parse_date_of(request.POST.get("settles_on", "")) if request.method == "POST" else today
    context = {
        "loan": loan,
        "customer": borrower(loan, request.user),
        "back": reverse("loan", args=[public_id]),
        "quotes": loan.payoff_quotes.order_by("-pk")[:QUOTES],
    }
    return form.page(request, "credit/money/payoff_form.html", context | figures(loan, day))


def parse_date_of(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


def figures(loan: Loan, day: date | None) -> dict[str, Any]:
    """Return what would end the loan on a day, or why that day cannot be."""
    if day is None:
        return {"loan": loan, "hint": _("Choose the day the money will be there.")}
    try:
        payoffs.checked_day(loan, day, at=now())
    except DomainError as error:
        return {"loan": loan, "hint": error.message}
    ending = payoffs.figures(loan, day)
    parts = [(label, ending.part(part)) for part, label in PARTS.items()]
    waived = ending.interest_waived + ending.fee_waived
    return {"loan": loan, "day": day, "parts": parts, "early_fee": ending.early_fee, "sum": ending.total, "waived": waived}


def quote_of(request: Asked, public_id: str) -> PayoffQuote:
    rows = PayoffQuote.objects.for_list().select_related("issued_by", "transaction", "loan__virtual_account", "loan__product")
    found: PayoffQuote = rows.get_for(request.user, public_id)
    return found


@needs(VIEW_LOAN)
@require_GET
def payoff_page(request: Asked, public_id: str) -> HttpResponse:
    """Show a payoff quote: the sum, until when, and how it is paid."""
    quote = quote_of(request, public_id)
    account = getattr(quote.loan, "virtual_account", None)
    context = {
        "quote": quote,
        "loan": quote.loan,
        "customer": borrower(quote.loan, request.user),
        "parts": [(label, getattr(quote, part)) for part, label in PARTS.items()],
        "holds": payoffs.holds(quote, at=now()),
        "account": account,
    }
    return htmx.render(request, "credit/money/payoff.html", "credit/money/payoff.html", context)


@needs(VIEW_LOAN)
@require_GET
def payoff_pdf(request: Asked, public_id: str) -> HttpResponse:
    """Give a payoff quote as a PDF, names masked: it is set anew each time, the row is what counts; who took it is recorded."""
    quote = quote_of(request, public_id)
    quote.loan.customer = borrower(quote.loan, request.user)
    content = papers_pdf.payoff(quote)
    payoffs.taken(quote, actor=request.user, at=now())
    response = HttpResponse(content, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'attachment; filename="{quote.public_id}.pdf"'
    response.headers["Cache-Control"] = "no-store"
    return response


# --- reversal ------------------------------------------------------------------------------------------------------
def movement_of(request: Asked, public_id: str) -> Transaction:
    seen = Loan.objects.visible_to(request.user)
    rows = Transaction.objects.filter(loan__in=seen).select_related("loan__legal_entity", "loan__customer", "loan__product", "actor")
    found = None if "\0" in public_id else rows.filter(public_id=public_id).first()
    if found is None:
        probes.note(Transaction, request.user, public_id, at=now())
        raise Http404
    return found


@needs(REVERSE_REPAYMENT)
def repayment_reverse(request: Asked, public_id: str) -> HttpResponse:
    """Reverse a movement; before it is sent the page says what it will do."""
    movement = movement_of(request, public_id)
    loan = movement.loan
    here = reverse("loan", args=[loan.public_id])
    brought = SIGNS.get(movement.kind) == "in"
    form = ReversalForm(request.POST if request.method == "POST" else None, brought_money=brought)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                key = f"form:{data['form_key']}" if data["form_key"] else f"reverse:{movement.public_id}"
                reversals.reverse(movement, reason=data["reason"], actor=request.user, at=now(), key=key)
                sent.result(here)
                if movement.amount:
                    messages.success(request, _("%(amount)s is reversed.") % {"amount": spoken(movement.amount)})
                else:
                    messages.success(request, _("Reversed: %(what)s.") % {"what": movement.get_kind_display()})
        if not form.errors:
            return htmx.go(request, sent.location)
    reversals.checked(movement)
    context = {
        "movement": movement,
        "loan": loan,
        "customer": borrower(loan, request.user),
        "back": here,
        "is_money": movement.kind == Transaction.Kind.REPAYMENT,
        "changes": differences.told(loan, movements.preview_without(loan, movement)),
    }
    return form.page(request, "credit/money/reverse.html", context)


# --- refund --------------------------------------------------------------------------------------------------------
@needs(REQUEST_REFUND)
def loan_refund(request: Asked, public_id: str) -> HttpResponse:
    """Ask for money held on a loan to be paid back."""
    loan = one(request, public_id)
    here, room = reverse("loan", args=[public_id]), refunds.free(loan)
    form = RefundForm(request.POST if request.method == "POST" else None, initial={"amount": room or None})
    if request.method == "POST" and form.is_valid():
        with form.refusals(), idempotency.Once(request.user, form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                refund = refunds.request(loan, amount=form.cleaned_data["amount"], actor=request.user, at=now())
                sent.result(here)
                text = _("Refund %(refund)s of %(amount)s waits for a second person.")
                messages.success(request, text % {"refund": refund, "amount": spoken(refund.amount)})
        if not form.errors:
            return htmx.go(request, sent.location)
    context = {
        "loan": loan,
        "customer": borrower(loan, request.user),
        "back": here,
        "room": room,
        "refunds": loan.refunds.order_by("-pk")[:QUOTES],
    }
    return form.page(request, "credit/money/refund_form.html", context)


@needs(VIEW_LOAN)
@require_GET
def refund_list(request: Asked) -> HttpResponse:
    """List refunds by where they stand."""
    tab = request.GET.get("status", TABS[0])
    tab = tab if tab in TABS else TABS[0]
    rows = Refund.objects.visible_to(request.user)
    found = rows.filter(status=tab).for_list().select_related("requested_by", "decided_by")
    first = "requested" if tab in TABS[:2] else "-requested"
    page = pages.read(request, found, sorts={"requested": "requested_at", "amount": "amount"}, default_sort=first)
    uses.bind_of(page.rows, "loan__customer", "servicing", actor=request.user, at=now())
    labels: dict[str, Any] = dict(Refund.Status.choices)
    counts = pages.count_labels([rows.filter(status=key) for key in TABS])
    context = {
        "page": page,
        "tab": tab,
        "tabs": [
            {"url": f"?status={key}", "label": labels[key], "count": count, "current": key == tab}
            for key, count in zip(TABS, counts, strict=True)
        ],
        "may_decide": request.user.has_perm(APPROVE_MONEY) and tab == Refund.Status.REQUESTED,
        "decide_form": DecideForm(auto_id=False),
    }
    return htmx.render(request, "credit/money/refunds.html", "credit/money/_refunds.html", context)


@needs(APPROVE_MONEY)
@require_POST
def refund_decide(request: Asked, public_id: str) -> HttpResponse:
    """Approve or decline a refund; approved money leaves by the worker."""
    refund: Refund = Refund.objects.for_list().get_for(request.user, public_id)
    form = DecideForm(request.POST)
    if not form.is_valid():
        raise Invalid(_("This form could not be read. Load the page again and send it once more."))
    door = refunds.approve if form.cleaned_data["decision"] == "approve" else refunds.decline
    done = door(refund, actor=request.user, at=now(), version=form.cleaned_data["version"])
    messages.success(request, _("%(record)s is now “%(status)s”.") % {"record": done, "status": done.get_status_display()})
    return htmx.go(request, reverse("refund-list"))
