"""Acts on a loan: what may be done to it, each with a page that says what it will change."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from credit import act_words, acts
from credit.act_forms import ActForm
from credit.acts import Act
from credit.books import value_day
from credit.models import Loan, Transaction
from credit.permissions import RECORD_REPAYMENT, VIEW_LOAN
from credit.views import Asked, borrower, differences
from credit.views.loans import one
from crm.lib import htmx
from crm.lib.errors import DomainError, Stale
from crm.lib.forms import Form
from crm.lib.permissions import needs
from governance import idempotency


@needs(VIEW_LOAN)
@require_GET
def loan_acts(request: Asked, public_id: str) -> HttpResponse:
    """List what this person may do to a loan."""
    loan = one(request, public_id)
    rows = [{"act": act, "url": reverse(f"loan-act-{act.kind}", args=[public_id])} for act in acts.open_to(request.user, loan)]
    several = (
        request.user.has_perm(RECORD_REPAYMENT)
        and Loan.objects.visible_to(request.user).open().filter(customer=loan.customer_id).count() > 1
    )
    context = {"loan": loan, "customer": borrower(loan, request.user), "rows": rows, "several": several}
    return htmx.render(request, "credit/acts.html", "credit/acts.html", context)


def page_of(act: Act) -> Callable[..., HttpResponse]:
    """Return the page of one act; who may open it is declared with the act."""

    @needs(act.permission)
    def act_page(request: Asked, public_id: str) -> HttpResponse:
        return answer(request, act, public_id)

    act_page.__doc__ = f"Do “{act.kind}” to a loan, or propose it; before it is sent the page says what it will change."
    return act_page


def answer(request: Asked, act: Act, public_id: str) -> HttpResponse:
    """Show the form with what it will change, or take it in."""
    loan = one(request, public_id)
    here, posted, status = reverse("loan", args=[public_id]), request.method == "POST", 0
    today = value_day(loan.legal_entity, now())
    if not posted and htmx.wants_part(request):
        return htmx.part(request, "credit/_difference.html", seen(loan, act, ActForm(act, loan, request.GET)))
    form = ActForm(act, loan, request.POST if posted else None, initial={"on": today, "version": loan.version})
    if posted and form.is_valid() and form.cleaned_data["version"] not in (None, loan.version):
        # A second send of what was done is told so; else what was typed stays, beside what it would change now.
        sent_before = idempotency.sent_before(request.user, form.cleaned_data["form_key"])
        if sent_before:
            return htmx.go(request, sent_before)
        typed = request.POST.copy()
        typed["version"] = str(loan.version)
        form = ActForm(act, loan, typed)
        form.add_error(None, _("Money moved on this loan meanwhile. Look at what it will change now, and send it again."))
        status = Stale.status
    if posted and not status and form.is_valid():
        data = form.cleaned_data
        with refused(form) as told, form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                key = f"form:{data['form_key']}" if data["form_key"] else f"act:{now().isoformat()}"
                done = acts.do(
                    loan, act, data, on=data["on"], why=data["why"], note=data.get("note", ""), actor=request.user, at=now(), key=key
                )
                sent.result(here)
                messages.success(request, said(done))
        if not form.errors:
            return htmx.go(request, sent.location)
        status = told["status"]
    context = {
        "loan": loan,
        "customer": borrower(loan, request.user),
        "act": act,
        "back": here,
        "two": acts.asks_second(loan, act, request.user),
        "waiting": act_words.waiting(loan, request.user),
    }
    page = form.page(request, "credit/act.html", context | seen(loan, act, form, bound=posted))
    page.status_code = status or page.status_code
    return page


@contextmanager
def refused(form: Form) -> Iterator[dict[str, int]]:
    """Run a door; what it refuses as the loan stands (409) is said in the form, beside what was typed."""
    told = {"status": 0}
    try:
        yield told
    except DomainError as error:
        if error.status != Stale.status:
            raise
        form.add_error(None, error.message)
        told["status"] = error.status


def said(done: Any) -> str:
    """Return what the page says when it is done."""
    if isinstance(done, Transaction):
        return _("Done: %(what)s.") % {"what": done.get_kind_display()}
    return _("Done.") if done.alone else _("It waits for a second person.")


def seen(loan: Loan, act: Act, form: ActForm, *, bound: bool = True) -> dict[str, Any]:
    """Return what an act would change with what stands in the form so far, or what is still missing."""
    if not bound and any(form.fields[name].required for name in act.fields):
        return {"hint": _("Fill in the form to see what changes.")}
    if form.is_bound:
        if any(name in form.errors for name in (*act.fields, "on")):
            return {"hint": _("Fill in the form to see what changes.")}
        data = form.cleaned_data
    else:
        data = {"on": form.initial["on"]}
    try:
        return {"changes": differences.told(loan, acts.preview(loan, act, data, on=data["on"], at=now()))}
    except DomainError as error:
        return {"hint": error.message}
