"""The way to court: periods of limitation, letters before action, legal actions with their diary and costs."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from collection import legal as actions
from collection import legal_costs, legal_holds, letters, limitation_book, packs, permissions
from collection.legal_forms import ArrivalForm, CostForm, DiaryForm, MarkForm, PackForm, SendForm
from collection.legal_lists import ACTIONS, CLOCKS, tone_of
from collection.models import Case, FilingPack, LegalAction, LegalCost, LimitationClock, LimitationMark, PreActionLetter
from collection.views import work
from collection.views.forms_once import pressed
from collection.views.work import person
from credit import books
from crm.lib import forms as crm_forms
from crm.lib import htmx
from crm.lib.permissions import needs
from governance import files, list_pages, uses
from governance.idempotency import Once
from governance.models import User

READERS = (permissions.PROPOSE_LEGAL, permissions.RUN_LEGAL, permissions.APPROVE_LEGAL)
SHOWN = 5


@needs(permissions.VIEW)
@require_GET
def limitation_list(request: HttpRequest) -> HttpResponse:
    context = {
        "page": list_pages.read(request, CLOCKS, at=now()),
        "icon_name": "clock",
        "title": CLOCKS.title,
        "empty_text": _("No period of limitation runs. One is reckoned each night for every overdue loan with a case."),
        "views_label": _("Views of the periods"),
    }
    return htmx.render(request, "collections/matter_list.html", "lists/_part.html", context)


@needs(permissions.VIEW)
@require_GET
def legal_list(request: HttpRequest) -> HttpResponse:
    context = {
        "page": list_pages.read(request, ACTIONS, at=now()),
        "icon_name": "decisions",
        "title": ACTIONS.title,
        "empty_text": _("No legal action is under way. One is proposed from a case."),
        "views_label": _("Views of the legal actions"),
    }
    return htmx.render(request, "collections/matter_list.html", "lists/_part.html", context)


# --- on the case ---------------------------------------------------------------------------------------------------
@needs(permissions.VIEW)
@require_GET
def case_panel(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show the periods of a case's loans with every act that bears on them, its letters and actions."""
    row, user = work.found(request, public_id), person(request)
    today = books.value_day(row.legal_entity, now())
    context = {
        "case": row,
        "clocks": clocks_of(row, user=user),
        "letters": list(row.letters.order_by("-pk")[:SHOWN]),
        "actions": list(row.legal_actions.order_by("-pk")[:SHOWN]),
        "barred": legal_holds.standing(row) if row.is_open else None,
        "may_write": row.is_open and user.has_perm(permissions.PROPOSE_LEGAL),
        "may_propose": row.is_open and user.has_perm(permissions.PROPOSE_LEGAL) and not row.legal_actions.open().exists(),
        "may_mark": user.has_perm(permissions.RUN_LEGAL),
        "today": today,
    }
    return htmx.part(request, "collections/_legal.html", context)


def clocks_of(case: Case, *, user: User) -> list[dict[str, Any]]:
    """Return the periods of a case's loans as they stand now, with the evidence of each act."""
    today = books.value_day(case.legal_entity, now())
    mine = set(case.debts.values_list("loan", flat=True))
    rows = []
    for pk, (one, clock) in limitation_book.clocks([case.customer_id], on=today).items():
        if pk in mine:
            state = LimitationClock.State(clock.state)
            rows.append(
                {
                    "loan": one.loan, "clock": clock, "state": state.label, "tone": LimitationClock.TONES[state],
                    "whole_due_on": one.whole_due_on, "halts": [(limitation_book.HALTS[halt.cause], halt) for halt in one.halts],
                    "lines": [
                        {"on": line.act.on, "what": limitation_book.KINDS[line.act.kind], "ref": line.act.ref, "counts": line.counts,
                         "expires_on": line.expires_on}
                        for line in reversed(clock.lines[-8:])
                    ],
                    "end_tone": tone_of(clock.expires_on, today) if clock.expires_on else "",
                }
            )  # fmt: skip
    return rows


@needs(permissions.RUN_LEGAL)
@require_http_methods(["GET", "POST"])
def mark_new(request: HttpRequest, public_id: str) -> HttpResponse:
    """Put an act on record that bears on the period of limitation."""
    row = work.found(request, public_id)
    form = MarkForm(request.POST or None, case=row)
    back = reverse("case", args=[row.public_id])
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), Once(person(request), data.pop("form_key"), at=now()) as sent:
            if not sent.again:
                limitation_book.mark(row, **data, actor=person(request), at=now())
                sent.result(back)
                messages.success(request, _("It stands on record; the period is reckoned anew."))
        if not form.errors:
            return htmx.go(request, sent.location)
    marks = LimitationMark.objects.filter(case=row).select_related("loan", "actor").order_by("-pk")
    context = {"case": row, "title": _("Record for the period of limitation"), "label": _("Put on record"), "marks": list(marks[:20])}
    return form.page(request, "collections/limitation_form.html", context)


# --- letters -------------------------------------------------------------------------------------------------------
@needs(permissions.PROPOSE_LEGAL)
@require_http_methods(["GET", "POST"])
def letter_new(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show what a letter would demand, and make it."""
    row, at = work.found(request, public_id), now()
    if request.method == "POST":
        drawn = letters.draw(row, actor=person(request), at=at)
        made = None
        try:
            with Once(person(request), request.POST.get("form_key", ""), at=at) as sent:
                if not sent.again:
                    made = letters.make(row, drawn=drawn, actor=person(request), at=at)
                    sent.result(reverse("letter", args=[made.public_id]))
                    messages.success(request, _("The letter is made. Print it, hand it to the carrier, then enter the carrier's number."))
        finally:
            if made is None:
                files.discard(drawn.stored)
        return htmx.go(request, sent.location)
    today = books.value_day(row.legal_entity, at)
    asked, words = letters.demand(row, on=today), letters.text(on=today)
    context = {
        "case": row,
        "demand": asked,
        "words": words,
        "sentences": letters.sentences(words, case=row, asked=asked, pay_by=letters.answer_by(today)),
        "barred": legal_holds.standing(row, known_disputes=True),
        "form": crm_forms.Form(),
        "has_address": bool(row.customer.masked_address),
    }
    return htmx.render(request, "collections/letter_form.html", "collections/letter_form.html", context)


def found_letter(request: HttpRequest, public_id: str) -> PreActionLetter:
    rows = PreActionLetter.objects.for_list().select_related("made_by")
    row: PreActionLetter = rows.get_for(request.user, public_id)
    uses.bind([row.case.customer], "collections", actor=request.user, at=now())
    return row


@needs(permissions.VIEW)
@require_GET
def letter(request: HttpRequest, public_id: str) -> HttpResponse:
    return letter_page(request, found_letter(request, public_id))


def letter_page(
    request: HttpRequest, row: PreActionLetter, *, send_form: SendForm | None = None, arrival_form: ArrivalForm | None = None
) -> HttpResponse:
    user = person(request)
    may = user.has_perm(permissions.PROPOSE_LEGAL)
    today = books.value_day(row.case.legal_entity, now())
    context = {
        "letter": row,
        "rows": row.data["loans"],
        "may_send": may and row.status == PreActionLetter.Status.MADE,
        "may_tell": may and row.status == PreActionLetter.Status.SENT,
        "may_open": may,
        "send_form": send_form or SendForm(),
        "arrival_form": arrival_form or ArrivalForm(initial={"on": today}),
    }
    bad = any(form is not None and form.errors for form in (send_form, arrival_form))
    return htmx.render(request, "collections/letter.html", "collections/letter.html", context, status=422 if bad else 200)


@needs(permissions.PROPOSE_LEGAL)
@require_POST
def letter_send(request: HttpRequest, public_id: str) -> HttpResponse:
    """Note that a letter went out; the contact policy counts it."""
    row, form = found_letter(request, public_id), SendForm(request.POST)
    if form.is_valid():
        with form.refusals():
            letters.send(row, tracking=form.cleaned_data["tracking"], actor=person(request), at=now())
        if not form.errors:
            messages.success(request, _("The letter is sent and counted."))
            return htmx.go(request, reverse("letter", args=[row.public_id]))
    return letter_page(request, row, send_form=form)


@needs(permissions.PROPOSE_LEGAL)
@require_POST
def letter_arrived(request: HttpRequest, public_id: str) -> HttpResponse:
    """Note that a letter was delivered, or came back."""
    row, form = found_letter(request, public_id), ArrivalForm(request.POST)
    if form.is_valid():
        door = letters.delivered if form.cleaned_data["ended"] == "delivered" else letters.returned
        with form.refusals():
            door(row, on=form.cleaned_data["on"], actor=person(request), at=now())
        if not form.errors:
            messages.success(request, _("It is noted."))
            return htmx.go(request, reverse("letter", args=[row.public_id]))
    return letter_page(request, row, arrival_form=form)


@needs(permissions.PROPOSE_LEGAL)
@require_POST
def letter_drop(request: HttpRequest, public_id: str) -> HttpResponse:
    row = found_letter(request, public_id)
    letters.drop(row, actor=person(request), at=now())
    messages.success(request, _("The letter is let go: it was not sent."))
    return htmx.go(request, reverse("case", args=[row.case.public_id]))


@needs(permissions.PROPOSE_LEGAL)
@require_GET
def letter_file(request: HttpRequest, public_id: str) -> HttpResponse:
    """Hand the letter out as it went out; who opened it stands in the ledger."""
    row = found_letter(request, public_id)
    content = letters.opened(row, actor=person(request), at=now())
    return HttpResponse(
        content, content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{row.public_id}.pdf"', "Cache-Control": "no-store"},
    )  # fmt: skip


# --- actions -------------------------------------------------------------------------------------------------------
@needs(permissions.PROPOSE_LEGAL)
@require_http_methods(["GET", "POST"])
def propose(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show what going to court would cost and bring, and propose it."""
    row = work.found(request, public_id)
    if request.method == "POST":
        with Once(person(request), request.POST.get("form_key", ""), at=now()) as sent:
            if not sent.again:
                made = actions.propose(row, actor=person(request), at=now())
                sent.result(reverse("legal-action", args=[made.public_id]))
                messages.success(request, _("The legal action is proposed. Another person decides."))
        return htmx.go(request, sent.location)
    today = books.value_day(row.legal_entity, now())
    context = {"case": row, "outlook": legal_costs.outlook(row, on=today), "barred": legal_holds.standing(row), "form": crm_forms.Form()}
    return htmx.render(request, "collections/legal_form.html", "collections/legal_form.html", context)


def found(request: HttpRequest, public_id: str) -> LegalAction:
    """Return the action of the address, if this person may see it; else 404."""
    rows = LegalAction.objects.for_list().select_related("decided_by")
    row: LegalAction = rows.get_for(request.user, public_id)
    uses.bind([row.case.customer], "collections", actor=request.user, at=now())
    return row


@needs(permissions.VIEW)
@require_GET
def action(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show an action: what it brings and costs, its diary, its letters."""
    row, user = found(request, public_id), person(request)
    today = books.value_day(row.case.legal_entity, now())
    may_run = user.has_perm(permissions.RUN_LEGAL)
    costs = list(row.costs.select_related("actor", "reversal").order_by("-pk"))
    context = {
        "action": row,
        "today": today,
        "outlook": legal_costs.outlook(row.case, on=today) if row.is_open else None,
        "spent": actions.spent(row),
        "costs": costs,
        "diary": list(row.diary.select_related("actor").order_by("-pk")),
        "letters": list(row.case.letters.order_by("-pk")[:SHOWN]),
        "packs": list(row.packs.select_related("job", "asked_by").order_by("-pk")[:SHOWN]),
        "may_open_pack": user.has_perm(permissions.OPEN_PACK),
        "may_pack": may_run and row.status not in (LegalAction.Status.PROPOSED, LegalAction.Status.REFUSED),
        "may_read": any(user.has_perm(code) for code in READERS),
        "may_decide": row.status == LegalAction.Status.PROPOSED and user.has_perm(permissions.APPROVE_LEGAL) and row.proposed_by_id != user.pk,
        "may_run": may_run and row.status not in (LegalAction.Status.PROPOSED, LegalAction.Status.REFUSED, LegalAction.Status.ENDED),
        "may_cost": may_run and row.status != LegalAction.Status.REFUSED,
        "late": row.next_on is not None and row.next_on < today,
    }  # fmt: skip
    return htmx.render(request, "collections/legal_action.html", "collections/legal_action.html", context)


@needs(permissions.APPROVE_LEGAL)
@require_POST
def decide(request: HttpRequest, public_id: str) -> HttpResponse:
    """Approve a proposal, or do not go on with it."""
    row = found(request, public_id)
    if pressed(request, "approve", "refuse") == "approve":
        actions.approve(row, actor=person(request), at=now())
        messages.success(request, _("The legal action is approved. The work on the case waits; write to the debtor first."))
    else:
        actions.refuse(row, actor=person(request), at=now())
        messages.success(request, _("The proposal is not gone on with."))
    return htmx.go(request, reverse("legal-action", args=[row.public_id]))


@needs(permissions.RUN_LEGAL)
@require_http_methods(["GET", "POST"])
def diary(request: HttpRequest, public_id: str) -> HttpResponse:
    """Write a line of the diary: another stage, the end, or a note."""
    row = found(request, public_id)
    today = books.value_day(row.case.legal_entity, now())
    form = DiaryForm(request.POST or None, action=row, today=today)
    back = reverse("legal-action", args=[row.public_id])
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), Once(person(request), data.pop("form_key"), at=now()) as sent:
            if not sent.again:
                actions.step(row, **data, actor=person(request), at=now())
                sent.result(back)
                messages.success(request, _("The diary is written."))
        if not form.errors:
            return htmx.go(request, sent.location)
    context = {"case": row.case, "title": _("Diary of the legal action"), "label": _("Write into the diary"), "back": back}
    return form.page(request, "collections/relief_form.html", context)


@needs(permissions.RUN_LEGAL)
@require_http_methods(["GET", "POST"])
def cost_new(request: HttpRequest, public_id: str) -> HttpResponse:
    row = found(request, public_id)
    today = books.value_day(row.case.legal_entity, now())
    form = CostForm(request.POST or None, initial={"on": today})
    back = reverse("legal-action", args=[row.public_id])
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), Once(person(request), data.pop("form_key"), at=now()) as sent:
            if not sent.again:
                actions.add_cost(row, **data, actor=person(request), at=now())
                sent.result(back)
                messages.success(request, _("The cost is noted."))
        if not form.errors:
            return htmx.go(request, sent.location)
    context = {"case": row.case, "title": _("Cost of the legal action"), "label": _("Note the cost"), "back": back}
    return form.page(request, "collections/relief_form.html", context)


@needs(permissions.RUN_LEGAL)
@require_POST
def cost_back(request: HttpRequest, public_id: str, number: str) -> HttpResponse:
    """Take back a cost noted by mistake."""
    row = LegalCost.objects.filter(action=found(request, public_id), public_id=number).first() if "\0" not in number else None
    if row is None:
        raise Http404
    actions.take_cost_back(row, actor=person(request), at=now())
    messages.success(request, _("The cost is taken back; both lines stay."))
    return htmx.go(request, reverse("legal-action", args=[public_id]))


@needs(permissions.RUN_LEGAL)
@require_http_methods(["GET", "POST"])
def pack_new(request: HttpRequest, public_id: str) -> HttpResponse:
    """Order a filing pack; a worker makes it."""
    row = found(request, public_id)
    form = PackForm(request.POST or None)
    back = reverse("legal-action", args=[row.public_id])
    if request.method == "POST" and form.is_valid():
        with form.refusals(), Once(person(request), form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                packs.ask(row, reason=form.cleaned_data["reason"], actor=person(request), at=now())
                sent.result(back)
                messages.success(request, _("The filing pack is being made. You can leave this page."))
        if not form.errors:
            return htmx.go(request, sent.location)
    context = {"case": row.case, "title": _("Filing pack"), "label": _("Make the filing pack"), "back": back}
    return form.page(request, "collections/relief_form.html", context)


@needs(permissions.OPEN_PACK)
@require_GET
def pack_file(request: HttpRequest, public_id: str, number: str) -> HttpResponse:
    """Hand a pack out; who opened it stands in the ledger."""
    row = None
    if "\0" not in number:
        row = FilingPack.objects.filter(action=found(request, public_id), public_id=number).select_related("action__case").first()
    if row is None:
        raise Http404
    content = packs.opened(row, actor=person(request), at=now())
    headers = {"Content-Disposition": f'attachment; filename="{row.public_id}.zip"', "Cache-Control": "no-store"}
    return HttpResponse(content, content_type=packs.ZIP, headers=headers)
