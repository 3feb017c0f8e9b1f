"""Backtests: the list, one with its report, a new one, stopping one, its applications that changed sides."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_filters import ChoiceFilter, FilterSet

from crm.lib import htmx, pages, tables
from crm.lib.permissions import needs
from governance import exports
from governance.idempotency import Once
from governance.step_up import steps_up
from risk import backtest_charts, backtest_rows, backtest_tables, backtests, display
from risk.backtest_forms import BacktestForm, FileForm, SimulationForm
from risk.backtest_report import OUTCOME_WORDS, Report, side_names
from risk.models import Backtest
from risk.permissions import REPLAY_DECISION, RUN_BACKTEST, VIEW_STRATEGY


class BacktestFilter(FilterSet):
    kind = ChoiceFilter(label=display.KIND, choices=Backtest.Kind.choices, empty_label=display.ANY)
    status = ChoiceFilter(label=display.STATUS, choices=Backtest.Status.choices, empty_label=display.ANY)

    class Meta:
        model = Backtest
        fields = ("kind", "status")


def found(request: HttpRequest, public_id: str) -> Backtest:
    rows = Backtest.objects.visible_to(request.user).select_related("job", "strategy", "created_by")
    return get_object_or_404(rows, public_id=public_id.replace("\0", ""))


@require_GET
@needs(VIEW_STRATEGY)
def backtest_list(request: HttpRequest) -> HttpResponse:
    """List backtests and simulations, newest first."""
    rows = Backtest.objects.visible_to(request.user).for_list()
    page = pages.read(request, rows, sorts={"made": "id", "size": "total"}, default_sort="-made", filters=BacktestFilter)
    context = {"page": page, "may_run": request.user.has_perm(RUN_BACKTEST), "closed": request.user.scope != "all"}
    return htmx.render(request, "risk/backtest_list.html", "risk/_backtest_rows.html", context)


@require_GET
@needs(VIEW_STRATEGY)
def backtest(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a backtest: how far it is, and what came out. The part is asked for while it runs."""
    one = found(request, public_id)
    if request.GET.get("waiting") and htmx.wants_part(request) and one.status != Backtest.Status.RUNNING:
        return htmx.go(request, reverse("backtest", args=[public_id]))  # the head of the page has changed too: it is opened anew
    report = Report(one, by=request.GET.get("by", "")[:40])
    context: dict[str, Any] = {
        "backtest": one, "job": one.job, "report": report, "population": backtest_rows.population_words(one, report.language),
        "sides": list(zip(report.arms, side_names(report.arms), strict=True)), "running": one.status == Backtest.Status.RUNNING,
        "may_run": request.user.has_perm(RUN_BACKTEST), "outcome_words": OUTCOME_WORDS,
    }  # fmt: skip
    if not context["running"] and report.total:
        context |= {
            "charts": backtest_charts.every(report), "by_chart": backtest_charts.by_group(report, report.by) if report.by else None,
            "group_rows": report.groups(report.by) if report.by else [], "money": report.money(), "absent": report.absent(),
            "dimensions": [(name, report.dimension(name)) for name in report.dimensions], "fairness": report.fairness(),
            "swaps": [{"side": side, "matrix": report.matrix(side), "reasons": report.reasons(side)} for side in report.candidates],
        }  # fmt: skip
    return htmx.render(request, "risk/backtest.html", "risk/_backtest.html", context)


@require_GET
@needs(VIEW_STRATEGY)
def backtest_flips(request: HttpRequest, public_id: str) -> HttpResponse:
    """List the applications that one side decides otherwise than the first; each leads to its decision."""
    one = found(request, public_id)
    report = Report(one)
    side = backtest_rows.number(request.GET.get("side", ""), default=1, most=max(1, len(report.columns) - 1))
    move = request.GET.get("move", "")
    start = backtest_rows.number(request.GET.get("from", ""), default=0, most=one.total)
    rows, following = backtest_rows.flips(one, side=side, move=move, start=start)
    context = {
        "backtest": one, "report": report, "rows": backtest_rows.shown(one, rows, side, report), "side": side, "move": move, "start": start,
        "following": following, "moves": backtest_rows.moves(report, side) if report.columns else [], "names": [column.name for column in report.columns],
        "may_open": request.user.has_perm(REPLAY_DECISION), "base_name": report.base.name if report.columns else "",
    }  # fmt: skip
    return htmx.render(request, "risk/backtest_flips.html", "risk/backtest_flips.html", context)


@require_http_methods(["GET", "POST"])
@needs(RUN_BACKTEST)
def backtest_new(request: HttpRequest) -> HttpResponse:
    """Ask what would have happened: versions, period, segment."""
    form = BacktestForm(request.POST if request.method == "POST" else None, initial={"version_1": request.GET.get("version", "")[:40]})
    if request.method == "POST" and form.is_valid():
        with form.refusals(), Once(request.user, form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                made = backtests.ask(**form.ordered(), population=form.population(), actor=request.user, at=now())
                sent.result(reverse("backtest", args=[made.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(request, "risk/backtest_new.html", {"pairs": form.pairs})


@require_http_methods(["GET", "POST"])
@needs(RUN_BACKTEST)
def backtest_simulate(request: HttpRequest) -> HttpResponse:
    """Ask what would happen to a made population: drawn and changed, or uploaded."""
    posted = request.method == "POST"
    form = SimulationForm(
        request.POST if posted else None, request.FILES if posted else None, initial={"version_1": request.GET.get("version", "")[:40]}
    )
    if posted and form.is_valid():
        with form.refusals(), Once(request.user, form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                made = backtests.simulate(**form.ordered(), population=form.population(), actor=request.user, at=now())
                sent.result(reverse("backtest", args=[made.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(request, "risk/backtest_simulate.html", {"pairs": form.pairs})


@needs(RUN_BACKTEST)
@require_http_methods(["GET", "POST"])
@steps_up
def backtest_file(request: HttpRequest, public_id: str) -> HttpResponse:
    """Ask what for, why and in which form; then a worker writes the file of all applications."""
    one = found(request, public_id)
    form = FileForm(request.POST if request.method == "POST" else None, uses=[])
    back = reverse("backtest", args=[one.public_id])
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                made = exports.ask_table(
                    tables.TABLES[backtest_tables.NAME], query=f"backtest={one.public_id}", form=data["form"], purpose=data["purpose"],
                    reason=data["reason"], actor=request.user, at=now(), language=get_language() or "",
                )  # fmt: skip
                sent.result(reverse("list-job", args=[made.job.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(request, "risk/backtest_file.html", {"backtest": one, "back": back}, part="risk/_backtest_file.html")


@require_POST
@needs(RUN_BACKTEST)
def backtest_cancel(request: HttpRequest, public_id: str) -> HttpResponse:
    """Stop a backtest that runs; what is done stays."""
    one = backtests.cancel(found(request, public_id), actor=request.user, at=now())
    messages.success(request, _("The backtest is stopped."))
    return htmx.go(request, reverse("backtest", args=[one.public_id]))
