"""Forms and filters of the daily work on a customer: activities, relations."""

from datetime import datetime, time
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils.timezone import get_current_timezone, localtime, now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.lib.forms import DateInput, Form, VersionedForm
from customers import mentions
from customers.models import Activity, Customer, Relation
from customers.models.activities import ActivityQuerySet
from customers.permissions import ACT
from governance.models import User

ANY = _("Any")
END_OF_WORK = time(18, 0)
TEXT = forms.Textarea(attrs={"rows": 3})
NAME_SOMEBODY = _("Write @ and a user name to tell a colleague.")


def field_day() -> forms.DateField:
    return forms.DateField(label=_("Due on"), widget=DateInput)


class ClockInput(forms.TimeInput):
    input_type = "time"

    def __init__(self) -> None:
        super().__init__(attrs={"class": "short"}, format="%H:%M")


def field_hour() -> forms.TimeField:
    return forms.TimeField(
        label=_("At"), required=False, widget=ClockInput(), help_text=_("18:00 if left empty"),
        error_messages={"invalid": _("The time must be written as 14:30.")},
    )  # fmt: skip


class Staff(forms.ModelChoiceField):
    """One colleague, by name and user name, as one would write them after `@`."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} · @{obj.username}"


class DueForm(VersionedForm):
    """Something with a day, an hour and a person who does it."""

    def __init__(self, *args: Any, customer: Customer, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = self.fields["assignee"]
        assert isinstance(people, forms.ModelChoiceField)
        people.queryset = mentions.colleagues(customer, ACT)
        if people.initial is None:
            people.initial = user.pk

    def due_at(self) -> datetime:
        """Return the moment the day and the hour name, in the installation's zone."""
        data = self.cleaned_data
        return datetime.combine(data["due_on"], data.get("due_time") or END_OF_WORK, tzinfo=get_current_timezone())


class PlanForm(DueForm):
    kind = forms.ChoiceField(label=_("What"), choices=Activity.Kind.choices, initial=Activity.Kind.TASK)
    text = forms.CharField(label=_("About"), max_length=2000, widget=TEXT, help_text=NAME_SOMEBODY)
    due_on = field_day()
    due_time = field_hour()
    assignee = Staff(User.objects.none(), label=_("Who does it"), empty_label=None)


class MoveForm(DueForm):
    """Another time or another person."""

    due_on = field_day()
    due_time = field_hour()
    assignee = Staff(User.objects.none(), label=_("Who does it"), empty_label=None)

    @classmethod
    def of(cls, activity: Activity, data: Any, *, user: User) -> "MoveForm":
        due = localtime(activity.due_at) if activity.due_at else localtime(now())
        initial = {"due_on": due.date(), "due_time": due.time(), "assignee": activity.assignee_id, "version": activity.version}
        return cls(data, customer=activity.customer, user=user, initial=initial)


class NotedForm(Form):
    """What was done already, or a note."""

    kind = forms.ChoiceField(
        label=_("What"), choices=[("call", _("Call")), ("visit", _("Visit")), ("note", _("Note"))], widget=forms.RadioSelect, initial="call"
    )
    text = forms.CharField(label=_("What happened"), max_length=2000, widget=TEXT, help_text=NAME_SOMEBODY)


class ResultForm(Form):
    result = forms.CharField(label=_("What came of it"), max_length=2000, required=False, widget=TEXT, help_text=NAME_SOMEBODY)


class TaskFilter(django_filters.FilterSet):
    """Whose work, which, and when."""

    whose = django_filters.ChoiceFilter(
        choices=[("asked", _("Asked for by me")), ("team", _("Everybody's"))], label=_("Whose"), empty_label=_("Mine"), method="by_person"
    )
    when = django_filters.ChoiceFilter(
        choices=[("overdue", pgettext_lazy("task", "Overdue")), ("today", _("Today")), ("later", _("Later")), ("closed", _("Done or cancelled"))],
        label=_("When due"), empty_label=_("To do"), method="by_time",
    )  # fmt: skip
    kind = django_filters.ChoiceFilter(choices=Activity.Kind.choices, label=_("What"), empty_label=ANY)

    def by_person(self, queryset: QuerySet[Activity], name: str, value: str) -> QuerySet[Activity]:
        return queryset  # the view narrows before, because an empty answer means something too

    def by_time(self, queryset: QuerySet[Activity], name: str, value: str) -> QuerySet[Activity]:
        at = now()
        tomorrow = midnight(at)
        if value == "overdue":
            return queryset.filter(status="open", due_at__lt=at)
        if value == "today":
            return queryset.filter(status="open", due_at__gte=at, due_at__lt=tomorrow)
        if value == "later":
            return queryset.filter(status="open", due_at__gte=tomorrow)
        return queryset.exclude(status="open")


def midnight(at: datetime) -> datetime:
    """Return the end of the day of `at` in the installation's zone."""
    return datetime.combine(localtime(at).date(), time.max, tzinfo=get_current_timezone())


def narrowed(rows: ActivityQuerySet, user: User, whose: str, when: str) -> ActivityQuerySet:
    """Return whose work is asked for; without a wish for time, what is still to do."""
    if whose == "asked":
        rows = rows.filter(Q(created_by=user) & ~Q(assignee=user))
    elif whose != "team":
        rows = rows.filter(assignee=user)
    return rows.open() if when not in ("closed",) else rows  # type: ignore[attr-defined,no-any-return]


class RelationForm(Form):
    """The other side is a customer of ours, by the number of the file, or a person outside."""

    kind = forms.ChoiceField(label=_("Relation"), choices=Relation.Kind.choices)
    other = forms.CharField(
        label=_("Number of the other file"), max_length=16, required=False, help_text=_("such as C-7K2M9QXAB, if it is a customer of ours"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "class": "middle"}),
    )  # fmt: skip
    name = forms.CharField(
        label=_("Name"), max_length=60, required=False, widget=forms.TextInput(attrs={"autocomplete": "off", "class": "middle"})
    )
    mobile = forms.CharField(
        label=_("Mobile"), max_length=40, required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "tel", "class": "middle"}),
    )  # fmt: skip
    source = forms.ChoiceField(label=_("Where it is known from"), choices=Relation.Source.choices)
    consent = forms.ChoiceField(
        label=_("Did the person agree to be kept here"), choices=Relation.Consent.choices, initial=Relation.Consent.NOT_ASKED
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_other(self) -> Customer | None:
        number = str(self.cleaned_data.get("other") or "").strip().upper()
        if not number:
            return None
        found = Customer.objects.named(self.user, number)
        if found is None:
            raise forms.ValidationError(_("There is no file with this number that you may see."))
        return found
