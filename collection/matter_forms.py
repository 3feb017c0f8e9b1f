"""Forms of disputes and complaints."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from collection.disputes import LONGEST, owners
from collection.models import Case, Channel, Complaint, Dispute
from credit.models import Loan
from crm.lib import forms as crm_forms
from governance.models import User


def words(label: Any, *, required: bool = False) -> forms.CharField:
    return forms.CharField(
        label=label, required=required, max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"max_length": _("Write at most 2,000 characters."), "required": _("Write what the customer is answered.")},
    )  # fmt: skip


class MatterForm(crm_forms.Form):
    """What both kinds of matter ask."""

    channel = forms.ChoiceField(label=_("Told by"), choices=Channel.choices, initial=Channel.INBOUND)
    statement = words(_("What the customer says"))
    owner = forms.ModelChoiceField(label=_("Answered by"), queryset=User.objects.none(), empty_label=None)

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["owner"]
        field.queryset = owners(case)
        crm_forms.dress(self)


class DisputeForm(MatterForm):
    """What is contested of which loan."""

    loan = forms.ModelChoiceField(label=_("Loan"), queryset=Loan.objects.none(), empty_label=None)
    kind = forms.ChoiceField(label=_("What is contested"), choices=Dispute.Kind.choices)
    amount = crm_forms.MoneyField(label=_("Contested amount (CNY)"), help_text=_("It is left out of every demand until it is decided."))
    field_order = ("loan", "kind", "amount", "channel", "statement", "owner")

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, case=case, **kwargs)
        field: Any = self.fields["loan"]
        field.queryset = Loan.objects.open().filter(pk__in=case.debts.values("loan")).order_by("pk")


class ComplaintForm(MatterForm):
    """Who is complained about, and what for."""

    kind = forms.ChoiceField(label=_("About"), choices=Complaint.Kind.choices)
    about = forms.ModelChoiceField(
        label=_("Who is complained about"), queryset=User.objects.none(), required=False, empty_label=_("Nobody by name"),
        help_text=_("Who is named here loses the case at once and cannot take it again."),
    )  # fmt: skip
    is_complex = forms.BooleanField(label=_("The matter is complex: the longer deadline holds"), required=False)
    field_order = ("kind", "about", "is_complex", "channel", "statement", "owner")

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, case=case, **kwargs)
        touched = [*case.contacts.values_list("actor", flat=True), case.claimed_by_id or 0, case.assigned_to_id or 0]
        field: Any = self.fields["about"]
        field.queryset = User.objects.filter(pk__in=touched).order_by("name")


class DisputeDecisionForm(crm_forms.Form):
    """How a dispute was decided."""

    outcome = forms.ChoiceField(
        label=_("Decision"), widget=forms.RadioSelect, error_messages={"required": _("Choose how it was decided.")},
        choices=[(each.value, each.label) for each in (Dispute.Status.UPHELD, Dispute.Status.PARTLY, Dispute.Status.REJECTED)],
    )  # fmt: skip
    upheld = crm_forms.MoneyField(label=_("Of it not owed (CNY)"), required=False, help_text=_("Only where a part is upheld."))
    answer = words(_("Answer to the customer"), required=True)


class WithdrawForm(crm_forms.Form):
    """Why a dispute is taken back."""

    words = words(_("What the customer said"), required=True)


class ComplaintDecisionForm(crm_forms.Form):
    """How a complaint was decided."""

    outcome = forms.ChoiceField(
        label=_("Decision"), widget=forms.RadioSelect, error_messages={"required": _("Choose how it was decided.")},
        choices=[(each.value, each.label) for each in (Complaint.Status.UPHELD, Complaint.Status.REJECTED, Complaint.Status.WITHDRAWN)],
    )  # fmt: skip
    answer = words(_("Answer to the customer"), required=True)
