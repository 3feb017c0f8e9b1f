"""Acts on a case: take it, keep it, give it back, skip it, check the person, log a contact, assign it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from collection import cases, checks, contacts, links, permissions, team
from collection.cases import AssignedElsewhere, CaseClosed, CasePaused, NotHeld, Taken
from collection.contested import CaseFrozen
from collection.forms import AssignForm, CheckForm, ContactForm, SkipForm
from collection.views.desk import desk_page
from collection.views.work import case_page, found, person, return_to
from credit import books
from crm.lib import htmx
from crm.lib.errors import DomainError
from crm.lib.permissions import needs
from customers.contacts import NotNow
from governance.idempotency import Once


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
    form = CheckForm(request.POST, row=row, obligors=links.relations_of(row, user=person(request), at=at))
    if form.is_valid():
        with form.refusals():
            relation = links.asked(row, form.cleaned_data["party"])
            done = checks.confirm(row, answers=form.answers(), actor=person(request), at=at, relation=relation)
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
@require_http_methods(["GET", "POST"])
def contact(request: HttpRequest, public_id: str) -> HttpResponse:
    """Log a contact; what cannot be is said at its field. Where the claim was lost, what was typed stays on the page, and
    `retake` takes the case again before it saves. Asked for after such an answer, the address leads to the case.
    """
    at = now()
    row = found(request, public_id)
    if request.method == "GET":
        return redirect("case", row.public_id)
    form = ContactForm(
        request.POST, today=books.value_day(row.legal_entity, at), obligors=links.relations_of(row, user=person(request), at=at)
    )
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
                        relation=links.asked(row, data["party"]),
                        actor=person(request),
                        at=at,
                    )
                    sent.result(return_to(request, row))
                    messages.success(request, _("The contact is saved."))
            if not form.errors:
                return htmx.go(request, sent.location)
        except (NotHeld, CaseClosed, CasePaused, Taken, AssignedElsewhere, CaseFrozen, NotNow) as error:
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
