"""Pages of access reviews: the campaigns, one with its grants, the answers, the result as a file."""

import csv
import io

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from crm.lib import htmx, pages
from crm.lib.forms import DateInput, Form
from crm.lib.permissions import needs
from governance import access_reviews, idempotency, permissions, table_files
from governance.asked import Asked
from governance.models import AccessReview, ReviewedGrant, Role, Team
from governance.team_views import Place
from ledger import log


class StartForm(Form):
    """Whose grants, until when."""

    title = forms.CharField(label=_("Title"), max_length=100, help_text=_("Such as “Collections, fourth quarter”."))
    team = Place(Team.objects.filter(is_active=True).order_by("path"), label=_("Team"), required=False, empty_label=_("Every team"))
    role = forms.ModelChoiceField(Role.objects.order_by("pk"), label=_("Role"), required=False, empty_label=_("Every role"))
    due_on = forms.DateField(label=_("Due"), widget=DateInput)


class GrantAnswerForm(Form):
    """Confirm or revoke."""

    verdict = forms.ChoiceField(choices=ReviewedGrant.Verdict.choices, widget=forms.HiddenInput)
    words = forms.CharField(label=_("Why"), required=False, max_length=500)


@needs(permissions.VIEW_REVIEW)
@require_GET
def access_review_list(request: Asked) -> HttpResponse:
    """List the campaigns with their progress."""
    page = pages.read(request, access_reviews.visible_to(request.user), sorts={"due": "due_on", "started": "id"}, default_sort="-started")
    today = localdate(now())
    for row in page.rows:
        row.late = row.status == AccessReview.Status.OPEN and row.due_on < today
    context = {"page": page, "may_start": request.user.has_perm(permissions.START_REVIEW)}
    return htmx.render(request, "governance/access_review_list.html", "governance/_access_review_rows.html", context)


@needs(permissions.START_REVIEW)
def access_review_new(request: Asked) -> HttpResponse:
    """Start a campaign."""
    form, at = StartForm(request.POST or None), now()
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=at) as sent:
            if not sent.again:
                values = {name: data[name] for name in ("title", "team", "role", "due_on")}
                made = access_reviews.start(actor=request.user, at=at, **values)
                messages.success(request, _("The review is under way; its reviewers are told."))
                sent.result(reverse("access-review", args=[made.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(request, "governance/access_review_form.html", {})


def named(request: Asked, public_id: str) -> AccessReview:
    found: AccessReview = get_object_or_404(access_reviews.visible_to(request.user), public_id=public_id.replace("\0", ""))
    return found


@needs(permissions.VIEW_REVIEW)
@require_GET
def access_review(request: Asked, public_id: str) -> HttpResponse:
    """Show one campaign: its grants, those that wait first."""
    review = named(request, public_id)
    rows = access_reviews.reached(request.user, review.grants.select_related("user", "role", "team", "decided_by"))
    mine = access_reviews.waiting_for(request.user).filter(review=review)
    may_answer = request.user.has_perm(permissions.REVIEW_ACCESS)
    waiting = request.GET.get("tab", "waiting") == "waiting"
    page = pages.read(
        request,
        (rows.filter(pk__in=mine.values("pk")) if may_answer else rows.filter(verdict="")) if waiting else rows.exclude(verdict=""),
        sorts={"person": "id"},
        default_sort="person",
    )
    context = {
        "review": review,
        "page": page,
        "waiting": waiting,
        "late": review.status == AccessReview.Status.OPEN and review.due_on < localdate(now()),
        "may_answer": may_answer,
        "may_export": request.user.has_perm(permissions.START_REVIEW),
    }
    return htmx.render(request, "governance/access_review.html", "governance/_access_review_grants.html", context)


@needs(permissions.REVIEW_ACCESS)
@require_POST
def access_review_answer(request: Asked, public_id: str, pk: int) -> HttpResponse:
    """Answer one grant."""
    review, form = named(request, public_id), GrantAnswerForm(request.POST)
    grant = get_object_or_404(review.grants, pk=pk)
    if not form.is_valid():
        raise Http404
    access_reviews.answer(grant, verdict=form.cleaned_data["verdict"], words=form.cleaned_data["words"], actor=request.user, at=now())
    revoked = form.cleaned_data["verdict"] == ReviewedGrant.Verdict.REVOKED
    messages.success(request, _("The role is taken away.") if revoked else _("Confirmed."))
    return htmx.go(request, reverse("access-review", args=[review.public_id]))


@needs(permissions.START_REVIEW)
@require_GET
def access_review_file(request: Asked, public_id: str) -> HttpResponse:
    """Give the result as a file."""
    review, out = named(request, public_id), io.StringIO(newline="")
    number = 0
    for row in access_reviews.table(review):
        csv.writer(out).writerow([table_files.safe(cell) for cell in row])
        number += 1
    log.record("governance.access_review.exported", review, actor=request.user, at=now(), rows=number - 1)
    headers = {"Content-Disposition": f'attachment; filename="{review.public_id}.csv"', "Cache-Control": "no-store"}
    return HttpResponse("\ufeff" + out.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)
