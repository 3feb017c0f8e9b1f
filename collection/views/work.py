"""The desk, the list of cases, the case, the acts on it, and the panel on the customer's page."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from collection import cases, checks, contacts, gate, holds, owed, permissions, queues, team
from collection.cases import AssignedElsewhere, CaseClosed, NotHeld, Taken
from collection.contested import CaseFrozen
from collection.forms import AssignForm, CheckForm, ContactForm, SkipForm
from collection.lists import CASES
from collection.models import Case, Channel
from credit import books
from crm.lib import htmx, pages
from crm.lib.errors import DomainError
from crm.lib.money import total
from crm.lib.permissions import needs
from customers import contact_meter
from customers.contacts import NotNow
from customers.models import Customer
from governance import list_pages, uses
from governance.idempotency import Once
from governance.models import User

HISTORY = 30
RECENT = 5
PANEL = 5


def person(request: HttpRequest) -> User:
    """Return who is signed in; `needs` has let nobody in without a name."""
    assert isinstance(request.user, User)
    return request.user


# --- the desk ------------------------------------------------------------------------------------------------------
@needs(permissions.CLAIM)
@require_GET
def desk(request: HttpRequest) -> HttpResponse:
    """Show what one holds, ready to work; or what comes next and why."""
    return desk_page(request, at=now())


def desk_page(
    request: HttpRequest,
    *,
    at: datetime,
    form: ContactForm | None = None,
    case: Case | None = None,
    problem: Any = None,
    check_form: CheckForm | None = None,
) -> HttpResponse:
    held = case or Case.objects.visible_to(request.user).held_by(request.user, at=at).for_list().order_by("-claimed_at").first()
    items = queues.upcoming(person(request), at=at, limit=queues.SHOWN)
    context = {
        "items": [item for item in items if held is None or item.case.pk != held.pk][: queues.SHOWN],
        "waiting": pages.count_label(queues.waiting(person(request), at=at)),
        "problem_message": problem,
    }
    if held is not None:
        context |= work(request, held, at=at, back="desk", form=form, check_form=check_form)
        context["reasons"] = queues.why(
            held,
            user=person(request),
            at=at,
            on=context["today"],
            loans=sum(debt.dpd > 0 for debt in context["debts"]),
            silent=queues.silent_days(context["today"]),
        )
    elif not items:
        context["next_due"] = queues.next_due(person(request), at=at)
    return htmx.render(request, "collections/desk.html", "collections/desk.html", context, status=status_of(form or check_form, problem))


def status_of(form: ContactForm | CheckForm | None, problem: Any) -> int:
    if form is not None and form.is_bound and form.errors:
        return 422
    return 409 if problem else 200


def work(
    request: HttpRequest, case: Case, *, at: datetime, back: str, form: ContactForm | None = None, check_form: CheckForm | None = None
) -> dict[str, Any]:
    """Return what the work on one case shows: debts, the person masked, history, the form while one holds it."""
    user = person(request)
    mine = case.is_held_by(user, at)
    may_log = mine and user.has_perm(permissions.CONTACT)
    today = books.value_day(case.legal_entity, at)
    debts = list(case.debts.select_related("loan__product").order_by("-dpd", "loan_id"))
    said = gate.answers(case, at=at) if case.status == Case.Status.OPEN else None
    allowed = said["call"].answer if said and may_log else None
    check = checks.standing(case, actor=user, at=at) if may_log else None
    confirmed = check is not None and check.result == check.Result.PASSED
    # Who works the case sees its debts once the person is confirmed; who reads it, reads it whole.
    opened = confirmed or not may_log
    live = {each.loan.pk: each for each in owed.of_loans([debt.loan for debt in debts], on=today)} if opened else {}
    for debt in debts:
        debt.live = live.get(debt.loan_id)  # type: ignore[attr-defined]  # for the template
    promises = list(case.promises.select_related("taken_by").prefetch_related("parts").order_by("-pk")[:RECENT])
    history = list(case.contacts.select_related("actor").order_by("-at", "-pk")[:HISTORY])
    customer = uses.reading(case.customer, "collections", actor=user, at=at)
    return {
        "case": case,
        "customer": customer,
        "age_band": customer.age_band(today),
        "debts": debts,
        "history": history[:RECENT],
        "earlier": history[RECENT:],
        "today": today,
        "held": mine,
        "holder": case.holder(at),
        "back": back,
        "check": check,
        "confirmed": confirmed,
        "opened": opened,
        "check_form": check_form
        or (CheckForm(questions=checks.questions(customer), initial={"back": back}) if may_log and not confirmed else None),
        "contact_answer": allowed,
        "meter": contact_meter.read(customer, at=at, said=said) if said else None,
        "under_way": gate.under_way(case, actor=user, at=at) if may_log else None,
        "may_call": may_log,
        "live_overdue": total([each.overdue for each in live.values()]),
        "live_payoff": total([each.payoff for each in live.values()]),
        "hold": holds.of([customer.pk]).get(customer.pk) if case.status == Case.Status.OPEN else None,
        "promises": promises,
        "running": next((promise for promise in promises if promise.is_running), None),
        "may_cancel": user.has_perm(permissions.CONTACT),
        "form": form
        or (
            blank(case, live, today=today, back=back, channel=Channel.CALL if allowed and allowed.allowed else Channel.INBOUND)
            if may_log
            else None
        ),
    }


def blank(case: Case, live: dict[int, Any], *, today: date, back: str, channel: str) -> ContactForm:
    """Return the form as it is first shown: the way of contact that is open now; a promise of all that is overdue, in three days,
    with the penalty of these days.
    """
    day = today + timedelta(days=3)
    overdue = owed.overdue_until(case.customer_id, today=today, until=day) if live else None
    initial = {"back": back, "channel": channel, "amount_1": overdue or None, "due_on_1": day}
    return ContactForm(today=today, initial=initial)


# --- cases ---------------------------------------------------------------------------------------------------------
@needs(permissions.VIEW)
@require_GET
def case_list(request: HttpRequest) -> HttpResponse:
    context = {
        "page": list_pages.read(request, CASES, at=now()),
        "icon_name": "cases",
        "empty_text": _("No cases yet. They appear when a loan is overdue."),
    }
    return htmx.render(request, "collections/case_list.html", "lists/_part.html", context)


def found(request: HttpRequest, public_id: str) -> Case:
    """Return the case of the address, if this person may see it; else 404."""
    return Case.objects.select_related("customer", "legal_entity", "branch", "claimed_by", "assigned_to").get_for(request.user, public_id)


@needs(permissions.VIEW)
@require_GET
def case(request: HttpRequest, public_id: str) -> HttpResponse:
    return case_page(request, found(request, public_id), at=now())


def case_page(
    request: HttpRequest,
    row: Case,
    *,
    at: datetime,
    form: ContactForm | None = None,
    problem: Any = None,
    check_form: CheckForm | None = None,
) -> HttpResponse:
    context = work(request, row, at=at, back="case", form=form, check_form=check_form)
    context |= {
        "problem_message": problem,
        "may_claim": row.status == Case.Status.OPEN
        and request.user.has_perm(permissions.CLAIM)
        and row.holder(at) is None
        and row.assigned_to_id in (None, request.user.pk),
        "may_assign": row.status == Case.Status.OPEN and request.user.has_perm(permissions.ASSIGN),
    }
    return htmx.render(request, "collections/case.html", "collections/case.html", context, status=status_of(form or check_form, problem))


def return_to(request: HttpRequest, row: Case) -> str:
    """Return where an action started: the desk or the case."""
    return reverse("desk") if request.POST.get("back") == "desk" else reverse("case", args=[row.public_id])


@needs(permissions.CLAIM)
@require_POST
def claim(request: HttpRequest, public_id: str) -> HttpResponse:
    """Take a case. From the desk a lost race shows who was faster, and the next case."""
    row = found(request, public_id)
    try:
        cases.claim(row, actor=person(request), at=now())
    except (Taken, CaseClosed, AssignedElsewhere, CaseFrozen) as error:
        if request.POST.get("back") != "desk":
            raise
        messages.warning(request, error.message)
    return htmx.go(request, return_to(request, row))


@needs(permissions.CLAIM)
@require_POST
def take_next(request: HttpRequest) -> HttpResponse:
    """Take the first case of the queue; another's faster hand only means the one after it."""
    if queues.take_next(person(request), at=now()) is None:
        messages.info(request, _("Nothing waits for you now."))
    return htmx.go(request, reverse("desk"))


@needs(permissions.CLAIM)
@require_http_methods(["GET", "POST"])
def skip(request: HttpRequest, public_id: str) -> HttpResponse:
    """Leave a case aside, with the reason."""
    row = found(request, public_id)
    form = SkipForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.refusals(), Once(person(request), form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                cases.skip(row, reason=form.cleaned_data["reason"], actor=person(request), at=now())
                sent.result(reverse("desk"))
                messages.success(request, _("The case is left for somebody else."))
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(request, "collections/skip.html", {"case": row}, part="collections/_skip.html")


@needs(permissions.CONTACT)
@require_http_methods(["GET", "POST"])
def check(request: HttpRequest, public_id: str) -> HttpResponse:
    """Compare two answers with the file, or keep that somebody else answered."""
    row = found(request, public_id)
    if request.method == "GET":
        return redirect("case", row.public_id)
    at = now()
    if "third_party" in request.POST:
        checks.third_party(row, actor=person(request), at=at)
        messages.warning(request, _("Say who you are and ask for a time to call back. Say nothing of a debt."))
        return htmx.go(request, return_to(request, row))
    form = CheckForm(request.POST, questions=checks.questions(row.customer))
    if form.is_valid():
        with form.refusals():
            done = checks.confirm(row, answers=form.answers(), actor=person(request), at=at)
            if done.result == done.Result.PASSED:
                messages.success(request, _("The person is confirmed."))
                return htmx.go(request, return_to(request, row))
            form.add_error(None, _("The answers do not match. Say nothing of a debt; ask for other answers, or end the call."))
    row = found(request, public_id)
    if form.data.get("back") == "desk":
        return desk_page(request, at=at, case=row, check_form=form)
    return case_page(request, row, at=at, check_form=form)


@needs(permissions.CLAIM)
@require_POST
def keep(request: HttpRequest, public_id: str) -> HttpResponse:
    row = found(request, public_id)
    cases.keep(row, actor=person(request), at=now())
    messages.success(request, _("The case is yours for another while."))
    return htmx.go(request, return_to(request, row))


@needs(permissions.CLAIM)
@require_POST
def release(request: HttpRequest, public_id: str) -> HttpResponse:
    row = found(request, public_id)
    cases.release(row, actor=person(request), at=now())
    messages.success(request, _("The case is back in the queue."))
    return htmx.go(request, return_to(request, row))


@needs(permissions.CONTACT)
@require_POST
def call(request: HttpRequest, public_id: str) -> HttpResponse:
    """Begin a call: its place among the counts is taken before anybody dials. What the policy refuses is said on the page."""
    row, at = found(request, public_id), now()
    try:
        contacts.begin_call(row, actor=person(request), at=at, key=uuid4().hex)
    except NotNow as refused:
        refused.remember()
        messages.warning(request, refused.message)
    except (CaseClosed, NotHeld, CaseFrozen) as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, _("The call is yours to make. Log how it ended."))
    return htmx.go(request, return_to(request, row))


@needs(permissions.CONTACT)
@require_http_methods(["GET", "POST"])
def contact(request: HttpRequest, public_id: str) -> HttpResponse:
    """Log a contact; what cannot be is said at its field. Where the claim was lost, what was typed stays on the page, and
    `retake` takes the case again before it saves. Asked for after such an answer, the address leads to the case.
    """
    at = now()
    row = found(request, public_id)
    if request.method == "GET":
        return redirect("case", row.public_id)
    form = ContactForm(request.POST, today=books.value_day(row.legal_entity, at))
    problem: DomainError | None = None
    if form.is_valid():
        data = form.cleaned_data
        try:
            with form.refusals(), Once(person(request), data["form_key"], at=at) as sent:
                if not sent.again:
                    if "retake" in request.POST and request.user.has_perm(permissions.CLAIM):
                        cases.claim(row, actor=person(request), at=at)
                    contacts.log_contact(
                        row,
                        channel=data["channel"],
                        outcome=data["outcome"],
                        next_action=data["next_action"],
                        next_action_on=data["next_action_on"],
                        note=data["note"],
                        promise=data["promise"],
                        actor=person(request),
                        at=at,
                    )
                    sent.result(return_to(request, row))
                    messages.success(request, _("The contact is saved."))
            if not form.errors:
                return htmx.go(request, sent.location)
        except (NotHeld, CaseClosed, Taken, AssignedElsewhere, CaseFrozen, NotNow) as error:
            error.remember()
            problem = error
    row = found(request, public_id)
    message = problem.message if problem else None
    if form.data.get("back") == "desk":
        return desk_page(request, at=at, form=form, case=row, problem=message)
    return case_page(request, row, at=at, form=form, problem=message)


# --- the supervisor ------------------------------------------------------------------------------------------------
@needs(permissions.ASSIGN)
def assign(request: HttpRequest, public_id: str) -> HttpResponse:
    row = found(request, public_id)
    form = AssignForm(
        request.POST or None, people=team.workers(person(request)), initial={"to": row.assigned_to_id, "version": row.version}
    )
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), Once(person(request), data["form_key"], at=now()) as sent:
            if not sent.again:
                done = cases.assign(row, to=data["to"], version=data["version"] or 0, actor=person(request), at=now())
                sent.result(reverse("case", args=[row.public_id]))
                messages.success(
                    request,
                    _("The case is assigned to %(name)s.") % {"name": done.assigned_to}
                    if done.assigned_to
                    else _("The case is open to everybody in the queue."),
                )
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(request, "collections/assign.html", {"case": row})


# --- on the customer's page ----------------------------------------------------------------------------------------
@needs(permissions.VIEW)
@require_GET
def panel(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show the cases of a customer that this person may see."""
    customer = Customer.objects.get_for(request.user, public_id)
    rows = Case.objects.visible_to(request.user).for_list().filter(customer=customer).order_by("-pk")[: PANEL + 1]
    return htmx.part(request, "collections/_panel.html", {"rows": rows[:PANEL], "more": len(rows) > PANEL, "at": now()})
