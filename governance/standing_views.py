"""Pages of delegation, of emergency access and of the look through another person's eyes."""

from datetime import datetime, time
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import get_current_timezone, localdate, now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from crm.lib import htmx, pages
from crm.lib.forms import DateInput, Form
from crm.lib.permissions import needs, signed_in
from governance import delegations, glass, idempotency, permissions, preview, rules
from governance.asked import Asked
from governance.models import BreakGlass, Delegation, User


class Person(forms.ModelChoiceField):
    """A colleague by name, role and team."""

    def label_from_instance(self, obj: Any) -> str:
        return " · ".join(str(part) for part in (obj.name, obj.role, obj.team) if part)


class LendForm(Form):
    """To whom, from when to when, why; an administrator also says whose rights."""

    giver = Person(User.objects.none(), label=_("Whose rights"), empty_label=_("Choose"))
    taker = Person(User.objects.none(), label=_("Who acts for them"), empty_label=_("Choose"))
    since = forms.DateField(label=_("From (first day)"), widget=DateInput)
    until = forms.DateField(label=_("To (last day)"), widget=DateInput)
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = delegations.takers(user)
        for name in ("giver", "taker"):
            field: Any = self.fields[name]
            field.queryset, field.to_field_name = people, "public_id"
        if not user.has_perm(permissions.MANAGE_USER):
            del self.fields["giver"]
        else:
            giver: Any = self.fields["giver"]
            giver.required, giver.empty_label = False, _("My own")

    def moments(self, at: datetime) -> tuple[datetime, datetime]:
        """Return the beginning of the first day, or this moment, and the end of the last day."""
        zone, data = get_current_timezone(), self.cleaned_data
        first = datetime.combine(data["since"], time.min, tzinfo=zone)
        return max(first, at), datetime.combine(data["until"], time(23, 59, 59), tzinfo=zone)


@needs(permissions.DELEGATE)
@require_GET
def delegation_list(request: Asked) -> HttpResponse:
    """Show who acts for whom: one's own, or everybody's for those who view users."""
    at, user = now(), request.user
    page = pages.read(request, delegations.visible_to(user), sorts={"since": "since"}, default_sort="-since")
    for row in page.rows:
        row.standing = row.state(at)
        row.may_end = row.standing[0] in ("later", "in_force") and (
            user.pk in (row.giver_id, row.taker_id) or user.has_perm(permissions.MANAGE_USER)
        )
    return htmx.render(request, "governance/delegation_list.html", "governance/_delegation_rows.html", {"page": page})


@needs(permissions.DELEGATE)
def delegation_new(request: Asked) -> HttpResponse:
    """Lend one's rights, or propose that somebody's are lent."""
    user, at = request.user, now()
    today = localdate(at)
    form = LendForm(request.POST or None, user=user, initial={"since": today, "until": today})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        since, until = form.moments(at)
        with form.refusals(), idempotency.Once(user, data["form_key"], at=at) as sent:
            if not sent.again:
                made = delegations.lend(
                    data.get("giver") or user, data["taker"], since=since, until=until, reason=data["reason"], actor=user, at=at
                )
                if made.agreed_at is None:
                    messages.success(request, _("Proposed: a second person confirms or refuses it."))
                else:
                    messages.success(request, _("Your colleague is told. Every act for another is marked so in the ledger."))
                sent.result(reverse("delegation-list"))
        if not form.errors:
            return htmx.go(request, sent.location)
    longest = rules.value(delegations.LONGEST_DAYS, on=today)
    return form.page(request, "governance/delegation_form.html", {"longest": longest})


@needs(permissions.DELEGATE)
@require_POST
def delegation_end(request: Asked, public_id: str) -> HttpResponse:
    """End a delegation now."""
    if "\0" in public_id:
        raise Http404
    row: Delegation = get_object_or_404(delegations.visible_to(request.user), public_id=public_id)
    delegations.end(row, actor=request.user, at=now())
    messages.success(request, _("The delegation is ended."))
    return htmx.go(request, reverse("delegation-list"))


# --- emergency access --------------------------------------------------------------------------------------------------
class BreakForm(Form):
    """Which customer, why, for how long."""

    public_id = forms.CharField(label=_("Customer number"), max_length=16, help_text=_("Such as C-7K2M9QXZ4."))
    minutes = forms.IntegerField(label=_("Minutes"), initial=30, min_value=5, max_value=60)
    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        widget=forms.Textarea,
        help_text=_("At least 20 characters. Compliance reads it at once and reviews it."),
    )


class ReviewForm(Form):
    """What the review found."""

    verdict = forms.ChoiceField(label=_("Finding"), choices=BreakGlass.Verdict.choices, widget=forms.RadioSelect)
    words = forms.CharField(label=_("Your words"), max_length=500, widget=forms.Textarea)


@needs(permissions.BREAK_GLASS)
def glass_new(request: Asked) -> HttpResponse:
    """Ask for emergency access to one customer."""
    user, at = request.user, now()
    form = BreakForm(request.POST or None, initial={"public_id": request.GET.get("of", "")[:16]})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(user, data["form_key"], at=at) as sent:
            if not sent.again:
                row = glass.break_(data["public_id"], reason=data["reason"], minutes=data["minutes"], actor=user, at=at)
                messages.warning(request, _("The records are open to you. Everything you do with them is marked and reviewed."))
                sent.result(reverse("customer", args=[row.subject]))
        if not form.errors:
            return htmx.go(request, sent.location)
    mine = BreakGlass.objects.filter(user=user).order_by("-pk")[:10]
    rows = [(row, row.is_open(at)) for row in mine]
    return form.page(request, "governance/glass_new.html", {"left": glass.left_in_quarter(user, at=at), "rows": rows})


@needs(permissions.BREAK_GLASS)
@require_POST
def glass_end(request: Asked, public_id: str) -> HttpResponse:
    """Give the access back before its time."""
    row = get_object_or_404(BreakGlass.objects.filter(user=request.user), public_id=public_id.replace("\0", ""))
    glass.give_back(row, actor=request.user, at=now())
    messages.success(request, _("The access is given back."))
    return htmx.go(request, reverse("glass-new"))


@needs(permissions.VIEW_GLASS)
@require_GET
def glass_list(request: Asked) -> HttpResponse:
    """List the acts, those that wait for a review first."""
    at = now()
    page = pages.read(request, glass.visible_to(request.user), sorts={"started": "started_at"}, default_sort="-started")
    for row in page.rows:
        row.late = not row.verdict and row.review_due_at < at
    return htmx.render(request, "governance/glass_list.html", "governance/_glass_rows.html", {"page": page})


def _glass(request: Asked, public_id: str) -> BreakGlass:
    found: BreakGlass = get_object_or_404(glass.visible_to(request.user), public_id=public_id.replace("\0", ""))
    return found


@needs(permissions.VIEW_GLASS)
@require_GET
def glass_page(request: Asked, public_id: str) -> HttpResponse:
    """Show one act with what was done under it."""
    return _glass_shown(request, _glass(request, public_id), ReviewForm())


@needs(permissions.REVIEW_GLASS)
@require_POST
def glass_review(request: Asked, public_id: str) -> HttpResponse:
    """Take the review of one act."""
    row, form = _glass(request, public_id), ReviewForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        with form.refusals():
            glass.review(row, verdict=data["verdict"], words=data["words"], actor=request.user, at=now())
        if not form.errors:
            messages.success(request, _("Reviewed. The person is told."))
            return htmx.go(request, reverse("glass", args=[row.public_id]))
    return _glass_shown(request, row, form)


def _glass_shown(request: Asked, row: BreakGlass, form: ReviewForm) -> HttpResponse:
    at = now()
    context = {
        "glass": row,
        "entries": list(glass.traces(row)[:100]),
        "open": row.is_open(at),
        "late": not row.verdict and row.review_due_at < at,
        "may_review": not row.verdict and not request.user.is_also(row.user_id) and request.user.has_perm(permissions.REVIEW_GLASS),
    }
    return form.page(request, "governance/glass.html", context)


# --- through another person's eyes -------------------------------------------------------------------------------------
@needs(permissions.PREVIEW)
@require_POST
def preview_begin(request: Asked, public_id: str) -> HttpResponse:
    """Look at pages as this person would."""
    if "\0" in public_id:
        raise Http404
    other = get_object_or_404(User.objects.select_related("role"), public_id=public_id)
    preview.begin(request.session, other, actor=request.user, at=now())
    return htmx.go(request, reverse("home"))


@signed_in
@require_POST
def preview_end(request: HttpRequest) -> HttpResponse:
    """Look at pages as oneself again."""
    user = request.user
    assert isinstance(user, User)
    preview.end(request.session, actor=user, at=now())
    return htmx.go(request, reverse("home"))
