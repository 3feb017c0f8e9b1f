"""A review beyond yes and no: papers, other terms, a second person, conditions, verified facts, what became of overrides."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from credit import conditions, dossier, outcomes, papers, underwriting, verified
from credit.decision_forms import AskForm, ClearForm, CounterAnswerForm, CounterForm, PaperForm, ProposalForm, VerifyForm
from credit.forms import WithdrawForm, sent_whole
from credit.models import Application, Condition, CounterOffer, Proposal
from credit.permissions import ACCEPT_OFFER, CLEAR_CONDITION, DECIDE_APPLICATION, VERIFY_FACT, VIEW_OVERRIDE
from credit.views import Asked, deciding
from credit.words import fact as fact_words
from crm.lib import htmx
from crm.lib.forms import Form
from crm.lib.permissions import needs
from crm.lib.templatetags.crm import long_day, spoken
from customers.document_views import take
from customers.models import Document
from customers.permissions import ADD_DOCUMENT
from governance import idempotency
from governance.lifecycle import IllegalMove, MovedMeanwhile
from governance.models.identity import Scope


# --- decisions -----------------------------------------------------------------------------------------------------
@needs(DECIDE_APPLICATION)
@require_POST
def application_ask(request: Asked, public_id: str) -> HttpResponse:
    """Ask the applicant for papers."""
    application = deciding.one(request, public_id)
    form = AskForm(request.POST)

    def door(data: dict[str, Any]) -> str:
        papers.ask(
            application, kinds=data["kinds"], due_on=data["due_on"], words=data["words"], version=data["version"],
            actor=request.user, at=now(),
        )  # fmt: skip
        return _("The applicant is asked for papers until %(day)s; the clock stands still.") % {"day": long_day(data["due_on"])}

    return deciding.decide(request, application, form, door)


@needs(DECIDE_APPLICATION)
@require_POST
def application_counter(request: Asked, public_id: str) -> HttpResponse:
    """Offer other terms, or propose to a second person that they be offered."""
    application = deciding.one(request, public_id)
    form = CounterForm(request.POST)

    def door(data: dict[str, Any]) -> str:
        if request.POST.get("do") == "propose":
            underwriting.propose(application, kind=Proposal.Kind.COUNTER, actor=request.user, at=now(), **form.terms())
            return _("Proposed: a second person confirms or returns it.")
        underwriting.counter(application, actor=request.user, at=now(), **form.terms())
        words = _("%(application)s: %(amount)s over %(term)s months is offered instead; the applicant has to agree.")
        return words % {"application": application, "amount": spoken(data["amount"]), "term": data["term"]}

    return deciding.decide(request, application, form, door)


@needs(DECIDE_APPLICATION)
@require_POST
def application_resume(request: Asked, public_id: str) -> HttpResponse:
    """Go on without the papers that have not come."""
    application = deciding.one(request, public_id)
    here = reverse("application", args=[public_id])
    data = sent_whole(WithdrawForm(request.POST))
    try:
        papers.take_back(application, actor=request.user, at=now(), version=data["version"])
    except (MovedMeanwhile, papers.NotWaiting) as error:
        return deciding.conflict(request, application, error)
    messages.success(request, _("%(application)s is back in the queue.") % {"application": application})
    return htmx.go(request, here)


@needs(DECIDE_APPLICATION)
@require_POST
def proposal_answer(request: Asked, public_id: str) -> HttpResponse:
    """Confirm, return or call back a proposal."""
    rows = Proposal.objects.select_related("made_by", "application__legal_entity", "application__product", "application__customer",
                                           "application__decision")  # fmt: skip
    proposal: Proposal = rows.get_for(request.user, public_id)
    do, form = request.POST.get("do", ""), ProposalForm(request.POST)
    if do not in ("confirm", "return", "call_back"):
        raise Http404

    def door(data: dict[str, Any]) -> str:
        common = {"actor": request.user, "at": now(), "version": data["version"]}
        if do == "confirm":
            underwriting.confirm(proposal, **common)
            return _("Confirmed.")
        if do == "return":
            underwriting.give_back(proposal, words=data["words"], **common)
            return _("Returned: the application is back in the queue.")
        underwriting.call_back(proposal, **common)
        return _("Called back: the application is back in the queue.")

    return deciding.decide(request, deciding.one(request, proposal.application.public_id), form, door)


@needs(ACCEPT_OFFER)
@require_POST
def counter_answer(request: Asked, public_id: str) -> HttpResponse:
    """Enter what the applicant said to a counter-offer."""
    rows = CounterOffer.objects.select_related("made_by", "application__legal_entity", "application__product", "application__customer",
                                               "application__decision")  # fmt: skip
    offered: CounterOffer = rows.get_for(request.user, public_id)
    do, form = request.POST.get("do", ""), CounterAnswerForm(request.POST)
    if do not in ("agree", "refuse"):
        raise Http404

    def door(data: dict[str, Any]) -> str:
        common = {"way": data["way"], "actor": request.user, "at": now(), "version": data["version"]}
        if do == "agree":
            underwriting.agree(offered, **common)
            return _("The applicant agrees: the offer is being made.")
        underwriting.refuse(offered, **common)
        return _("The applicant does not agree: the application is back with the underwriters.")

    return deciding.decide(request, deciding.one(request, offered.application.public_id), form, door)


# --- what the file needs ---------------------------------------------------------------------------------------------
def their_papers(application: Application) -> Any:
    return Document.objects.filter(customer=application.customer).exclude(status=Document.Status.REJECTED).order_by("-pk")


@needs(VERIFY_FACT)
def application_verify(request: Asked, public_id: str, fact: str) -> HttpResponse:
    """Enter what was found out about one fact."""
    application = deciding.one(request, public_id)
    if fact not in verified.names():
        raise Http404
    here = reverse("application", args=[public_id])
    mine = their_papers(application) if request.user.has_perm("customers.view_document") else Document.objects.none()
    form = VerifyForm(request.POST if request.method == "POST" else None, fact=fact, papers=mine, initial={"as_of": localdate()})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                verified.verify(
                    application, name=fact, value=form.found(), source=data["source"], as_of=data["as_of"],
                    document=data["document"], actor=request.user, at=now(),
                )  # fmt: skip
                sent.result(here)
        if not form.errors:
            return htmx.go(request, here)
    stated = dossier.stated_facts(application).get(fact)
    context = {
        "application": application,
        "back": here,
        "action": request.path,
        "title": fact_words(fact),
        "label": _("Save what was found"),
        "money": fact in verified.MONEY,
        "stated": stated if fact in verified.MONEY else dossier.spoken(fact, stated),
    }
    return form.page(request, "credit/verify.html", context, part="credit/_verify.html")


@needs(ADD_DOCUMENT)
def application_paper(request: Asked, public_id: str, paper: str) -> HttpResponse:
    """Put a paper in for one line of the list; what was asked for is answered by it at once."""
    application = deciding.one(request, public_id)
    if paper not in Document.Kind.values:
        raise Http404
    here = reverse("application", args=[public_id])
    posted = request.method == "POST"
    form = PaperForm(request.POST if posted else None, request.FILES if posted else None)
    if posted and form.is_valid():
        document = take(request, form, customer=application.customer, kind=paper, then=here)
        if document is not None:
            papers.came(document, actor=request.user, at=now())
        if not form.errors:
            return htmx.go(request, here)
    context = {
        "title": Document.Kind(paper).label,
        "action": request.path,
        "back": here,
        "label": _("Add paper"),
        "application": application,
    }
    return form.page(request, "credit/paper.html", context, part="customers/_document_add.html")


@needs(CLEAR_CONDITION)
def condition_clear(request: Asked, public_id: str) -> HttpResponse:
    """Say that a condition is met, and by what one knows."""
    condition: Condition = Condition.objects.select_related("application__customer").get_for(request.user, public_id)
    here = reverse("application", args=[condition.application.public_id])
    mine = their_papers(condition.application) if request.user.has_perm("customers.view_document") else Document.objects.none()
    form: Form = ClearForm(request.POST if request.method == "POST" else None, papers=mine, initial={"version": condition.version})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals():
            try:
                conditions.clear(
                    condition, evidence=data["evidence"], document=data["document"], version=data["version"], actor=request.user, at=now()
                )
            except IllegalMove as error:
                return deciding.conflict(request, condition.application, error)
        if not form.errors:
            messages.success(request, _("The condition is cleared."))
            return htmx.go(request, here)
    context = {
        "condition": condition,
        "back": here,
        "action": request.path,
        "title": condition.get_kind_display(),
        "label": _("Clear condition"),
    }
    return form.page(request, "credit/condition.html", context, part="credit/_condition_clear.html")


# --- what became of them ---------------------------------------------------------------------------------------------
@needs(VIEW_OVERRIDE)
@require_GET
def override_list(request: Asked) -> HttpResponse:
    """Compare decisions that went against the engine's advice with what became of the loans."""
    everybody = request.user.scope == Scope.ALL
    found = outcomes.overrides(user=request.user, decider=None if everybody else request.user.pk)
    context = {"everybody": everybody, **found, "few": outcomes.FEW}
    return htmx.render(request, "credit/overrides.html", "credit/overrides.html", context)
