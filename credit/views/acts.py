"""Acts on a loan: what may be done to it, each with a page that says what it will change."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from credit import acts
from credit.act_forms import ActForm
from credit.acts import ACTS, Act
from credit.books import value_day
from credit.models import Loan, Transaction
from credit.permissions import VIEW_LOAN
from credit.views import Asked, differences
from credit.views.loans import one
from crm.lib import htmx
from crm.lib.errors import DomainError, NotAllowed, Stale
from crm.lib.permissions import needs
from governance import idempotency


@needs(VIEW_LOAN)
@require_GET
def loan_acts(request: Asked, public_id: str) -> HttpResponse:
    """List what this person may do to a loan."""
    loan = one(request, public_id)
    found = acts.open_to(request.user, loan)
    if not found:
        raise NotAllowed(_("There is nothing you may do to this loan as it stands."))
    rows = [{"act": act, "url": reverse("loan-act", args=[public_id, act.kind])} for act in found]
    return htmx.render(request, "credit/acts.html", "credit/acts.html", {"loan": loan, "customer": loan.customer, "rows": rows})


def act_of(request: Asked, kind: str) -> Act:
    """Return the act of that name.

    :raises NotAllowed: if this person may not do it
    """
    act = ACTS.get(kind)
    if act is None:
        raise Http404
    if not request.user.has_perm(act.permission):
        raise NotAllowed(_("You may not do this to a loan."))
    return act


@needs(VIEW_LOAN)
def loan_act(request: Asked, public_id: str, kind: str) -> HttpResponse:
    """Do an act on a loan, or propose it; before it is sent the page says what it will change."""
    loan, act = one(request, public_id), act_of(request, kind)
    here, posted = reverse("loan", args=[public_id]), request.method == "POST"
    today = value_day(loan.legal_entity, now())
    if not posted and htmx.wants_part(request):
        return htmx.part(request, "credit/_difference.html", seen(loan, act, ActForm(act, loan, request.GET)))
    form = ActForm(act, loan, request.POST if posted else None, initial={"on": today, "version": loan.version})
    if posted and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                if data["version"] not in (None, loan.version):
                    raise Stale(_("Money moved on this loan meanwhile. Look at what it will change now, and send it again."))
                key = f"form:{data['form_key']}" if data["form_key"] else f"act:{now().isoformat()}"
                done = acts.do(
                    loan, act, data, on=data["on"], why=data["why"], note=data["note"], actor=request.user, at=now(), key=key
                )
                sent.result(here)
                messages.success(request, said(done))
        if not form.errors:
            return htmx.go(request, sent.location)
    context = {"loan": loan, "customer": loan.customer, "act": act, "back": here, "two": acts.asks_second(loan, act, request.user)}
    return form.page(request, "credit/act.html", context | seen(loan, act, form, bound=posted))


def said(done: Any) -> str:
    """Return what the page says when it is done."""
    if isinstance(done, Transaction):
        return _("Done: %(what)s.") % {"what": done.get_kind_display()}
    return _("Done.") if done.alone else _("It waits for a second person.")


def seen(loan: Loan, act: Act, form: ActForm, *, bound: bool = True) -> dict[str, Any]:
    """Return what an act would change with what stands in the form so far, or what is still missing."""
    if not bound and any(form.fields[name].required for name in act.fields):
        return {"hint": _("Fill in the form to see what changes.")}
    if bound or form.is_bound:
        form.full_clean()
        data = getattr(form, "cleaned_data", {})
        missing = [name for name in (*act.fields, "on") if name in form.errors]
        if missing:
            return {"hint": _("Fill in the form to see what changes.")}
    else:
        data = {"on": form.initial["on"]}
    try:
        return {"changes": differences.told(loan, acts.preview(loan, act, data, on=data["on"]))}
    except DomainError as error:
        return {"hint": error.message}
