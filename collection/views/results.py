"""Results of collections: every measure with what it is over what, as pictures, tables, a file; each figure leads to its cases."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import get_language
from django.views.decorators.http import require_GET, require_http_methods

from collection import charts, permissions, queues, result_report
from collection.models import Case, Promise
from collection.result_forms import TABLE, FileForm
from collection.views.work import person
from crm.lib import htmx
from crm.lib.permissions import needs
from governance import exports, idempotency, table_files
from governance.step_up import steps_up

DAYS = 30


@needs(permissions.VIEW_RESULT)
@require_GET
def results(request: HttpRequest) -> HttpResponse:
    """Show the measures of the last months, then what is overdue by bucket, what became of promises, what came in by day."""
    user, at = person(request), now()
    on = queues.today(user, at)
    cases, promises = Case.objects.visible_to(user), Promise.objects.visible_to(user)
    found = result_report.read(user, request.GET, at=at)
    shown = [
        charts.by_bucket(cases, on=on),
        charts.promises(promises, since=on - timedelta(days=90), on=on),
        charts.collected(cases, days=DAYS, on=on),
    ]
    drills = user.has_perm(permissions.VIEW)
    if not drills:  # sums are for who steers; whose they are is told to those alone who may see cases
        shown = [chart | {"rows": [row | {"url": ""} for row in chart["rows"]]} for chart in shown]
    context: dict[str, Any] = {
        "charts": shown, "drills": drills, "found": found, "spans": result_report.SPANS, "ways": list(result_report.ways(user).items()),
        "row_word": result_report.BY_WORDS[found.asked.by], "query": urlencode({"months": found.span, "by": found.asked.by}),
        "may_export": request.user.has_perm(permissions.EXPORT),
    }  # fmt: skip
    return htmx.render(request, "collections/results.html", "collections/results.html", context)


@needs(permissions.EXPORT)
@require_http_methods(["GET", "POST"])
@steps_up
def results_file(request: HttpRequest) -> HttpResponse:
    """Ask what for, why and in which form; then a worker writes the file."""
    user = person(request)
    text = request.POST.get("query", "") if request.method == "POST" else request.GET.urlencode()
    span, by = result_report.chosen(user, QueryDict(text[:200].replace("%00", "")))
    query = urlencode({"months": span, "by": by})
    form = FileForm(request.POST if request.method == "POST" else None, uses=[], initial={"query": query, "form": table_files.XLSX})
    back = f"{reverse('collection-results')}?{query}"
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(user, data["form_key"], at=now()) as sent:
            if not sent.again:
                made = exports.ask_table(
                    TABLE, query=query, form=data["form"], purpose=data["purpose"], reason=data["reason"], actor=user, at=now(),
                    language=get_language() or "",
                )  # fmt: skip
                sent.result(reverse("list-job", args=[made.job.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(request, "collections/results_file.html", {"back": back}, part="collections/_results_file.html")
