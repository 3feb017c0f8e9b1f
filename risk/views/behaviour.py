"""Behaviour scores on a customer's page, and the limits proposed from them."""

from typing import Any

import django_filters
from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from crm.lib import forms as crm_forms
from crm.lib import htmx, pages
from crm.lib.forms import Form
from crm.lib.permissions import needs
from customers.models import Customer
from governance.asked import Asked
from governance.idempotency import Once
from risk import limit_proposals, words
from risk.models import BehaviourScore, LimitProposal, RiskAlert
from risk.permissions import DECIDE_LIMIT_PROPOSAL, VIEW_DECISION

MONTHS = 12


class ProposalFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(
        label=gettext_lazy("Status"), choices=LimitProposal.Status.choices, empty_label=gettext_lazy("Any")
    )
    direction = django_filters.ChoiceFilter(
        label=gettext_lazy("Direction"), choices=LimitProposal.Direction.choices, empty_label=gettext_lazy("Any")
    )

    class Meta:
        model = LimitProposal
        fields = ("status", "direction")


class ApproveForm(Form):
    """The customer's consent to a higher limit."""

    consent_on = forms.DateField(label=gettext_lazy("Day of the customer's consent"), required=False, widget=crm_forms.DateInput)
    consent_channel = forms.ChoiceField(
        label=gettext_lazy("How the customer agreed"), required=False, choices=[("", "—"), *LimitProposal.Channel.choices]
    )

    def __init__(self, *args: Any, raises: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not raises:
            del self.fields["consent_on"], self.fields["consent_channel"]


def reasons_of(score: BehaviourScore) -> list[str]:
    """Return the reasons of a score as sentences for staff."""
    texts = score.scorecard_version.content.get("reasons", {})
    return [words.sentence(code, texts, {}, language=get_language() or "en") for code in score.reasons]


@require_GET
@needs(DECIDE_LIMIT_PROPOSAL)
def proposal_list(request: Asked) -> HttpResponse:
    """List proposed limits, the newest first."""
    rows = LimitProposal.objects.visible_to(request.user).for_list()
    page = pages.read(request, rows, sorts={"made": "id"}, default_sort="-made", filters=ProposalFilter)
    return htmx.render(request, "risk/proposal_list.html", "risk/_proposal_rows.html", {"page": page})


def _proposal(request: Asked, public_id: str) -> LimitProposal:
    rows = LimitProposal.objects.visible_to(request.user).select_related("customer", "score__scorecard_version", "decided_by")
    found = rows.filter(public_id=public_id).first()
    if found is None:
        raise Http404
    return found


@require_GET
@needs(DECIDE_LIMIT_PROPOSAL)
def proposal(request: Asked, public_id: str) -> HttpResponse:
    """Show a proposal with the score it came from."""
    return _page(request, _proposal(request, public_id), None)


def _page(request: Asked, found: LimitProposal, form: ApproveForm | None) -> HttpResponse:
    form = form or ApproveForm(raises=found.direction == LimitProposal.Direction.UP)
    context = {"proposal": found, "score": found.score, "reasons": reasons_of(found.score)}
    return form.page(request, "risk/proposal.html", context)


@require_POST
@needs(DECIDE_LIMIT_PROPOSAL)
def proposal_approve(request: Asked, public_id: str) -> HttpResponse:
    """Approve a proposed limit; a higher one with the customer's consent."""
    found = _proposal(request, public_id)
    form = ApproveForm(request.POST, raises=found.direction == LimitProposal.Direction.UP)
    if form.is_valid():
        data = dict(form.cleaned_data)
        key = data.pop("form_key")
        with form.refusals(), Once(request.user, key, at=now()) as sent:
            if not sent.again:
                limit_proposals.approve(found, actor=request.user, at=now(), **data)
                messages.success(request, _("Approved. The line changes at once, or once a second person has confirmed a higher limit."))
                sent.result(reverse("limit-proposal", args=[public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    return _page(request, found, form)


@require_POST
@needs(DECIDE_LIMIT_PROPOSAL)
def proposal_refuse(request: Asked, public_id: str) -> HttpResponse:
    """Refuse a proposed limit."""
    limit_proposals.refuse(_proposal(request, public_id), actor=request.user, at=now())
    messages.success(request, _("Refused: the line stays as it is."))
    return htmx.go(request, reverse("limit-proposal", args=[public_id]))


@require_GET
@needs(VIEW_DECISION)
def behaviour_panel(request: Asked, public_id: str) -> HttpResponse:
    """Show a customer's behaviour score on the customer's page: now, over the year, what follows from it."""
    customer = Customer.objects.get_for(request.user, public_id)
    scores = list(
        BehaviourScore.objects.filter(customer=customer).select_related("scorecard_version").order_by("-as_of", "-pk")[: MONTHS * 3]
    )
    context: dict[str, Any] = {"score": scores[0] if scores else None, "today": localdate()}
    if scores:
        context["reasons"] = reasons_of(scores[0])
        context["past"] = [score.score for score in reversed(scores)]
        context["warning"] = RiskAlert.objects.filter(customer=customer, kind=RiskAlert.Kind.EARLY_WARNING).standing().first()
        context["proposals"] = list(LimitProposal.objects.filter(customer=customer, status=LimitProposal.Status.OPEN).order_by("pk"))
    return htmx.part(request, "risk/_behaviour_panel.html", context)
