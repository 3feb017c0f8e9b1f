"""Pages around a list: builder of conditions, columns, saved views, bulk actions, exports."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crm.lib import conditions, htmx, lists, pages
from crm.lib.conditions import Condition, Filter
from crm.lib.forms import Form
from crm.lib.lists import List
from crm.lib.permissions import Forbidden, signed_in
from crm.lib.tables import TABLES
from governance import bulk, bulk_exports, exports, idempotency, permissions, probes, saved_views, table_files
from governance.list_forms import ExportForm, ViewForm
from governance.list_pages import NONE, address, named
from governance.models import ChangeRequest, Export, Job, SavedView
from governance.step_up import steps_up

NUMBERS = range(1, conditions.MOST_GROUPS + 1)


def spec_of(request: HttpRequest, name: str) -> List:
    spec = named(request, name)
    if spec is None:
        raise Http404
    return spec


def asked_of(request: HttpRequest) -> QueryDict:
    """Return the list's own query, carried by the address of these pages as `q`; it holds nothing personal."""
    text = request.POST.get("query", "") if request.method == "POST" else request.GET.get("q", "")
    # the address inside the address is opened once more: a NUL must not come out of it
    return QueryDict(text[:4000].replace("%00", "").replace("\0", ""), mutable=True)


# --- conditions ----------------------------------------------------------------------------------------------------
@signed_in
@require_http_methods(["GET", "POST"])
def builder(request: HttpRequest, name: str) -> HttpResponse:
    """Compose conditions; each button sends the whole form and gets it back changed, `apply` leads to the list."""
    spec = spec_of(request, name)
    params = asked_of(request)
    today = localdate()
    if request.method == "GET":
        where = conditions.parse(params, spec.fields, request.user, today)
        rows = [_row(request, spec, one.group, one.field.key, one.op, one.value) for one in where.conditions]
        rows = rows or [_row(request, spec, 1, spec.fields[0].key, "", "")]
        return _builder(request, spec, params, rows, where.any_of, where.any_group)
    rows = _typed(request, spec)
    any_of = frozenset(number for number in NUMBERS if request.POST.get(f"any{number}") == "or")
    any_group = request.POST.get("between") == "or"
    step, _dot, place = request.POST.get("step", "").partition(".")
    if step == "remove" and place.isdecimal():
        rows = [row for n, row in enumerate(rows) if n != int(place[:4])]
    elif step == "add" and place.isdecimal() and len(rows) < conditions.MOST_CONDITIONS:
        group = min(max(int(place[:4]), 1), conditions.MOST_GROUPS)
        rows.append(_row(request, spec, group, spec.fields[0].key, "", "") | {"fresh": True})
    elif step == "group" and len(rows) < conditions.MOST_CONDITIONS:
        number = max([row["group"] for row in rows], default=0) + 1
        if number <= conditions.MOST_GROUPS:
            rows.append(_row(request, spec, number, spec.fields[0].key, "", "") | {"fresh": True})
    elif step == "apply":
        made = [Condition(row["group"], row["field"], row["op"], row["value"]) for row in rows]
        for row, one in zip(rows, made, strict=True):
            row["wrong"] = "" if conditions.fits(one, request.user, today) else _problem(row)
        if not any(row["wrong"] for row in rows):
            where = Filter(made, any_of, any_group)
            kept = params.copy()
            for key in (*conditions.NAMES, *lists.PASSING):
                kept.pop(key, None)
            for key, value in where.params():
                kept.appendlist(key, value)
            if view := params.get("view"):
                kept["view"] = view
            query = kept.urlencode()
            return htmx.go(request, address(spec, query if made or query else f"view={NONE}"))
        return _builder(request, spec, params, rows, any_of, any_group, status=422)
    return _builder(request, spec, params, rows, any_of, any_group)


def _builder(
    request: HttpRequest,
    spec: List,
    params: QueryDict,
    rows: list[dict[str, Any]],
    any_of: frozenset[int],
    any_group: bool,
    *,
    status: int = 200,
) -> HttpResponse:
    for place, row in enumerate(rows):
        row["place"] = place
    groups = [
        {"number": number, "rows": [row for row in rows if row["group"] == number], "any": number in any_of}
        for number in sorted({row["group"] for row in rows})
    ]
    context = {
        "spec": spec, "groups": groups, "any_group": any_group, "fields": spec.fields, "query": params.urlencode(),
        "more_groups": len(groups) < conditions.MOST_GROUPS, "more_rows": len(rows) < conditions.MOST_CONDITIONS,
        "back": address(spec, params.urlencode()),
    }  # fmt: skip
    return htmx.render(request, "lists/builder.html", "lists/_builder.html", context, status=status)


def _row(request: HttpRequest, spec: List, group: int, key: str, op: str, value: str) -> dict[str, Any]:
    """Return one line of the builder with what its field offers; an operator the field has not becomes its first."""
    field = next((each for each in spec.fields if each.key == key), spec.fields[0])
    if op not in dict(field.operators):
        op, value = field.operators[0][0], ""
    chosen = value.split(",")
    options = [(code, label, code in chosen) for code, label in field.options(request.user)] if field.kind == "choice" else []
    plain = op in conditions.WITHOUT_VALUE
    kind = "" if plain else "days" if op in conditions.IN_DAYS else field.kind
    return {"group": group, "field": field, "op": op, "value": "" if plain else value, "options": options, "kind": kind, "wrong": ""}


def _typed(request: HttpRequest, spec: List) -> list[dict[str, Any]]:
    rows = []
    for place in range(conditions.MOST_CONDITIONS):
        group = request.POST.get(f"group{place}", "")
        if not (group.isdecimal() and len(group) == 1 and int(group) in NUMBERS):
            continue
        key, before = request.POST.get(f"field{place}", ""), request.POST.get(f"was{place}", "")
        value = ",".join(request.POST.getlist(f"value{place}")).strip() if key == before else ""
        rows.append(_row(request, spec, int(group), key, request.POST.get(f"op{place}", ""), value))
    return rows


def _problem(row: dict[str, Any]) -> Any:
    return {
        "choice": _("Choose at least one."),
        "money": _("Write an amount such as 12,000 or 12000.50."),
        "number": _("Write a whole number."),
        "days": _("Write a number of days."),
    }.get(row["kind"], _("Choose a day."))


# --- columns -------------------------------------------------------------------------------------------------------
@signed_in
@require_http_methods(["GET", "POST"])
def columns(request: HttpRequest, name: str) -> HttpResponse:
    """Choose columns and their order; the first one stays first."""
    spec = spec_of(request, name)
    params = asked_of(request)
    known = {column.key: column for column in spec.columns}
    if request.method == "GET":
        chosen = [column.key for column in spec.chosen(params)]
        order = [*chosen, *(key for key in known if key not in chosen)]
        return _columns(request, spec, params, order, chosen)
    order = [key for key in dict.fromkeys(request.POST.getlist("order")) if key in known]
    order += [key for key in known if key not in order]
    chosen = [key for key in order if key in request.POST.getlist("shown") or key == spec.columns[0].key]
    step, _dot, key = request.POST.get("step", "").partition(".")
    if step in ("up", "down") and key in order[1:]:
        here = order.index(key)
        there = here + (1 if step == "down" else -1)
        if 1 <= there < len(order):
            order[here], order[there] = order[there], order[here]
        return _columns(request, spec, params, order, chosen)
    params.pop("cols", None)
    if step != "reset":
        params["cols"] = ",".join(key for key in order if key in chosen)
    for key in ("after", "before"):
        params.pop(key, None)
    return htmx.go(request, address(spec, params.urlencode()))


def _columns(request: HttpRequest, spec: List, params: QueryDict, order: list[str], chosen: list[str]) -> HttpResponse:
    known = {column.key: column for column in spec.columns}
    rows = [{"column": known[key], "shown": key in chosen, "first": key == spec.columns[0].key} for key in order]
    context = {"spec": spec, "rows": rows, "query": params.urlencode(), "back": address(spec, params.urlencode())}
    return htmx.render(request, "lists/columns.html", "lists/_columns.html", context)


# --- saved views ---------------------------------------------------------------------------------------------------
@signed_in
@require_http_methods(["GET", "POST"])
def view_save(request: HttpRequest, name: str) -> HttpResponse:
    """Save what the list shows under a new name, or change an own view (`?view=`)."""
    spec = spec_of(request, name)
    user: Any = request.user
    params = asked_of(request)
    today = localdate()
    query = lists.canonical(spec, params, user, today)
    view = SavedView.objects.visible_to(user).filter(list=spec.name, owner=user, public_id=request.GET.get("view", "")).first()
    form = ViewForm(request.POST if request.method == "POST" else None, user=user, view=view, query=params.urlencode())
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        given = {"name": data["name"], "team": data.get("team"), "pinned": data["pinned"], "is_default": data["is_default"], "query": query}
        with form.refusals(), idempotency.Once(user, data["form_key"], at=now()) as sent:
            if not sent.again:
                if view is not None:
                    done = saved_views.change(view, actor=user, at=now(), version=data["version"] or 0, **given)
                else:
                    done = saved_views.create(list_name=spec.name, actor=user, at=now(), **given)
                sent.result(address(spec, f"view={done.public_id}"))
                messages.success(request, _("The view is saved."))
        if not form.errors:
            return htmx.go(request, sent.location)
    context = {"spec": spec, "view": view, "back": address(spec, params.urlencode())}
    return form.page(request, "lists/view.html", context, part="lists/_view.html")


@signed_in
@require_POST
def view_change(request: HttpRequest, public_id: str) -> HttpResponse:
    """Keep the list as it stands now under the view it came from, or delete the view."""
    user: Any = request.user
    view = get_object_or_404(SavedView.objects.visible_to(user).select_related("owner"), public_id=public_id)
    spec = spec_of(request, view.list)
    if request.POST.get("step") == "delete":
        saved_views.delete(view, actor=user, at=now())
        messages.success(request, _("The view is deleted."))
        return htmx.go(request, address(spec, f"view={NONE}"))
    query = lists.canonical(spec, asked_of(request), user, localdate())
    saved_views.change(view, actor=user, at=now(), version=view.version, query=query, keep_team=True)
    messages.success(request, _("The view is saved."))
    return htmx.go(request, address(spec, f"view={public_id}"))


# --- many rows -----------------------------------------------------------------------------------------------------
@signed_in
@require_POST
def bulk_start(request: HttpRequest, name: str, action: str) -> HttpResponse:
    """Say how many rows it would be and ask what is needed; confirmed, fix the rows and begin."""
    spec = spec_of(request, name)
    user: Any = request.user
    found = spec.actions.get(action)
    if found is None:
        raise Http404
    if not user.has_perm(found.permission):
        raise Forbidden(found.permission)
    params = asked_of(request)
    every = request.POST.get("every") == "yes"
    chosen = request.POST.getlist("row")
    rows = spec.narrowed(params, request, localdate()) if every else chosen_rows(spec, user, chosen[: found.most])
    number, more = pages.capped(rows, found.most)
    sure = request.POST.get("sure") == "yes"
    made = found.form(user) if found.form else Form
    form = made(request.POST) if sure else made()
    if sure and form.is_valid():
        data = {key: value for key, value in form.cleaned_data.items() if key != "form_key"}
        with form.refusals(), idempotency.Once(user, form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                ids = bulk.pick(found, rows)
                run = bulk.start(
                    spec, found, ids=ids, values={key: getattr(value, "pk", value) for key, value in data.items()}, actor=user, at=now()
                )
                sent.result(reverse("list-job", args=[run.job.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    context = {
        "spec": spec, "action": found, "number": number, "capped": more, "every": every, "chosen": [] if every else chosen[: found.most],
        "query": params.urlencode(), "back": address(spec, params.urlencode()),
    }  # fmt: skip
    return form.page(request, "lists/bulk.html", context, part="lists/_bulk.html")


def chosen_rows(spec: List, user: Any, chosen: list[str]) -> Any:
    """Return the rows that were ticked.

    :raises Http404: if one of them is not there, or not this person's; who asked for another's is noted
    """
    wanted = {public_id for public_id in chosen if "\0" not in public_id}
    rows = spec.rows(user).filter(public_id__in=wanted)
    strange = wanted - set(rows.values_list("public_id", flat=True))
    for public_id in sorted(strange):
        probes.note(rows.model, user, public_id, at=now())
    if strange:
        raise Http404
    return rows


@signed_in
@require_GET
def list_job(request: HttpRequest, public_id: str) -> HttpResponse:
    """Progress of the own work on many rows or of an own export; the file where there is one."""
    user: Any = request.user
    rows = Job.objects.filter(started_by=user, kind__in=[bulk.KIND, exports.KIND]).select_related("bulk_run", "export")
    job = get_object_or_404(rows, public_id=public_id)
    export: Export | None = getattr(job, "export", None)
    run = getattr(job, "bulk_run", None)
    name = export.list if export else run.list if run else ""
    spec = table_files.source(name)
    context = {
        "job": job, "export": export, "spec": spec, "poll_url": reverse("list-job", args=[public_id]), "back": _back(spec),
        "ready": export is not None and export.content is not None and export.expires_at > now(),
    }  # fmt: skip
    return htmx.render(request, "lists/job.html", "lists/_job.html", context)


def _back(spec: Any) -> str:
    if spec is None:
        return "/"
    return reverse(spec.url_name) if isinstance(spec, List) else str(spec.address())


# --- export --------------------------------------------------------------------------------------------------------
@signed_in
@require_http_methods(["GET", "POST"])
@steps_up
def export_ask(request: HttpRequest, name: str) -> HttpResponse:
    """Ask what for and why; then a worker writes the file."""
    spec = spec_of(request, name)
    user: Any = request.user
    if not user.has_perm(spec.export_permission):
        raise Forbidden(spec.export_permission)
    params = asked_of(request)
    query = lists.canonical(spec, params, user, localdate())
    form = ExportForm(
        request.POST if request.method == "POST" else None,
        uses=exports.use_choices(spec, spec.chosen(params)),
        initial={"query": params.urlencode()},
    )
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(user, data["form_key"], at=now()) as sent:
            if not sent.again:
                made = bulk_exports.order(
                    spec, query=query, columns=spec.chosen(params), purpose=data["purpose"], reason=data["reason"], actor=user, at=now(),
                    language=get_language() or "", use=data.get("use", ""),
                )  # fmt: skip
                sent.result(_export_page(request, made, address(spec, params.urlencode())))
        if not form.errors:
            return htmx.go(request, sent.location)
    number, more = pages.capped(spec.narrowed(params, request, localdate()), exports.MOST)
    context = {
        "spec": spec, "number": number, "capped": more, "columns": spec.chosen(params), "back": address(spec, params.urlencode()),
        "alone": bulk_exports.alone(at=now()),
    }  # fmt: skip
    return form.page(request, "lists/export.html", context, part="lists/_export.html")


def _export_page(request: HttpRequest, made: Export | ChangeRequest, back: str) -> str:
    """Return where to go with a file that is ordered: to its job, or to the change that waits, for who may read changes."""
    if isinstance(made, Export):
        return reverse("list-job", args=[made.work.public_id])
    messages.success(request, _("So many rows wait for a second person. You are told when the file is being written."))
    user: Any = request.user
    return reverse("change", args=[made.public_id]) if user.has_perm(permissions.VIEW_CHANGE) else back


@signed_in
@require_GET
def export_file(request: HttpRequest, public_id: str) -> HttpResponse:
    """The file itself, for who ordered it, for a day."""
    user: Any = request.user
    export, content = exports.fetch(public_id, actor=user, at=now())
    form = table_files.form_of(export.query) if export.list in TABLES else table_files.CSV
    name = f"{export.list}-{export.public_id}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return HttpResponse(content, content_type=table_files.TYPES[form], headers=headers)
