"""Hardship and special care: requests with their form and papers, plans with their consequences, and who approves them."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from collection import hardship as hardships
from collection import permissions, relief_plans
from collection.models import CareFlag, Hardship, HardshipPaper, ReliefPlan
from collection.relief_forms import AnswerForm, BudgetForm, CareForm, HardshipForm, PaperForm, PlanForm
from collection.relief_lists import HARDSHIPS
from collection.views import work
from collection.views.forms_once import done, pressed
from collection.views.work import person
from credit.views import differences
from crm.lib import htmx
from crm.lib.errors import DomainError
from crm.lib.permissions import needs
from governance import files, list_pages, uses
from governance.idempotency import Once

READERS = (permissions.OPEN_RELIEF, permissions.APPROVE_RELIEF)


@needs(permissions.VIEW)
@require_GET
def hardship_list(request: HttpRequest) -> HttpResponse:
    context = {
        "page": list_pages.read(request, HARDSHIPS, at=now()),
        "icon_name": "notes",
        "title": HARDSHIPS.title,
        "empty_text": _("Nobody asked for relief. Requests are opened from a case."),
        "views_label": _("Views of the requests"),
    }
    return htmx.render(request, "collections/matter_list.html", "lists/_part.html", context)


def found(request: HttpRequest, public_id: str) -> Hardship:
    """Return the request of the address, if this person may see it; else 404."""
    rows = Hardship.objects.for_list().select_related("case__legal_entity", "decided_by").prefetch_related("lines")
    row: Hardship = rows.get_for(request.user, public_id)
    uses.bind([row.case.customer], "collections", actor=request.user, at=now())
    return row


@needs(permissions.VIEW)
@require_GET
def hardship(request: HttpRequest, public_id: str) -> HttpResponse:
    return hardship_page(request, found(request, public_id))


def hardship_page(
    request: HttpRequest, row: Hardship, *, form: BudgetForm | None = None, paper_form: PaperForm | None = None
) -> HttpResponse:
    user = person(request)
    may_open = user.has_perm(permissions.OPEN_RELIEF)
    comes_in, goes_out = row.sums()
    context = {
        "hardship": row,
        "may_read": any(user.has_perm(code) for code in READERS),
        "may_edit": row.is_open and may_open,
        "may_plan": row.status == Hardship.Status.ASSESSED and may_open,
        "form": form or BudgetForm(hardship=row),
        "paper_form": paper_form or PaperForm(),
        "comes_in": comes_in,
        "goes_out": goes_out,
        "surplus": comes_in - goes_out,
        "papers": list(row.papers.select_related("added_by").order_by("pk")),
        "plans": list(row.plans.select_related("loan").order_by("pk")),
        "settlements": list(row.settlements.order_by("pk")),
    }
    bad = (form is not None and form.errors) or (paper_form is not None and paper_form.errors)
    return htmx.render(request, "collections/hardship.html", "collections/hardship.html", context, status=422 if bad else 200)


@needs(permissions.OPEN_RELIEF)
@require_http_methods(["GET", "POST"])
def hardship_new(request: HttpRequest, public_id: str) -> HttpResponse:
    row = work.found(request, public_id)
    form = HardshipForm(request.POST or None, case=row)
    context = {"case": row, "title": _("Open a request for relief"), "label": _("Open request")}

    def act(**data: Any) -> tuple[str, str]:
        made = hardships.open_(row, **data, actor=person(request), at=now())
        return reverse("hardship", args=[made.public_id]), _("The request is open. Messages that leave by themselves wait.")

    return done(request, form, act) or form.page(request, "collections/relief_form.html", context)


@needs(permissions.OPEN_RELIEF)
@require_POST
def hardship_form(request: HttpRequest, public_id: str) -> HttpResponse:
    """Keep the form as far as it is filled in; `finish` ends it."""
    row, at = found(request, public_id), now()
    form = BudgetForm(request.POST, hardship=row)
    if form.is_valid():
        with form.refusals():
            hardships.fill_in(row, amounts=form.amounts(), actor=person(request), at=at)
            messages.success(request, _("The form is kept as it is."))
            if "finish" in request.POST:
                hardships.assess(found(request, public_id), actor=person(request), at=at)
                messages.success(request, _("The form is finished: a plan can be proposed."))
        if not form.errors:
            return htmx.go(request, reverse("hardship", args=[row.public_id]))
    return hardship_page(request, found(request, public_id), form=form)


@needs(permissions.OPEN_RELIEF)
@require_POST
def hardship_paper(request: HttpRequest, public_id: str) -> HttpResponse:
    """Take a file that shows the hardship."""
    row = found(request, public_id)
    form = PaperForm(request.POST, request.FILES)
    back = reverse("hardship", args=[row.public_id])
    if form.is_valid():
        content = form.cleaned_data["file"].read(files.LARGEST + 1)
        paper = None
        with form.refusals():
            stored = hardships.keep_file(content)
            try:
                with Once(person(request), form.cleaned_data["form_key"], at=now()) as sent:
                    if not sent.again:
                        paper = hardships.add_paper(row, stored=stored, actor=person(request), at=now())
                        sent.result(back)
                        messages.success(request, _("The paper is kept, sealed."))
            finally:
                if paper is None:
                    files.discard(stored)
        if not form.errors:
            return htmx.go(request, back)
    return hardship_page(request, row, paper_form=form)


@needs(permissions.OPEN_RELIEF)
@require_GET
def hardship_file(request: HttpRequest, public_id: str, paper: str) -> HttpResponse:
    """Hand a paper out as an attachment; who opened it stands in the ledger."""
    row = HardshipPaper.objects.select_related("hardship__case").filter(hardship=found(request, public_id), public_id=paper).first()
    if row is None:
        raise Http404
    content = hardships.opened(row, actor=person(request), at=now())
    return HttpResponse(
        content,
        content_type=row.media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{row.public_id}.{files.EXTENSIONS.get(row.media_type, "bin")}"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "Cache-Control": "no-store",
        },
    )


@needs(permissions.OPEN_RELIEF)
@require_http_methods(["GET", "POST"])
def hardship_answer(request: HttpRequest, public_id: str) -> HttpResponse:
    """End a request without a plan."""
    row = found(request, public_id)
    form, back = AnswerForm(request.POST or None), reverse("hardship", args=[row.public_id])
    context = {"case": row.case, "title": _("Answer without a plan"), "label": _("Save the answer"), "back": back}

    def act(**data: Any) -> tuple[str, str]:
        hardships.answer(row, **data, actor=person(request), at=now())
        return back, _("The request is answered.")

    return done(request, form, act) or form.page(request, "collections/relief_form.html", context)


# --- plans ---------------------------------------------------------------------------------------------------------
@needs(permissions.OPEN_RELIEF)
@require_http_methods(["GET", "POST"])
def plan_new(request: HttpRequest, public_id: str) -> HttpResponse:
    """Propose a plan; what stands in the form so far is shown with its consequences beside it."""
    row = found(request, public_id)
    posted, asked = request.method == "POST", "preview" in request.GET
    told = request.POST if posted else request.GET
    kind = told.get("kind", "")
    kind, url = kind if kind in ReliefPlan.Kind.values else ReliefPlan.Kind.EXTENSION.value, reverse("plan-new", args=[row.public_id])
    form = PlanForm(told if posted or asked else None, case=row.case, kind=kind, url=url, initial={"loan": request.GET.get("loan")})
    if asked:
        return htmx.part(request, "credit/_difference.html", consequences(row, form))
    if posted and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), Once(person(request), data["form_key"], at=now()) as sent:
            if not sent.again:
                made = relief_plans.propose(row, loan=data["loan"], kind=data["kind"], data=form.chosen(), actor=person(request), at=now())
                sent.result(reverse("relief-plan", args=[made.public_id]))
                messages.success(request, _("The plan is proposed. Another person approves it."))
        if not form.errors:
            return htmx.go(request, sent.location)
    context = {
        "hardship": row,
        "surplus": row.surplus,
        **(consequences(row, form) if posted else {"hint": _("Fill in the form to see what changes.")}),
    }
    return form.page(request, "collections/plan_form.html", context)


def consequences(row: Hardship, form: PlanForm) -> dict[str, Any]:
    """Return what the plan in the form would change, or what is still missing."""
    if not form.is_valid():
        return {"hint": _("Fill in the form to see what changes.")}
    data = form.cleaned_data
    try:
        seen = relief_plans.preview(row, loan=data["loan"], kind=data["kind"], data=form.chosen(), at=now())
    except DomainError as error:
        return {"hint": error.message}
    return {"changes": differences.told(data["loan"], seen)}


def found_plan(request: HttpRequest, public_id: str) -> ReliefPlan:
    rows = ReliefPlan.objects.select_related(
        "hardship__case__customer", "hardship__case__legal_entity", "loan", "proposed_by", "approved_by", "change"
    )
    row = None if "\0" in public_id else rows.filter(public_id=public_id).first()
    if row is None:
        raise Http404
    row.hardship = found(request, row.hardship.public_id)
    return row


@needs(permissions.VIEW)
@require_GET
def plan(request: HttpRequest, public_id: str) -> HttpResponse:
    row, user = found_plan(request, public_id), person(request)
    context = {
        "plan": row,
        "may_approve": row.status == ReliefPlan.Status.PROPOSED
        and user.has_perm(permissions.APPROVE_RELIEF)
        and row.proposed_by_id != user.pk,
        "moved": relief_plans.moved(row),
    }
    return htmx.render(request, "collections/plan.html", "collections/plan.html", context)


@needs(permissions.APPROVE_RELIEF)
@require_POST
def plan_decide(request: HttpRequest, public_id: str) -> HttpResponse:
    """Approve or refuse a plan."""
    row = found_plan(request, public_id)
    if pressed(request, "approve", "refuse") == "approve":
        done = relief_plans.approve(row, actor=person(request), at=now())
        waits = done.status == ReliefPlan.Status.APPROVED
        messages.success(request, _("The plan is approved; the loan desk confirms it.") if waits else _("The plan is on the loan."))
    else:
        relief_plans.refuse(row, actor=person(request), at=now())
        messages.success(request, _("The plan is refused."))
    return htmx.go(request, reverse("relief-plan", args=[row.public_id]))


# --- special care --------------------------------------------------------------------------------------------------
@needs(permissions.OPEN_RELIEF)
@require_http_methods(["GET", "POST"])
def care_new(request: HttpRequest, public_id: str) -> HttpResponse:
    row = work.found(request, public_id)
    form = CareForm(request.POST or None)
    context = {"case": row, "title": _("Note special care"), "label": _("Note special care")}

    def act(**data: Any) -> tuple[str, str]:
        hardships.flag_care(row.customer, **data, actor=person(request), at=now())
        return reverse("case", args=[row.public_id]), _("Special care is noted.")

    return done(request, form, act) or form.page(request, "collections/relief_form.html", context)


@needs(permissions.OPEN_RELIEF)
@require_POST
def care_end(request: HttpRequest, public_id: str) -> HttpResponse:
    """End the special care of the customer of a case."""
    row = work.found(request, public_id)
    flag = CareFlag.objects.open().filter(customer=row.customer).select_related("customer").first()
    if flag is not None:
        hardships.end_care(flag, actor=person(request), at=now())
        messages.success(request, _("Special care ended."))
    return htmx.go(request, reverse("case", args=[row.public_id]))
