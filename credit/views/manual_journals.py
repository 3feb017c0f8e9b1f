"""Journals by hand as people see them: what was written, what waits, the proposal of one and of its taking back."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_GET

from credit import manual_journals
from credit.manual_journal_forms import ManualJournalForm, TakeBackForm
from credit.models import Journal, ManualJournal
from credit.permissions import MANAGE_BOOKS, VIEW_BOOKS
from credit.views import Asked
from credit.views.closing import entity_of
from crm.lib import htmx, pages
from crm.lib.permissions import needs
from governance import changes, idempotency
from governance.models import ChangeRequest


@needs(VIEW_BOOKS)
@require_GET
def manual_journal_list(request: Asked) -> HttpResponse:
    """List the journals that people wrote, the latest first, and what waits for a second person."""
    entity = entity_of(request)
    rows = ManualJournal.objects.visible_to(request.user).filter(journal__legal_entity=entity)
    found = rows.select_related("journal", "made_by", "confirmed_by", "reverses").prefetch_related("journal__lines")
    page = pages.read(request, found, sorts={"date": "journal__business_date"}, default_sort="-date")
    for row in page.rows:
        row.sum = sum(line.amount for line in row.journal.lines.all() if line.amount > 0)
    context = {
        "page": page,
        "waiting": [{"change": one, "name": manual_journals.name(one.subject, one.after)} for one in manual_journals.waiting(entity)],
        "may_manage": request.user.has_perm(MANAGE_BOOKS),
        "tab": "manual-journal-list",
    }
    return htmx.render(request, "credit/books/manual.html", "credit/books/_manual_rows.html", context)


@needs(MANAGE_BOOKS)
def manual_journal_new(request: Asked) -> HttpResponse:
    """Propose a journal."""
    entity = entity_of(request)
    form = ManualJournalForm(request.POST or None, entity=entity)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                made = manual_journals.propose(
                    entity, day=data["day"], lines=form.lines(), reason=data["reason"], document=data["document"], text=data["text"],
                    actor=request.user, at=now(),
                )  # fmt: skip
                told(request, made)
                sent.result(reverse("change", args=[made.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(request, "credit/books/manual_form.html", _context(request, _("New journal")))


@needs(MANAGE_BOOKS)
def manual_journal_reverse(request: Asked, public_id: str) -> HttpResponse:
    """Propose to take a journal back."""
    entity = entity_of(request)
    found: Any = Journal.objects.filter(legal_entity=entity, source=Journal.Source.MANUAL).get_for(request.user, public_id)
    if not ManualJournal.objects.filter(journal=found, reverses=None).exists():
        raise Http404
    form = TakeBackForm(request.POST or None, initial={"day": entity.business_date})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                made = manual_journals.propose_reversal(
                    found, day=data["day"], document=data["document"], text=data["text"], actor=request.user, at=now()
                )
                told(request, made)
                sent.result(reverse("change", args=[made.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(request, "credit/books/form.html", _context(request, _("Take back %(journal)s") % {"journal": found.public_id}))


def _context(request: Asked, title: str) -> dict[str, Any]:
    return {
        "title": title,
        "back": reverse("manual-journal-list"),
        "back_label": pgettext("books", "By hand"),
        "checkers": bool(changes.checkers(manual_journals.KIND, but=request.user)),
    }


def told(request: Asked, made: ChangeRequest) -> None:
    """Say whether a second person is needed."""
    if made.status == ChangeRequest.Status.OPEN:
        messages.success(request, _("Proposed: a second person confirms or refuses it."))
    else:
        messages.warning(request, _("Nobody else could confirm it: the change is in force, and marked as made alone."))
