"""Classification as people see it: month-end batches, overrides, and who answers for them."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from credit import class_batches, class_marks
from credit.class_forms import ClassMarkForm
from credit.models import ClassBatch, ClassMark, LoanSnapshot, RiskClass
from credit.money_forms import DecideForm
from credit.permissions import APPROVE_CLASS, CLASSIFY_LOAN, DECIDE_CLASS, VIEW_CLASS
from credit.views import Asked, borrower
from credit.views.closing import entity_of
from credit.views.loans import one
from crm.lib import htmx, pages
from crm.lib.errors import Invalid
from crm.lib.permissions import needs
from governance import idempotency, uses

SHOWN = 100
TABS = ("waiting", "approved", "refused")


@needs(VIEW_CLASS)
@require_GET
def batch_list(request: Asked) -> HttpResponse:
    """List the months, the latest first."""
    rows = ClassBatch.objects.filter(legal_entity=entity_of(request)).select_related("checked_by", "decided_by", "approved_by")
    page = pages.read(request, rows, sorts={"month": "month"}, default_sort="-month")
    return htmx.render(request, "credit/classes/batches.html", "credit/classes/_batches.html", {"page": page, "tab": "class-batch-list"})


def batch_of(request: Asked, public_id: str) -> ClassBatch:
    rows = ClassBatch.objects.filter(legal_entity=entity_of(request), public_id=public_id)
    found = rows.select_related("legal_entity", "checked_by", "decided_by", "approved_by").first()
    if found is None:
        raise Http404
    return found


@needs(VIEW_CLASS)
@require_GET
def batch_page(request: Asked, public_id: str) -> HttpResponse:
    """Show a month's classes with their sums, the gravest loans, and who stood for it."""
    batch = batch_of(request, public_id)
    labels: dict[int, Any] = dict(RiskClass.choices)
    chosen = request.GET.get("class", "")
    gravest = LoanSnapshot.objects.visible_to(request.user).filter(month=batch.month, legal_entity=batch.legal_entity_id)
    gravest = gravest.filter(risk_class=int(chosen)) if chosen in "12345" and chosen else gravest.filter(risk_class__gt=1)
    lines = class_batches.figures(batch)
    people = {each.pk for each in (batch.checked_by, batch.decided_by) if each}
    door = DOORS.get(batch.status)
    may = door is not None and request.user.has_perm(door[0]) and request.user.pk not in people
    context = {
        "batch": batch,
        "lines": [{**line, "label": labels[line["risk_class"]]} for line in lines],
        "total": {name: sum(line[name] for line in lines) for name in ("loans", "balance", "loss")},
        "gravest": [
            {"row": row, "label": labels[row.risk_class]}
            for row in gravest.select_related("loan").order_by("-risk_class", "-principal_outstanding", "loan_id")[:SHOWN]
        ],
        "chosen": labels.get(int(chosen)) if chosen in "12345" and chosen else "",
        "shown": SHOWN,
        "step": reverse(door[1], args=[batch.public_id]) if may and door else "",
        "step_label": door[2]() if may and door else "",
        "back_too": may and batch.status != ClassBatch.Status.MADE,
    }
    return htmx.render(request, "credit/classes/batch.html", "credit/classes/batch.html", context)


# where a batch stands → who takes it on, by which address, under which words
DOORS: dict[str, tuple[str, str, Callable[[], str]]] = {
    ClassBatch.Status.MADE: (CLASSIFY_LOAN, "class-batch-check", lambda: _("I have checked it")),
    ClassBatch.Status.INITIAL: (DECIDE_CLASS, "class-batch-decide", lambda: _("Decide")),
    ClassBatch.Status.DECIDED: (APPROVE_CLASS, "class-batch-approve", lambda: _("Approve")),
}


@needs(CLASSIFY_LOAN)
@require_POST
def batch_check(request: Asked, public_id: str) -> HttpResponse:
    return _batch_step(request, public_id, class_batches.check)


@needs(DECIDE_CLASS)
@require_POST
def batch_decide(request: Asked, public_id: str) -> HttpResponse:
    return _batch_step(request, public_id, class_batches.decide)


@needs(APPROVE_CLASS)
@require_POST
def batch_approve(request: Asked, public_id: str) -> HttpResponse:
    return _batch_step(request, public_id, class_batches.approve)


def _batch_step(request: Asked, public_id: str, door: Callable[..., ClassBatch]) -> HttpResponse:
    """Take a batch a step on, or send it back to be checked anew."""
    batch, form = batch_of(request, public_id), read(request)
    back = form.cleaned_data["decision"] != "approve"
    done = (class_batches.send_back if back else door)(batch, actor=request.user, at=now(), version=form.cleaned_data["version"])
    messages.success(request, _("%(record)s is now “%(status)s”.") % {"record": done, "status": done.get_status_display()})
    return htmx.go(request, reverse("class-batch", args=[public_id]))


def read(request: Asked) -> DecideForm:
    form = DecideForm(request.POST)
    if not form.is_valid():
        raise Invalid(_("This form could not be read. Load the page again and send it once more."))
    return form


# --- overrides -----------------------------------------------------------------------------------------------------
@needs(VIEW_CLASS)
@require_GET
def mark_list(request: Asked) -> HttpResponse:
    """Report the overrides: from which class to which, why, and who stood for each."""
    tab = request.GET.get("status", TABS[0])
    tab = tab if tab in TABS else TABS[0]
    rows = ClassMark.objects.visible_to(request.user)
    narrowed = {"waiting": rows.waiting(), "approved": rows.filter(status="approved"), "refused": rows.filter(status="refused")}
    found = narrowed[tab].for_list().select_related("made_by", "decided_by", "approved_by")
    page = pages.read(request, found, sorts={"made": "made_at"}, default_sort="made" if tab == "waiting" else "-made")
    words = {"waiting": _("Waiting"), "approved": _("Approved"), "refused": _("Refused")}
    counts = pages.count_labels([narrowed[key] for key in TABS])
    for row in uses.bind_of(page.rows, "loan__customer", "servicing", actor=request.user, at=now()):
        row.step = _step_for(row, request.user)
    context = {
        "page": page,
        "tab": tab,
        "tabs": [
            {"url": f"?status={key}", "label": words[key], "count": count, "current": key == tab}
            for key, count in zip(TABS, counts, strict=True)
        ],
    }
    return htmx.render(request, "credit/classes/marks.html", "credit/classes/_marks.html", context)


def _step_for(row: ClassMark, user: Any) -> str:
    """Return the address by which `user` takes an override on, "" when somebody else has to."""
    if row.status == ClassMark.Status.INITIAL and user.has_perm(DECIDE_CLASS) and user.pk != row.made_by_id:
        return reverse("class-mark-decide", args=[row.public_id])
    if row.status == ClassMark.Status.DECIDED and user.has_perm(APPROVE_CLASS) and user.pk not in (row.made_by_id, row.decided_by_id):
        return reverse("class-mark-approve", args=[row.public_id])
    return ""


@needs(CLASSIFY_LOAN)
def mark_new(request: Asked, public_id: str) -> HttpResponse:
    """Say that a loan is worse than the rule found."""
    loan = one(request, public_id)
    form = ClassMarkForm(request.POST if request.method == "POST" else None, above=loan.risk_class)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                made = class_marks.propose(
                    loan, risk_class=data["risk_class"], reason=data["reason"], note=data["note"], until_on=data["until_on"],
                    actor=request.user, at=now(),
                )  # fmt: skip
                sent.result(reverse("loan", args=[public_id]))
                messages.success(request, _("Override %(mark)s waits for a decision.") % {"mark": made})
        if not form.errors:
            return htmx.go(request, sent.location)
    context = {
        "loan": loan,
        "customer": borrower(loan, request.user),
        "back": reverse("loan", args=[public_id]),
        "now_class": RiskClass(loan.risk_class).label,
    }
    return form.page(request, "credit/classes/mark_form.html", context)


@needs(DECIDE_CLASS)
@require_POST
def mark_decide(request: Asked, public_id: str) -> HttpResponse:
    return _mark_step(request, public_id, class_marks.decide)


@needs(APPROVE_CLASS)
@require_POST
def mark_approve(request: Asked, public_id: str) -> HttpResponse:
    return _mark_step(request, public_id, class_marks.approve)


def _mark_step(request: Asked, public_id: str, door: Callable[..., ClassMark]) -> HttpResponse:
    """Take an override a step on, or refuse it."""
    mark: ClassMark = ClassMark.objects.for_list().get_for(request.user, public_id)
    form = read(request)
    refused = form.cleaned_data["decision"] != "approve"
    done = (class_marks.refuse if refused else door)(mark, actor=request.user, at=now(), version=form.cleaned_data["version"])
    messages.success(request, _("%(record)s is now “%(status)s”.") % {"record": done, "status": done.get_status_display()})
    return htmx.go(request, reverse("class-mark-list"))
