"""Pages of the black, grey and watch lists: who keeps them adds, looks for, takes off and brings in a file."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_filters import ChoiceFilter, FilterSet

from crm.lib import forms as crm_forms
from crm.lib import htmx, pages
from crm.lib.errors import Invalid
from crm.lib.permissions import needs
from governance.idempotency import Once
from governance.models import ChangeRequest
from risk import display, list_changes, lists
from risk.models import ListEntry
from risk.permissions import MANAGE_LIST, VIEW_LIST

LARGEST_FILE = 2_000_000
WAITING = 50


class ListFilter(FilterSet):
    list = ChoiceFilter(label=gettext_lazy("Which list"), choices=ListEntry.List.choices, empty_label=display.ANY)
    what = ChoiceFilter(label=gettext_lazy("Kind of value"), choices=ListEntry.What.choices, empty_label=display.ANY)

    class Meta:
        model = ListEntry
        fields = ("list", "what")


class FindForm(crm_forms.Form):
    what = forms.ChoiceField(label=gettext_lazy("Kind of value"), choices=ListEntry.What.choices)
    value = forms.CharField(label=gettext_lazy("Value"), max_length=lists.LONGEST)


class EntryForm(FindForm):
    list = forms.ChoiceField(label=gettext_lazy("Which list"), choices=ListEntry.List.choices)
    source = forms.ChoiceField(label=gettext_lazy("Source"), choices=ListEntry.Source.choices)
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=lists.LONGEST)
    until = forms.DateField(label=gettext_lazy("Until"), required=False, widget=crm_forms.DateInput)

    field_order = ("list", "what", "value", "reason", "source", "until")


class FileForm(crm_forms.Form):
    file = forms.FileField(
        label=gettext_lazy("File (CSV)"), help_text=gettext_lazy("Columns: list, what, value, reason, source, and if wanted since, until.")
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=lists.LONGEST,
        help_text=gettext_lazy("Where the file comes from: the second person reads it."),
    )


class EndForm(crm_forms.Form):
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=lists.LONGEST)


@require_GET
@needs(VIEW_LIST)
def list_entries(request: HttpRequest) -> HttpResponse:
    """Show the entries, the newest first; values are masked, as they are kept nowhere."""
    return _page(request, FindForm(), None)


@require_POST
@needs(VIEW_LIST)
def list_find(request: HttpRequest) -> HttpResponse:
    """Look for one value over all lists; it is posted, so that it stands in no address."""
    form, found = FindForm(request.POST), None
    if form.is_valid():
        with form.refusals():
            found = list(lists.found_by(form.cleaned_data["what"], form.cleaned_data["value"], on=localdate()))
    return _page(request, form, found)


def _page(request: HttpRequest, form: FindForm, found: list[ListEntry] | None) -> HttpResponse:
    rows = ListEntry.objects.visible_to(request.user).for_list()
    page = pages.read(request, rows, sorts={"added": "id", "until": "until"}, default_sort="-added", filters=ListFilter)
    context: dict[str, Any] = {
        "page": page, "find": form, "found": found, "today": localdate(), "may_manage": request.user.has_perm(MANAGE_LIST),
        "waiting": [{"change": one, "name": list_changes.name(one)} for one in list_changes.waiting()[:WAITING]],
    }  # fmt: skip
    return htmx.render(request, "risk/list_entries.html", "risk/_list_entry_rows.html", context)


def _tell(request: HttpRequest, made: ChangeRequest) -> None:
    """Say whether a second person is waited for."""
    if made.status == ChangeRequest.Status.OPEN:
        messages.success(request, _("Proposed: it counts once a second person has confirmed it."))
    else:
        messages.warning(request, _("Nobody else could confirm it: the change is in force, and marked as made alone."))


@require_http_methods(["GET", "POST"])
@needs(MANAGE_LIST)
def list_new(request: HttpRequest) -> HttpResponse:
    """Ask that a value be put on a list."""
    form = EntryForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        told = dict(form.cleaned_data)
        with form.refusals(), Once(request.user, told.pop("form_key"), at=now()) as sent:
            if not sent.again:
                _tell(request, list_changes.propose(**told, actor=request.user, at=now()))  # type: ignore[arg-type]
                sent.result(reverse("list-entries"))
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(request, "risk/list_form.html", {"heading": _("Put on a list"), "label": _("Propose")})


@require_http_methods(["GET", "POST"])
@needs(MANAGE_LIST)
def list_end(request: HttpRequest, public_id: str) -> HttpResponse:
    """Ask that an entry be taken off, with a reason."""
    entry = get_object_or_404(ListEntry.objects.visible_to(request.user), public_id=public_id)
    form = EndForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.refusals():
            _tell(request, list_changes.propose_end(entry, reason=form.cleaned_data["reason"], actor=request.user, at=now()))  # type: ignore[arg-type]
        if not form.errors:
            return htmx.go(request, reverse("list-entries"))
    heading = _("Take %(entry)s off its list") % {"entry": entry}
    return form.page(request, "risk/list_form.html", {"heading": heading, "label": _("Propose"), "entry": entry})


@require_http_methods(["GET", "POST"])
@needs(MANAGE_LIST)
def list_import(request: HttpRequest) -> HttpResponse:
    """Bring in a file: rows that cannot be are told, the others wait together for a second person."""
    form, read, made = FileForm(request.POST or None, request.FILES or None), None, None
    if request.method == "POST" and form.is_valid():
        with form.refusals():
            if form.cleaned_data["file"].size > LARGEST_FILE:
                raise Invalid(_("The file is larger than 2 MB."), fields={"file": _("The file is larger than 2 MB.")})
            read = lists.read_csv(form.cleaned_data["file"].read(), at=now())
            if read.rows:
                told = [row for _number, row in read.rows]
                made = list_changes.propose_file(told, reason=form.cleaned_data["reason"], actor=request.user, at=now())  # type: ignore[arg-type]
        if made is not None and read is not None and not read.problems:
            _tell(request, made)
            return htmx.go(request, reverse("list-entries"))
    context = {
        "heading": _("Bring in a file"),
        "label": _("Read the file and propose its rows"),
        "read": read,
        "made": made,
        "upload": True,
    }
    return form.page(request, "risk/list_form.html", context)
