"""The link of an invitation, open to whoever holds it; and a new one for somebody who lost theirs."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from crm.lib import htmx
from crm.lib.forms import Form
from crm.lib.permissions import needs, public
from governance import invitations, permissions
from governance.models import User


class PasswordForm(Form):
    """A password, twice."""

    password = forms.CharField(
        label=gettext_lazy("Password"),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("At least 10 characters, not a common password."),
    )
    again = forms.CharField(label=gettext_lazy("Once more"), widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))

    def clean_again(self) -> str:
        if self.cleaned_data.get("password") != self.cleaned_data["again"]:
            raise forms.ValidationError(_("The two are not the same."))
        return str(self.cleaned_data["again"])


@public("the one-time token in the link is the key; it leads to choosing a password")
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Let the invited person choose a password."""
    try:
        found = invitations.standing(token, at=now())
    except invitations.InvitationOver as error:
        context = {"over": error.message}
        return htmx.render(request, "governance/invitation.html", "governance/invitation.html", context, status=404)
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.refusals():
            invitations.accept(token, password=form.cleaned_data["password"], at=now())
        if not form.errors:
            messages.success(request, _("Your password is set. Sign in with it."))
            return htmx.go(request, reverse("account_login"))
    response = form.page(request, "governance/invitation.html", {"person": found.user})
    response.headers["Referrer-Policy"] = "same-origin"  # the address is the key; stricter, and the form loses its origin and is refused
    return response


@needs(permissions.MANAGE_USER)
@require_POST
def user_invite(request: HttpRequest, public_id: str) -> HttpResponse:
    """Make a new link for somebody; the one before is over."""
    person = get_object_or_404(User, public_id=public_id)
    token = invitations.renew(person, actor=request.user, at=now())  # type: ignore[arg-type]
    return told(request, person, token)


def told(request: HttpRequest, person: User, token: str) -> HttpResponse:
    """Send the link, or show it once to the administrator."""
    sent = invitations.post(person, token, at=now())
    context = {"person": person, "sent": sent, "link": "" if sent else invitations.link(token), "days": invitations.VALID.days}
    return htmx.render(request, "governance/invited.html", "governance/invited.html", context)
