"""Forms of API clients."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from crm.lib.forms import Form, VersionedForm
from crm.lib.permissions import scopes
from governance import clients
from governance.models import ApiClient, Role, Team


class NewClientForm(Form):
    """A client and the service user in whose name it acts."""

    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("Which system it is, such as “Online shop”."))
    username = forms.SlugField(label=_("Service user"), max_length=60, help_text=_("Its name in the ledger, such as shop-api."))
    role = forms.ModelChoiceField(Role.objects.exclude(code="house").order_by("pk"), label=_("Role"), empty_label=None)
    team = forms.ModelChoiceField(Team.objects.order_by("path"), label=_("Team"), empty_label=None)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].initial = Role.objects.filter(code="api_client").first()


class ClientForm(VersionedForm):
    """What a client may do, from where, how often."""

    scopes = forms.MultipleChoiceField(label=_("Scopes"), required=False, widget=forms.CheckboxSelectMultiple)
    networks = forms.CharField(
        label=_("Networks"), required=False, max_length=1000, widget=forms.Textarea,
        help_text=_("It may call from these only, one in each line, such as 203.0.113.0/24. Empty: from anywhere."),
    )  # fmt: skip
    per_minute = forms.IntegerField(label=_("Calls a minute"), min_value=1, max_value=clients.MOST_CALLS)
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea, help_text=_("The second person reads it."))

    def __init__(self, client: ApiClient, data: Any = None) -> None:
        initial = {
            "scopes": client.scopes, "networks": "\n".join(client.networks), "per_minute": client.per_minute, "version": client.version,
        }  # fmt: skip
        super().__init__(data, initial=initial)
        meanings, field = scopes(), self.fields["scopes"]
        field.choices = [(code, f"{code} · {meanings[code]}") for code in clients.open_to(client.service_user.role)]  # type: ignore[attr-defined]
        self.client = client

    def content(self) -> dict[str, Any]:
        """Return what was asked for, as `clients.content` writes it."""
        data = self.cleaned_data
        networks = [line.strip() for line in data["networks"].splitlines() if line.strip()]
        return clients.wanted(name=self.client.name, scopes=data["scopes"], networks=networks, per_minute=data["per_minute"])


class RotateForm(VersionedForm):
    """Whether the secret before goes on for a while."""

    leaked = forms.BooleanField(label=_("The secret leaked: the one before ends at once, with every token"), required=False)
