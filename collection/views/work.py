"""The desk, the list of cases, the case, the acts on it, and the panel on the customer's page."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from collection import (
    assignment_words,
    call_panel,
    checks,
    contested,
    holds,
    links,
    owed,
    pay_panel,
    permissions,
    relief_blocks,
    script_panel,
)
from collection.forms import CheckForm, ContactForm
from collection.lists import CASES
from collection.models import Case, Channel
from credit import books
from crm.lib import htmx
from crm.lib.money import total
from crm.lib.permissions import needs
from customers.models import Customer, Relation
from governance import list_pages, uses
from governance.models import User

HISTORY = 30
RECENT = 5
PANEL = 5


def person(request: HttpRequest) -> User:
    """Return who is signed in; `needs` has let nobody in without a name."""
    assert isinstance(request.user, User)
    return request.user


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
    waits = case.status == Case.Status.PAUSED
    obligors = links.relations_of(case, user=user, at=at) if case.is_open else []
    check = checks.standing(case, actor=user, at=at) if may_log else None
    customer = uses.reading(case.customer, "collections", actor=user, at=at)
    panel = call_panel.read(case, customer, user=user, at=at, check=check, may_log=may_log)
    allowed = panel["contact_answer"]
    talking = check is not None and check.result == check.Result.PASSED
    confirmed = talking and check is not None and check.relation_id is None
    beside = check.relation if check is not None and talking else None
    # Who works the case sees its debts once the person who answers for it is confirmed; who reads it, reads it whole.
    opened = talking or not may_log
    live = {each.loan.pk: each for each in owed.of_loans([debt.loan for debt in debts], on=today)} if opened else {}
    for debt in debts:
        debt.live = live.get(debt.loan_id)  # type: ignore[attr-defined]  # for the template
    demand = total([each.demand for each in live.values()])
    promises = list(case.promises.select_related("taken_by").prefetch_related("parts").order_by("-pk")[:RECENT])
    history = list(case.contacts.select_related("actor").order_by("-at", "-pk")[:HISTORY])
    return {
        "case": case,
        "standing": assignment_words.standing(case),
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
        "beside": beside,
        "opened": opened,
        "check_form": check_form
        or (CheckForm(row=case, obligors=obligors, initial={"back": back, "party": called(panel)}) if may_log and not talking else None),
        **panel,
        "reading": script_panel.read(case, user=user, at=at, check=check, demand=demand) if may_log else None,
        "live_overdue": demand,
        "live_contested": total([each.contested for each in live.values()]),
        "live_payoff": total([each.payoff for each in live.values()]),
        "hold": holds.of([customer.pk]).get(customer.pk) if case.is_open else None,
        "pauses": list(case.pauses.filter(ended_at__isnull=True).order_by("-until", "pk")) if waits else [],
        "may_pause": case.is_open and user.has_perm(permissions.PAUSE),
        "links": links.of(case, obligors, user=user, at=at) if case.is_open else None,
        "promises": promises,
        "running": next((promise for promise in promises if promise.is_running), None),
        "may_cancel": user.has_perm(permissions.CONTACT),
        **pay_panel.read(case, at=at, confirmed=confirmed, live=live.values()),
        **relief_blocks.read(case, user=user),
        "form": form
        or (
            blank(
                case,
                live,
                today=today,
                back=back,
                channel=Channel.CALL if allowed and allowed.allowed else Channel.INBOUND,
                obligors=obligors,
                party=beside.public_id if beside else called(panel),
            )
            if may_log
            else None
        ),
    }


def called(panel: Mapping[str, Any]) -> str:
    """Return who is on the line beside the debtor, by their public id: whom the call went to; "" for the debtor."""
    row = panel["call"] or panel["under_way"]
    return row.relation.public_id if row is not None and row.relation is not None else ""


def blank(
    case: Case, live: dict[int, Any], *, today: date, back: str, channel: str, obligors: list[Relation], party: str = ""
) -> ContactForm:
    """Return the form as it is first shown: the way of contact that is open now, and with whom one speaks; a promise of all that is overdue, in three days,
    with the penalty of these days.
    """
    day = today + timedelta(days=3)
    overdue = owed.overdue_until(case.customer_id, today=today, until=day) if live else None
    initial = {"back": back, "channel": channel, "party": party, "amount_1": overdue or None, "due_on_1": day}
    return ContactForm(today=today, initial=initial, obligors=obligors)


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
        "may_claim": row.is_open
        and request.user.has_perm(permissions.CLAIM)
        and row.holder(at) is None
        and row.assigned_to_id in (None, request.user.pk)
        and not contested.is_frozen(row, person(request)),
        "may_close": row.is_open and request.user.has_perm(permissions.CLOSE),
        "may_reopen": row.close_reason in Case.ELSEWHERE and request.user.has_perm(permissions.CLOSE),
        "may_assign": row.is_open and request.user.has_perm(permissions.ASSIGN),
    }
    return htmx.render(request, "collections/case.html", "collections/case.html", context, status=status_of(form or check_form, problem))


def return_to(request: HttpRequest, row: Case) -> str:
    """Return where an action started: the desk or the case."""
    return reverse("desk") if request.POST.get("back") == "desk" else reverse("case", args=[row.public_id])


# --- on the customer's page ----------------------------------------------------------------------------------------
@needs(permissions.VIEW)
@require_GET
def panel(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show the cases of a customer that this person may see."""
    customer = Customer.objects.get_for(request.user, public_id)
    rows = Case.objects.visible_to(request.user).for_list().filter(customer=customer).order_by("-pk")[: PANEL + 1]
    return htmx.part(request, "collections/_panel.html", {"rows": rows[:PANEL], "more": len(rows) > PANEL, "at": now()})
