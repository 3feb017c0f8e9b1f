"""Forms of a hand-over: who gives, who takes, why."""

from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from crm.lib.forms import Form
from customers.desk_forms import Staff
from customers.models import Activity, Customer, Handover
from customers.permissions import ACT, VIEW
from governance.models import Team, User
from governance.models.identity import Scope

STAY = _("Each stays in its branch")


def people_below(user: User) -> QuerySet[User]:
    """Return the staff of a person's reach: of the whole lender, or of their team and below."""
    rows = User.objects.filter(kind=User.Kind.STAFF).select_related("role", "team").order_by("name", "pk")
    if user.team is None:
        return rows
    if user.scope == Scope.ALL:
        return rows.filter(team__legal_entity=user.team.legal_entity_id)
    return rows.filter(team__path__startswith=(user.root or user.team).path)


def takers(user: User) -> QuerySet[User]:
    return people_below(user).filter(is_active=True, role__permissions__contains=[VIEW, ACT])


def branches(user: User) -> QuerySet[Team]:
    rows = Team.objects.filter(is_active=True).order_by("path")
    if user.team is None:
        return rows
    if user.scope == Scope.ALL:
        return rows.filter(legal_entity=user.team.legal_entity_id)
    return rows.filter(path__startswith=(user.root or user.team).path)


class TakeForm(Form):
    """Who takes over; asked for one customer, and for the rows of a list."""

    taker = Staff(User.objects.none(), label=_("Who takes over"), empty_label=_("Choose"))
    branch = forms.ModelChoiceField(Team.objects.none(), label=_("Into which branch"), empty_label=STAY, required=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, rows in (("taker", takers(user)), ("branch", branches(user))):
            choice = self.fields[name]
            assert isinstance(choice, forms.ModelChoiceField)
            choice.queryset = rows


class HandoverForm(TakeForm):
    """Everything of one person."""

    giver = Staff(User.objects.none(), label=_("Whose customers and open work"), empty_label=_("Choose"))
    reason = forms.ChoiceField(label=_("Why"), choices=Handover.Reason.choices)
    note = forms.CharField(label=_("Note"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}))
    confirmed = forms.CharField(required=False, max_length=3, widget=forms.HiddenInput)
    field_order = ("giver", "taker", "branch", "reason", "note")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, user=user, **kwargs)
        owned = Customer.objects.visible_to(user).filter(owner=OuterRef("pk"))
        work = Activity.objects.open().filter(assignee=OuterRef("pk"))
        giver = self.fields["giver"]
        assert isinstance(giver, forms.ModelChoiceField)
        people = people_below(user)
        # a second click comes when the person has nothing left, and leads to the first result
        giver.queryset = people if self.is_bound else people.filter(Q(Exists(owned)) | Q(Exists(work)))
        giver.to_field_name = "public_id"
