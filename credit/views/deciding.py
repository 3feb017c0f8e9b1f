"""A person's decision on a referred application: the queue, approve, decline."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from credit import applications, clocks, offers, papers, timeline, underwriting
from credit.books import local_day
from credit.decision_forms import ApproveForm, AskForm, CounterAnswerForm, CounterForm, ProposalForm
from credit.forms import DeclineForm
from credit.models import Application, CounterOffer, PaperRequest, Proposal
from credit.permissions import ACCEPT_OFFER, DECIDE_APPLICATION
from credit.views import Asked
from credit.words import Reasons
from crm.lib import htmx, money, pages
from crm.lib.errors import DomainError
from crm.lib.forms import Form
from crm.lib.permissions import needs
from crm.lib.templatetags.crm import spoken
from governance import idempotency, uses
from governance.lifecycle import IllegalMove, MovedMeanwhile

WHY = 2  # reasons a row of the queue shows


TABS = ("referred", "proposed", "waiting", "countered")
FORMS = {"approve": ApproveForm, "counter": CounterForm, "ask": AskForm}


def one(request: Asked, public_id: str) -> Application:
    """Return the application a URL names with what its page shows."""
    rows = Application.objects.for_page().select_related("legal_entity", "entered_by", "decided_by")
    return rows.get_for(request.user, public_id)


@needs(DECIDE_APPLICATION)
@require_GET
def review_queue(request: Asked) -> HttpResponse:
    """List what waits for a person, the oldest first; beside it what waits for a second one, for papers, for the applicant."""
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else TABS[0]
    seen = Application.objects.visible_to(request.user)
    rows = seen.filter(status=tab).for_list(reasons=True).select_related("entered_by")
    page = pages.read(request, rows, sorts={"age": "submitted_at"}, default_sort="age")
    uses.bind_of(page.rows, "customer", "underwriting", actor=request.user, at=now())
    reasons = Reasons(page.rows)
    allowed = clocks.review_time(localdate())
    beside = _beside(tab, page.rows)
    counts = pages.count_labels([seen.filter(status=name) for name in TABS])
    context = {
        "page": page,
        "tab": tab,
        "tabs": [
            {
                "url": f"?tab={name}" if name != TABS[0] else reverse("review-queue"),
                "label": dict(Application.Status.choices)[name],
                "count": count,
                "current": name == tab,
            }
            for name, count in zip(TABS, counts, strict=True)
        ],
        "items": [
            {
                "application": row,
                "why": reasons.sentences(row)[:WHY],
                "own": row.entered_by_id == request.user.pk,
                "over": over(request.user, row),
                "due": clocks.due_at(row, allowed),
                "since": row.submitted_at,
                "beside": beside.get(row.pk),
            }
            for row in page.rows
        ],
        "authority": request.user.authority,
    }
    context["first"] = next((item["application"] for item in context["items"] if not item["own"]), None) if tab == TABS[0] else None
    return htmx.render(request, "credit/review.html", "credit/_review_rows.html", context)


def _beside(tab: str, rows: list[Application]) -> dict[int, Any]:
    """Return what stands beside each row of a tab: the papers asked for, the proposal, the counter-offer; one query."""
    if tab == "waiting":
        found: Any = PaperRequest.objects.filter(application__in=rows, status="open").prefetch_related("papers")
    elif tab == "proposed":
        found = Proposal.objects.filter(application__in=rows, status="open").select_related("made_by")
    elif tab == "countered":
        found = CounterOffer.objects.filter(application__in=rows, status="open")
    else:
        return {}
    return {row.application_id: row for row in found.defer(*SEALED[tab])}


# sealed words that no row shows
SEALED = {"waiting": ("words",), "proposed": ("note", "answer", "condition_words"), "countered": ("condition_words",)}


def waiting(user: Any) -> Any:
    """Return the referred applications that `user` may see."""
    return Application.objects.visible_to(user).referred()


def over(user: Any, application: Application) -> bool:
    """Return whether even the smallest amount of the product is above what `user` may approve."""
    return user.authority is None or application.product.amount_min > user.authority


def place(user: Any, application: Application) -> dict[str, Any]:
    """Return where a referred application stands in the queue, with its neighbours."""
    rows = waiting(user)
    at, pk = application.submitted_at, application.pk
    earlier = rows.filter(Q(submitted_at__lt=at) | Q(submitted_at=at, pk__lt=pk))
    later = rows.filter(Q(submitted_at__gt=at) | Q(submitted_at=at, pk__gt=pk))
    before, _more = pages.capped(earlier)
    after = pages.capped(later)[0]
    ahead = later.order_by("submitted_at", "pk").values_list("public_id", flat=True).first()
    behind = earlier.order_by("-submitted_at", "-pk").values_list("public_id", flat=True).first()
    return {"number": before + 1, "of": before + after + 1, "next": ahead, "previous": behind}


def context_of(request: Asked, application: Application, reasons: Reasons, bound: Form | None = None) -> dict[str, Any]:
    """Return what the decision card needs: its forms, the bounds, and why it may be closed to this person."""
    user = request.user
    context: dict[str, Any] = {
        "decides": user.has_perm(DECIDE_APPLICATION),
        "authority": user.authority,
        "own": application.entered_by_id == user.pk,
    }
    if application.status == Application.Status.PROPOSED:
        context["proposal_form"] = bound if isinstance(bound, ProposalForm) else ProposalForm()
    if application.status == Application.Status.COUNTERED:
        context["counter_answer_form"] = bound if isinstance(bound, CounterAnswerForm) else CounterAnswerForm()
        context["may_answer"] = user.has_perm(ACCEPT_OFFER)
        context["link_key"] = uuid4()
    if application.status != Application.Status.REFERRED or not context["decides"]:
        return context
    limit = applications.limit_of(application)
    begin = {"amount": limit, "term": application.term, "version": application.version}
    until = {"due_on": papers.usual_day(application, at=now()), "version": application.version, "kinds": []}
    opened = next((name for name, kind in FORMS.items() if isinstance(bound, kind)), "approve")
    return context | {
        "place": place(user, application),
        "limit": limit,
        "rate": applications.rate_of(application),
        "over": over(user, application),
        "above": user.authority is None or limit > user.authority,
        "approve_form": bound if isinstance(bound, ApproveForm) else ApproveForm(initial=begin),
        "counter_form": bound if isinstance(bound, CounterForm) else CounterForm(initial=begin),
        "ask_form": bound if isinstance(bound, AskForm) else AskForm(initial=until),
        "decline_form": bound
        if isinstance(bound, DeclineForm)
        else DeclineForm(reasons=reasons.choices(application), initial={"version": application.version, "reason_codes": []}),
        "opened": "decline" if isinstance(bound, DeclineForm) else opened,
    }


@needs(DECIDE_APPLICATION)
@require_GET
def terms_preview(request: Asked, public_id: str) -> HttpResponse:
    """Say what an approval for this amount and term would mean, before anybody presses the button."""
    application = one(request, public_id)
    context: dict[str, Any] = {"application": application}
    try:
        prefix = "counter" if "counter-amount" in request.GET else "approve"
        amount = money.parse(request.GET.get(f"{prefix}-amount", ""))
        term = _term(request.GET.get(f"{prefix}-term", ""))
        applications.checked_request(application.product, amount=amount, term=term, purpose=application.purpose)
        on = local_day(application.legal_entity, now())
        context["draft"] = offers.draft(application, amount=amount, term=term, annual_rate=applications.rate_of(application), on=on)
        context |= {"amount": amount, "term": term, "installment": Decimal(context["draft"].table["installment"])}
    except ValueError:
        context["hint"] = _("Fill in amount and term to see what it would cost.")
    except DomainError as error:
        context["problems"] = list(error.fields.values()) or [error.message]
    return htmx.part(request, "credit/_terms.html", context)


def _term(text: str) -> int:
    """:raises ValueError: if it is not a whole number of months"""
    if not (text.isascii() and text.isdigit() and 0 < int(text[:5]) <= 360 and len(text) < 5):
        raise ValueError(text)
    return int(text)


@needs(DECIDE_APPLICATION)
@require_POST
def application_approve(request: Asked, public_id: str) -> HttpResponse:
    """Approve for the amount and term typed."""
    application = one(request, public_id)
    form = ApproveForm(request.POST)

    def door(data: dict[str, Any]) -> str:
        if request.POST.get("do") == "propose":
            underwriting.propose(application, kind=Proposal.Kind.APPROVE, actor=request.user, at=now(), **form.terms())
            return _("Proposed: a second person confirms or returns it.")
        underwriting.approve(application, actor=request.user, at=now(), **form.terms())
        return _("%(application)s is approved for %(amount)s.") % {"application": application, "amount": spoken(data["amount"])}

    return decide(request, application, form, door)


@needs(DECIDE_APPLICATION)
@require_POST
def application_decline(request: Asked, public_id: str) -> HttpResponse:
    """Decline for the reasons ticked."""
    application = one(request, public_id)
    form = DeclineForm(request.POST, reasons=Reasons([application]).choices(application))

    def door(data: dict[str, Any]) -> str:
        applications.decline(
            application, reason_codes=data["reason_codes"], note=data["note"], version=data["version"], actor=request.user, at=now()
        )
        return _("%(application)s is declined.") % {"application": application}

    return decide(request, application, form, door)


def decide(request: Asked, application: Application, form: Form, door: Any) -> HttpResponse:
    here = reverse("application", args=[application.public_id])
    if form.is_valid():
        try:
            with idempotency.Once(request.user, form.cleaned_data["form_key"], at=now()) as sent:
                if not sent.again:
                    messages.success(request, door(form.cleaned_data))
                    sent.result(here)
            return htmx.go(request, sent.location or here)
        except (MovedMeanwhile, IllegalMove, applications.NotDecidable, underwriting.CounterLapsed) as error:
            return conflict(request, application, error)
        except (applications.OwnApplication, underwriting.SamePerson):
            raise
        except DomainError as error:
            at_field = {name: text for name, text in error.fields.items() if name in form.fields}
            for name, text in (at_field or {None: error.message}).items():  # type: ignore[dict-item]
                form.add_error(name, str(text))
    from credit.views.applications import context_of as page_context

    application = one(request, application.public_id)  # what a refused door had set on it in memory was rolled back
    if application.status in Application.IN_REVIEW:
        context = page_context(request, application, bound=form)
        return htmx.render(request, "credit/application.html", "credit/_decide.html", context, status=422)
    return conflict(request, application, applications.NotDecidable(_("This application does not wait for a decision any more.")))


def conflict(request: Asked, application: Application, error: DomainError) -> HttpResponse:
    """Answer 409: who did what meanwhile, and the way back to the record."""
    fresh = Application.objects.select_related("decided_by").get(pk=application.pk)
    last = timeline.last_of(fresh)
    context = {
        "title": _("This has changed meanwhile"),
        "message": error.message,
        "last": last,
        "application": fresh,
        "url": reverse("application", args=[fresh.public_id]),
    }
    return htmx.render(request, "credit/conflict.html", "credit/_conflict.html", context, status=409)
