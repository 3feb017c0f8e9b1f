"""Applications: the list, one application from the sender's side, submit and withdraw."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from credit import applications, dossier, timeline
from credit.forms import WithdrawForm, asked, sent_whole
from credit.lists import APPLICATIONS
from credit.models import Application, Loan, Offer
from credit.permissions import (
    ADD_APPLICATION,
    CLEAR_CONDITION,
    SUBMIT_APPLICATION,
    VERIFY_FACT,
    VIEW_APPLICATION,
    WITHDRAW_APPLICATION,
)
from credit.views import Asked, applicant, deciding
from credit.words import Reasons, fact, word
from crm.lib import htmx, pages
from crm.lib.forms import Form
from crm.lib.permissions import needs
from customers.permissions import ADD_DOCUMENT, CHECK_DOCUMENT
from governance import idempotency, list_pages

Status = Application.Status
TABS = ("", "open", "draft", "referred", "waiting", "offered", "booked", "declined")
WAITS = (1, 2, 5)  # seconds between two looks at a running evaluation
LOOKS_AT_MOST = 60


@needs(VIEW_APPLICATION)
@require_GET
def application_list(request: Asked) -> HttpResponse:
    """List the applications one may see."""
    rows = Application.objects.visible_to(request.user)
    may_add = request.user.has_perm(ADD_APPLICATION)
    context = {
        "page": list_pages.read(request, APPLICATIONS, at=now()),
        "tabs": tabs(request, rows),
        "label": _("Views of the applications"),
        "icon_name": "applications",
        "empty_text": _("No applications yet. Enter the first one, or bring in a file.")
        if may_add
        else _("No applications yet. They appear when somebody enters one."),
        "new_url": reverse("application-new") if may_add else "",
        "new_label": _("New application"),
    }
    return htmx.render(request, "credit/applications.html", "lists/_part.html", context)


def tabs(request: Asked, rows: Any) -> list[dict[str, Any]]:
    """Return the views above the list, each with its capped count."""
    labels = {"": _("All"), "open": _("All open"), **dict(Status.choices)}
    narrow = {"": rows, "open": rows.open()}
    counts = pages.count_labels([narrow[key] if key in narrow else rows.filter(status=key) for key in TABS])
    return [
        {
            "url": f"?status={key}" if key else reverse("application-list"),
            "label": labels[key],
            "count": count,
            "current": request.GET.get("status", "") == key,
        }
        for key, count in zip(TABS, counts, strict=True)
    ]


@needs(VIEW_APPLICATION)
@require_GET
def application_page(request: Asked, public_id: str) -> HttpResponse:
    """Show an application; while it is being judged the page asks again after 1, 2, then every 5 seconds."""
    application = deciding.one(request, public_id)
    if htmx.wants_part(request):
        look = _look(request)
        if is_moving(application) and look < LOOKS_AT_MOST:
            return htmx.part(request, "credit/_evaluating.html", {"application": application} | wait(look + 1))
        context = context_of(request, application)
        context |= {"stalled": context["moving"], "moving": False}
        # 286 is htmx's word for "stop asking".
        return htmx.part(request, "credit/_application_part.html", context, status=286)
    return htmx.render(request, "credit/application.html", "credit/_application_part.html", context_of(request, application))


def is_moving(application: Application) -> bool:
    """Return whether a worker still has something to do that the page waits for."""
    return application.status in (Status.SUBMITTED, Status.EVALUATING, Status.APPROVED)


def wait(look: int) -> dict[str, Any]:
    """Return how often the page looked and how long it waits before it looks again."""
    return {"look": look, "delay": WAITS[min(look, len(WAITS) - 1)]}


def _look(request: Asked) -> int:
    text = request.GET.get("look", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0


def context_of(request: Asked, application: Application, bound: Form | None = None) -> dict[str, Any]:
    """Return what the page of an application shows to this person."""
    user = request.user
    offer = Offer.objects.filter(application=application).order_by("-pk").first()
    loan = Loan.objects.filter(application=application).only("public_id", "status").first()
    reasons = Reasons([application])
    context: dict[str, Any] = {
        "application": application,
        "customer": applicant(application, request.user),
        "offer": offer,
        "loan": loan,
        "moving": is_moving(application),
        "reasons": reasons.sentences(application) if application.reason_codes else [],
        "purpose": word("purpose", application.purpose),
        "stated": stated(application),
        "in_review": application.status in Application.IN_REVIEW,
        "may_verify": application.is_open and user.has_perm(VERIFY_FACT),
        "may_add_paper": application.is_open and user.has_perm(ADD_DOCUMENT),
        "may_check_paper": user.has_perm(CHECK_DOCUMENT),
        "may_clear": user.has_perm(CLEAR_CONDITION) and application.entered_by_id != user.pk,
        "timeline": timeline.of_application(application, offer),
        "may_edit": application.status == Status.DRAFT and user.has_perm(ADD_APPLICATION),
        "may_submit": application.status == Status.DRAFT and user.has_perm(SUBMIT_APPLICATION),
        "may_withdraw": Status.WITHDRAWN in application.MOVES[application.status] and user.has_perm(WITHDRAW_APPLICATION),
        "missing": missing(application) if application.status == Status.DRAFT else [],
        **wait(0),
    }
    if application.status not in (Status.DRAFT, Status.SUBMITTED, Status.EVALUATING):
        context |= dossier.read(application, user=user, at=now())
    if application.status in Application.IN_REVIEW:
        context |= deciding.context_of(request, application, reasons, bound)
    return context


def stated(application: Application) -> list[tuple[str, Any]]:
    """Return what the applicant stated, in words, in the form's order; protected attributes stay out of sight."""
    from credit.forms import CLASSES

    rows = []
    for name in asked():
        value = application.stated.get(name)
        if name in CLASSES and value is not None:
            value = dict(CLASSES[name]).get(value, value)
        elif isinstance(value, bool):
            value = _("Yes") if value else _("No")
        elif value is not None:
            value = word(name, value)
        rows.append((fact(name), value))
    return rows


def missing(application: Application) -> list[str]:
    """Return the names of the facts a draft still lacks."""
    from credit.stated import schema

    return [fact(name) for name in asked() if schema().facts[name].required and application.stated.get(name) is None]


@needs(SUBMIT_APPLICATION)
@require_POST
def application_submit(request: Asked, public_id: str) -> HttpResponse:
    """Hand a draft in."""
    application = deciding.one(request, public_id)
    data = sent_whole(WithdrawForm(request.POST))
    with idempotency.Once(request.user, data["form_key"], at=now()) as sent:
        if not sent.again:
            applications.submit(application, actor=request.user, at=now(), version=data["version"])
            sent.result(reverse("application", args=[public_id]))
    return htmx.go(request, reverse("application", args=[public_id]))


@needs(WITHDRAW_APPLICATION)
def application_withdraw(request: Asked, public_id: str) -> HttpResponse:
    """Ask, then step back for the customer."""
    application = deciding.one(request, public_id)
    here = reverse("application", args=[public_id])
    form = WithdrawForm(request.POST if request.method == "POST" else None, initial={"version": application.version})
    if request.method == "POST":
        data = sent_whole(form)
        with idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                applications.withdraw(application, actor=request.user, at=now(), version=data["version"])
                sent.result(here)
                messages.success(request, _("%(application)s is withdrawn.") % {"application": application})
        return htmx.go(request, here)
    context = {"application": application, "back": here}
    return form.page(request, "credit/withdraw.html", context, part="credit/_withdraw_dialog.html")
