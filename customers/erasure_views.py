"""The page on which the erasure of a person is proposed: what keeps them, what it does, why."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.utils.translation import gettext_lazy as _

from crm.lib import htmx
from crm.lib.forms import Form
from crm.lib.permissions import needs
from customers import erasures, permissions
from customers.views import file_of
from governance import changes, idempotency
from governance.asked import Asked
from governance.models import ChangeRequest
from governance.permissions import VIEW_CHANGE
from governance.step_up import steps_up


class ErasureForm(Form):
    """Why the person is erased."""

    reason = forms.CharField(
        label=_("Reason"), max_length=500, widget=forms.Textarea, help_text=_("The second person reads it. Name nobody: it is kept.")
    )


@needs(permissions.ERASE)
@steps_up
def customer_erase(request: Asked, public_id: str) -> HttpResponse:
    """Show what keeps the person, and propose to erase them where nothing does."""
    found = file_of(request, public_id)
    form = ErasureForm(request.POST or None)
    back = reverse("customer", args=[found.public_id])
    if request.method == "POST" and form.is_valid():
        with form.refusals(), idempotency.Once(request.user, form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                made = erasures.propose(found, reason=form.cleaned_data["reason"], actor=request.user, at=now())
                if made.status == ChangeRequest.Status.OPEN:
                    messages.success(request, _("Proposed: a second person confirms or refuses it."))
                else:
                    messages.warning(request, _("Nobody else could confirm it: the change is in force, and marked as made alone."))
                sent.result(reverse("change", args=[made.public_id]) if request.user.has_perm(VIEW_CHANGE) else back)
        if not form.errors:
            return htmx.go(request, sent.location)
    context = {
        "customer": found,
        "duties": [] if found.erased_at else erasures.duties(found, on=localdate()),
        "checkers": changes.checkers(erasures.KIND, but=request.user),
    }
    return form.page(request, "customers/erase.html", context)
