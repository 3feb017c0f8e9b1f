"""The page of a leaver: what they hold, who takes it over, how far it is."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from crm.lib import htmx
from crm.lib.forms import Form
from crm.lib.permissions import needs
from governance import idempotency, offboarding, permissions
from governance.asked import Asked
from governance.models import Offboarding, User
from governance.views import person

EVERYBODY = "everybody"


class LeaveForm(Form):
    """Who takes over: one person, and somebody else for a kind of thing."""

    receiver = forms.ChoiceField(label=_("Who takes over"), required=False, choices=())
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea, help_text=_("It is kept with the order."))

    def __init__(self, *args: Any, leaver: User, rows: list[dict[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {one.public_id: one for one in offboarding.receivers(leaver)}
        who = [(key, " · ".join(str(part) for part in (one.name, one.role, one.team) if part)) for key, one in self.people.items()]
        first: Any = self.fields["receiver"]
        first.choices = [("", _("Choose")), *who]
        self.held = [row for row in rows if row["any"] and row["holding"].goes != "ends"]
        for row in self.held:
            extra = [(EVERYBODY, _("Back to everybody"))] if row["holding"].goes == "anyone" else []
            choices = [("", _("The same person")), *extra, *who]
            self.fields[row["name"]] = field = forms.ChoiceField(label=row["holding"].label, required=False, choices=choices)
            field.widget.attrs |= {"class": "form-select", "aria-label": row["holding"].label}
        if not self.held:
            del self.fields["receiver"]

    def takers(self) -> dict[str, User | None]:
        """Return who takes each kind of thing; none where it goes back to everybody or nobody was chosen."""
        data = self.cleaned_data
        return {row["name"]: self.people.get(data.get(row["name"]) or data.get("receiver", "")) for row in self.held}


@needs(permissions.MANAGE_USER)
def user_leave(request: Asked, public_id: str) -> HttpResponse:
    """Show what somebody holds, ask who takes it over, follow the order."""
    found = person(public_id)
    latest = Offboarding.objects.select_related("job", "ordered_by").filter(user=found).order_by("-pk").first()
    if request.headers.get("HX-Target", "").startswith("job-") and latest is not None:
        return _progress(request, latest)
    rows = offboarding.held(found)
    form = LeaveForm(request.POST or None, leaver=found, rows=rows)
    if request.method == "POST" and form.is_valid():
        data, at = form.cleaned_data, now()
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=at) as sent:
            if not sent.again:
                made = offboarding.order(found, takers=form.takers(), reason=data["reason"], actor=request.user, at=at)
                sent.result(reverse("user-leave", args=[found.public_id]))
        if not form.errors:
            if not sent.again and (made.job.total or 0) <= offboarding.AT_ONCE:
                offboarding.run(made.pk, at=at, clock=now)
                messages.success(request, _("Handed over: the account is suspended and its sessions are ended."))
            return htmx.go(request, sent.location)
    context = {
        "person": found,
        "rows": [row | {"field": form[row["name"]] if row["name"] in form.fields else None} for row in rows],
        "latest": latest,
        "job": latest.job if latest else None,
        "poll_url": reverse("user-leave", args=[found.public_id]),
        "anything": any(row["any"] for row in rows),
        "over": not found.is_active and not any(row["any"] for row in rows),
        "own": found.pk == request.user.pk,
    }
    return form.page(request, "governance/user_leave.html", context)


def _progress(request: Asked, latest: Offboarding) -> HttpResponse:
    context = {"job": latest.job, "poll_url": reverse("user-leave", args=[latest.user.public_id])}
    return htmx.part(request, "parts/_job.html", context)
