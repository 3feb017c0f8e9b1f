"""Pages of the customer: list, search, file, what may be opened, consents, notes, timeline."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from crm.lib import htmx, pages
from crm.lib.errors import Stale
from crm.lib.permissions import needs
from customers import consents, duplicates, guarded, index, notes, panels, permissions, profiles, reveals, timeline
from customers.forms import ChangeCustomerForm, ConsentForm, FindForm, NewCustomerForm, NoteForm, RevealForm
from customers.lists import CUSTOMERS
from customers.models import Customer, DataClass, Purpose
from customers.reveals import Field
from governance import access, idempotency, list_pages, uses
from governance.models import Partner
from governance.models.identity import Level, chinese
from governance.step_up import steps_up

FOUND_AT_MOST = 50
REVEALED_SECONDS = 60
NOTES_SHOWN = 20


def file_of(request: HttpRequest, public_id: str) -> Customer:
    """Return the customer an address names, read for keeping the file, if this person may see it; else 404 as for an unknown one.

    :raises uses.UnlawfulUse: if that purpose needs a consent that was not given
    """
    rows = Customer.objects.select_related("branch", "owner", "legal_entity", "partner")
    found: Customer = rows.get_for(request.user, public_id)
    uses.bind([found], profiles.READ_FOR, actor=request.user, at=now())
    return found


@needs(permissions.VIEW)
def customer_list(request: HttpRequest) -> HttpResponse:
    context = {
        "page": list_pages.read(request, CUSTOMERS, at=now()),
        "find": FindForm(),
        "icon_name": "customers",
        "empty_text": _("No customers yet. A file opens with the first application."),
        "new_url": reverse("customer-new") if request.user.has_perm(permissions.ADD) else "",
        "new_label": _("New customer"),
    }
    return htmx.render(request, "customers/list.html", "lists/_part.html", context)


@needs(permissions.VIEW)
@require_POST
def customer_find(request: HttpRequest) -> HttpResponse:
    """Search exactly; a single hit opens at once."""
    form = FindForm(request.POST)
    if not form.is_valid():
        return htmx.go(request, reverse("customer-list"))
    text = form.cleaned_data["text"]
    hits = index.exactly(text, user=request.user, at=now(), most=FOUND_AT_MOST)
    uses.bind(hits, profiles.READ_FOR, actor=request.user, at=now())
    if len(hits) == 1:
        return htmx.go(request, reverse("customer", args=[hits[0].public_id]))
    page = pages.Page(rows=hits, count=len(hits), capped=False, sort="-created", sorts={})
    context = {"page": page, "today": localdate(), "searched": True, "find": form}
    return htmx.render(request, "customers/list.html", "customers/_rows.html", context)


@needs(permissions.ADD)
def customer_new(request: HttpRequest) -> HttpResponse:
    """Open a file; where others look like the same person's, only with a reason that is kept."""
    form = NewCustomerForm(request.POST or None, user=request.user)
    found = duplicates.Found()
    if request.method == "POST" and form.is_valid():
        data = {name: value for name, value in form.cleaned_data.items() if name not in ("form_key", "despite")}
        with form.refusals(), idempotency.Once(request.user, form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                found = alike(request)
                made = profiles.create(**data, actor=request.user, at=now())
                if found:
                    duplicates.overrule(made, found=found, reason=form.cleaned_data["despite"], actor=request.user, at=now())
                sent.result(reverse("customer", args=[made.public_id]))
                messages.success(request, _("The file is open."))
        if not form.errors:
            return htmx.go(request, sent.location)
    found = found or (alike(request) if form.is_bound else found)
    form.fields["despite"].required = bool(found)
    return form.page(request, "customers/form.html", {"found": found})


def alike(request: HttpRequest) -> duplicates.Found:
    """Return the files that look like the person typed in."""
    entity = request.user.team.legal_entity_id if request.user.team else None
    found = duplicates.look(request.POST.dict(), user=request.user, legal_entity_id=entity)
    return found.read_for(profiles.READ_FOR, actor=request.user, at=now())


@needs(permissions.ADD)
@require_POST
def customer_duplicates(request: HttpRequest) -> HttpResponse:
    """The hits while somebody types; what is typed travels in the body only."""
    form = NewCustomerForm(user=request.user, initial={"despite": request.POST.get("despite", "")[:500]})
    form.fields["despite"].required = True
    context = {"found": alike(request), "form": form}
    return htmx.part(request, "customers/_duplicates.html", context)


@needs(permissions.CHANGE)
def customer_edit(request: HttpRequest, public_id: str) -> HttpResponse:
    customer = file_of(request, public_id)
    form = ChangeCustomerForm(request.POST or None, customer=customer, user=request.user)
    context: dict[str, Any] = {"customer": customer}
    if request.method == "POST" and form.is_valid():
        try:
            with form.refusals():
                profiles.update(customer, actor=request.user, at=now(), version=form.cleaned_data["version"], **form.changes())
        except Stale as error:
            # The typed values stay; sending again after reading what changed keeps mine.
            typed = request.POST.copy()
            typed["version"] = str(error.extra["version"])
            again = ChangeCustomerForm(typed, customer=customer, user=request.user)
            rows = [row | {"label": again.fields[row["field"]].label} for row in error.extra["changes"]]
            context |= {"form": again, "message": error.message, "changes": rows}
            return htmx.render(request, "customers/form.html", "customers/form.html", context, status=409)
        if not form.errors:
            messages.success(request, _("The file is changed."))
            return htmx.go(request, reverse("customer", args=[customer.public_id]))
    return form.page(request, "customers/form.html", context)


@needs(permissions.VIEW)
def customer(request: HttpRequest, public_id: str) -> HttpResponse:
    found = file_of(request, public_id)
    context = {
        "customer": found,
        "today": localdate(),
        "panels": panels.open_to(request.user, found.public_id),
        "identity": identity(request, found),
        "consent_rows": consent_rows(found),
        "timeline": timeline.of(found.pk, request.user),
        "twins": duplicates.of(found, user=request.user).read_for(profiles.READ_FOR, actor=request.user, at=now()),
        "note_form": NoteForm(),
        "notes": found.notes.select_related("author").order_by("-at", "-pk")[:NOTES_SHOWN],
    }
    return htmx.render(request, "customers/page.html", "customers/page.html", context)


def identity(request: HttpRequest, found: Customer) -> list[dict[str, Any]]:
    """Return the masked values with the address that opens each, for those who may."""
    return [
        {
            "field": field.value,
            "label": field.label,
            "value": profiles.shown(found, field.value),
            "url": reverse("customer-reveal", args=[found.public_id, field.value])
            if found.erased_at is None and access.may(request.user, guarded.of(field.value), Level.REVEAL)
            else "",
        }
        for field in Field
    ]


@needs(permissions.VIEW)
def customer_masked(request: HttpRequest, public_id: str, field: str) -> HttpResponse:
    """The masked value again, after its minute is over."""
    found = file_of(request, public_id)
    rows = [row for row in identity(request, found) if row["field"] == field]
    if not rows:
        raise Http404
    return htmx.part(request, "customers/_masked.html", {"row": rows[0]})


@needs(permissions.REVEAL)
@steps_up
def customer_reveal(request: HttpRequest, public_id: str, field: str) -> HttpResponse:
    """Ask for purpose and reason, then show one value for a minute."""
    found = file_of(request, public_id)
    if field not in Field.values:
        raise Http404
    form = RevealForm(request.POST or None, column=field)
    context = {"customer": found, "field": field, "label": Field(field).label}
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals():
            value = reveals.reveal(found, field=field, purpose=data["purpose"], reason=data["reason"], actor=request.user, at=now())
        if not form.errors:
            shown = {
                "value": value,
                "label": Field(field).label,
                "key": field,
                "seconds": REVEALED_SECONDS,
                "back_url": reverse("customer-masked", args=[found.public_id, field]),
            }
            if not htmx.wants_part(request):
                return htmx.render(request, "customers/revealed.html", "customers/revealed.html", context | {"shown": shown})
            return htmx.after(htmx.part(request, "parts/_reveal.html", shown), close_dialog=True)
    response = form.page(request, "customers/reveal.html", context, part="customers/_reveal.html")
    if form.is_bound:
        response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#dialog", "innerHTML"
    return response


def consent_rows(found: Customer) -> list[dict[str, Any]]:
    """Return each purpose with its newest consent."""
    newest: dict[str, Any] = {}
    for given in found.consents.select_related("recipient").order_by("given_at", "pk"):
        newest[given.purpose] = given
    today = localdate()
    rows = []
    for purpose in Purpose:
        consent = newest.get(purpose.value)
        live = bool(consent and not consent.withdrawn_at and (not consent.expires_on or consent.expires_on > today))
        recipient = consent.recipient.public_id if consent and consent.recipient else ""
        rows.append({"purpose": purpose.value, "label": purpose.label, "consent": consent, "live": live, "recipient": recipient})
    return rows


@needs(permissions.CONSENT)
def consent_give(request: HttpRequest, public_id: str, purpose: str) -> HttpResponse:
    """Record a consent under the text in force."""
    found = file_of(request, public_id)
    if purpose not in Purpose.values:
        raise Http404
    text = consents.text_for(purpose, on=localdate())
    partners = Partner.objects.filter(legal_entity=found.legal_entity_id, is_active=True).order_by("name")
    form = ConsentForm(
        request.POST or None,
        initial={"purpose": purpose, "channel": found.channel},
        partners=partners if purpose == Purpose.SHARING else None,
    )
    if request.method == "POST" and form.is_valid():
        with form.refusals():
            consents.give(
                found, purpose=purpose, actor=request.user, at=now(), channel=form.cleaned_data["channel"], version=text.version,
                recipient=form.cleaned_data.get("recipient"),
            )  # fmt: skip
        if not form.errors:
            messages.success(request, _("The consent is recorded."))
            return htmx.go(request, reverse("customer", args=[found.public_id]))
    context = {
        "customer": found,
        "purpose": purpose,
        "label": Purpose(purpose).label,
        "text": text,
        "words": text.text_zh if chinese() else text.text_en,
        "classes": [dict(DataClass.choices).get(code, code) for code in text.data_classes],
    }
    return form.page(request, "customers/consent.html", context, part="customers/_consent.html")


@needs(permissions.NOTE)
@require_POST
def note_add(request: HttpRequest, public_id: str) -> HttpResponse:
    found = file_of(request, public_id)
    form = NoteForm(request.POST)
    url = reverse("customer", args=[found.public_id])
    if form.is_valid():
        with form.refusals(), idempotency.Once(request.user, form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                notes.add(found, text=form.cleaned_data["text"], actor=request.user, at=now())
                sent.result(url)
        if not form.errors:
            form = NoteForm()
    rows = found.notes.select_related("author").order_by("-at", "-pk")[:NOTES_SHOWN]
    if not htmx.wants_part(request) and not form.is_bound:
        return htmx.go(request, f"{url}#notes")
    context = {"customer": found, "note_form": form, "notes": rows}
    return form.page(request, "customers/notes.html", context, part="customers/_notes.html")


@needs(permissions.VIEW)
def customer_timeline(request: HttpRequest, public_id: str) -> HttpResponse:
    """The timeline by itself: of one kind, or what came before a page of it."""
    found = file_of(request, public_id)
    before, chosen = request.GET.get("before", ""), request.GET.get("kind", "")
    if before and (not before.isdecimal() or len(before) > 18):
        raise Http404
    shown = timeline.of(found.pk, request.user, before=int(before) if before else None, chosen=chosen)
    context = {"customer": found, "timeline": shown, "later": bool(before)}
    return htmx.render(request, "customers/timeline.html", "customers/_timeline.html", context)
