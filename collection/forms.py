"""Forms of the desk and the case."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from collection import checks
from collection.contacts import LONGEST_NOTE, NEXT_ACTIONS
from collection.dispositions import result as find
from collection.dispositions import tree
from collection.dry_run_forms import CellFilter
from collection.judgement import Part
from collection.models import Case, Channel, Outcome, Promise, Skip
from collection.queues import today
from collection.result_forms import FigureFilter
from credit.accrual import LAST_BUCKET, bucket_name
from crm.lib import forms as crm_forms
from customers.models import Relation
from governance.models import User

PARTS = 3  # of a promise, on the page; the door takes more


class ContactForm(crm_forms.Form):
    """How a contact went, what was promised in it and what comes next."""

    channel = forms.ChoiceField(label=_("Contact by"), choices=Channel.choices)
    party = forms.ChoiceField(label=_("With"), choices=[("", _("Debtor"))], required=False)
    outcome = forms.ChoiceField(label=_("Result"), choices=Outcome.choices, widget=forms.RadioSelect)
    next_action = forms.ChoiceField(label=_("Next action"), choices=[(channel.value, channel.label) for channel in NEXT_ACTIONS])
    next_action_on = forms.DateField(label=_("Day of the next action"), widget=crm_forms.DateInput)
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"max_length": _("Write at most 2,000 characters.")},
    )
    back = forms.ChoiceField(choices=[("case", "case"), ("desk", "desk")], widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, today: date, obligors: Iterable[Relation] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        others = [(row.public_id, f"{row.get_kind_display()} {row.masked_name}") for row in obligors]
        party: Any = self.fields["party"]
        party.choices = [("", _("Debtor")), *others]
        for number in range(1, PARTS + 1):
            self.fields[f"amount_{number}"] = crm_forms.MoneyField(label=_("Amount (CNY)"), required=False)
            self.fields[f"due_on_{number}"] = forms.DateField(label=_("Promised for"), required=False, widget=crm_forms.DateInput)
        crm_forms.dress(self)
        for name in ("next_action_on", *(f"due_on_{number}" for number in range(1, PARTS + 1))):
            self.fields[name].widget.attrs["min"] = today.isoformat()
        self.fields["outcome"].error_messages["required"] = _("Choose how the contact ended.")
        self.fields["next_action_on"].error_messages["required"] = _("Enter the day of the next action.")

    @property
    def results(self) -> list[tuple[Any, str]]:
        """Return each result's button with the key that chooses it for a call; a browser shows those of the channel."""
        keys = {result.outcome: result.key for results in reversed(list(tree().values())) for result in results}
        return [(choice, keys.get(choice.data["value"], "")) for choice in self["outcome"]]

    @property
    def tree(self) -> dict[str, Any]:
        """Return the outcome tree for the browser: what each channel offers and what follows."""
        return {
            channel: {
                each.outcome: {
                    "key": each.key,
                    "next": each.next,
                    "days": each.days,
                    "promise": each.promise,
                    "person": each.person,
                    "obligor": each.obligor,
                }
                for each in results
            }
            for channel, results in tree().items()
        }

    @property
    def parts_fields(self) -> list[tuple[Any, Any]]:
        return [(self[f"amount_{number}"], self[f"due_on_{number}"]) for number in range(1, PARTS + 1)]

    def clean(self) -> dict[str, Any]:
        """Put the parts of a promise together; half a part says which half lacks."""
        data = super().clean() or self.cleaned_data
        result = find(data.get("channel", ""), data.get("outcome", ""))
        data["promise"] = []
        if result is None or not result.promise:
            return data
        for number in range(1, PARTS + 1):
            amount, due_on = data.get(f"amount_{number}"), data.get(f"due_on_{number}")
            if amount is not None and due_on is None and f"due_on_{number}" not in self.errors:
                self.add_error(f"due_on_{number}", _("Enter the day it is promised for."))
            elif amount is None and number > 1 and due_on is not None and f"amount_{number}" not in self.errors:
                self.add_error(f"amount_{number}", _("Enter the amount that is promised."))
            elif amount is not None and due_on is not None:
                data["promise"].append(Part(due_on, amount))
        return data


class SkipForm(crm_forms.Form):
    """Why a case is left aside."""

    reason = forms.ChoiceField(
        label=_("Why"), choices=Skip.Reason.choices, widget=forms.RadioSelect,
        error_messages={"required": _("Choose why this case is left aside.")},
    )  # fmt: skip


class CancelForm(crm_forms.Form):
    """Why a promise ends without being judged."""

    reason = forms.ChoiceField(
        label=_("Why"),
        choices=[(value, label) for value, label in Promise.CancelReason.choices if value in Promise.SAID],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose why the promise ends.")},
    )


class CheckForm(crm_forms.Form):
    """Who is on the line, and two of their answers; the right ones are never shown."""

    party = forms.ChoiceField(label=_("With"), choices=[("", _("Debtor"))], required=False)
    back = forms.ChoiceField(choices=[("case", "case"), ("desk", "desk")], widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, row: Case, obligors: Sequence[Relation] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        party: Any = self.fields["party"]
        party.choices = [("", _("Debtor")), *((one.public_id, f"{one.get_kind_display()} {one.masked_name}") for one in obligors)]
        if not obligors:
            party.widget = forms.HiddenInput()
        questions: dict[str, Any] = {}
        for one in (None, *obligors):
            questions |= checks.questions(checks.file_of(row, one))
        for name, words in questions.items():
            self.fields[name] = forms.CharField(label=words, required=False, max_length=40)
        crm_forms.dress(self)
        for name in questions:
            self.fields[name].widget.attrs |= {"autocomplete": "off", "class": "form-control short"}

    @property
    def questions(self) -> list[Any]:
        return [field for field in self.visible_fields() if field.name != "party"]

    def answers(self) -> dict[str, str]:
        return {name: value for name, value in self.cleaned_data.items() if name not in ("form_key", "back", "party")}


class AssignForm(crm_forms.VersionedForm):
    """Whom the case is given to."""

    to = forms.ModelChoiceField(
        label=_("Assigned to"),
        queryset=User.objects.none(),
        required=False,
        empty_label=_("Everybody in the queue"),
        help_text=_("Nobody else can take the case then. Who holds it now may finish."),
    )

    def __init__(self, *args: Any, people: QuerySet[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["to"]
        field.queryset = people


class CaseFilter(django_filters.FilterSet):
    """The filters of the list of cases; open ones are shown unless another status is asked for."""

    status = django_filters.ChoiceFilter(
        label=_("Status"),
        empty_label=Case.Status.OPEN.label,
        choices=[
            ("worked", Case.Status.WORKED.label),
            ("paused", Case.Status.PAUSED.label),
            ("closed", Case.Status.CLOSED.label),
            ("all", _("All")),
        ],
        method="of_status",
    )
    bucket = django_filters.ChoiceFilter(
        label=_("Bucket"),
        empty_label=_("Any"),
        choices=[(str(number), bucket_name(number)) for number in range(1, LAST_BUCKET + 1)],
    )
    whose = django_filters.ChoiceFilter(
        label=_("Whose"),
        empty_label=_("Any"),
        choices=[("mine", _("Mine")), ("nobody", _("Nobody's"))],
        method="of_person",
    )

    why = django_filters.ChoiceFilter(
        label=_("Why now"),
        empty_label=_("Any"),
        choices=[
            ("broken", _("Promise broken")),
            ("due", _("Action due")),
            ("moved", _("Moved to a graver bucket")),
            ("silent", _("Not contacted yet")),
        ],
        method="of_reason",
    )
    to = django_filters.CharFilter(label=_("Assigned to"), method="of_assignee", widget=forms.HiddenInput)
    figure = FigureFilter(label=_("Figure of a report"), method="of_figure", widget=forms.HiddenInput)
    dry = CellFilter(label=_("Cell of a dry run"), method="of_cell", widget=forms.HiddenInput)

    class Meta:
        model = Case
        fields: list[str] = []

    def filter_queryset(self, queryset: QuerySet[Case]) -> QuerySet[Case]:
        found: QuerySet[Case] = super().filter_queryset(queryset)
        return found if self.form.cleaned_data.get("status") else found.open()  # type: ignore[attr-defined,no-any-return]

    def of_status(self, queryset: QuerySet[Case], _name: str, value: str) -> QuerySet[Case]:
        return queryset if value == "all" else queryset.filter(status=value)

    def of_reason(self, queryset: QuerySet[Case], _name: str, value: str) -> QuerySet[Case]:
        if value == "broken":
            return queryset.filter(broken_on__isnull=False)
        if value == "moved":
            return queryset.filter(moved_on__isnull=False)
        if value == "silent":
            return queryset.filter(last_contact_at__isnull=True)
        return queryset.filter(next_action_on__lte=today(self.request.user, now()))

    def of_figure(self, queryset: QuerySet[Case], _name: str, value: Any) -> QuerySet[Case]:
        return value.place.among(queryset, Case.objects.visible_to(self.request.user)) if value.place else queryset.none()

    def of_cell(self, queryset: QuerySet[Case], _name: str, value: Any) -> QuerySet[Case]:
        return value.among(queryset, self.request.user)  # type: ignore[no-any-return]

    def of_assignee(self, queryset: QuerySet[Case], _name: str, value: str) -> QuerySet[Case]:
        return queryset.filter(assigned_to__public_id=value) if "\0" not in value else queryset.none()

    def of_person(self, queryset: QuerySet[Case], _name: str, value: str) -> QuerySet[Case]:
        if value == "nobody":
            return queryset.filter(assigned_to__isnull=True)
        user = self.request.user.pk
        return queryset.filter(Q(assigned_to=user) | Q(claimed_by=user))
