"""Scores of cases: what stands on a case, which models make them, and backtests of the queue's order."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from collection import permissions, queue_backtests, score_rows, score_words, scores
from collection.models import Case, CaseScore, QueueBacktest
from collection.views.policy import entity_of
from collection.views.work import person
from credit import books
from crm.lib import forms as crm_forms
from crm.lib import htmx
from crm.lib.permissions import needs
from governance.idempotency import Once
from risk.models import ScorecardVersion
from risk.permissions import VIEW_STRATEGY

SHOWN = 10
BY = {scores.CURE: "cure_by", scores.ROLL: "roll_by"}


class BacktestForm(crm_forms.Form):
    """Of which day, and how many days of cash after it."""

    day = forms.DateField(label=_("Day whose cases are ordered"), widget=crm_forms.DateInput)
    days = forms.IntegerField(label=_("Days whose cash is counted"), min_value=1, max_value=180, initial=30)


@require_GET
@needs(permissions.VIEW)
def case_scores(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show what the last night reckoned for one case."""
    case = get_object_or_404(Case.objects.visible_to(request.user), public_id=public_id)
    row = CaseScore.objects.filter(case=case).first()
    lines = score_words.of_case(row, cure_days=scores.cure_days(row.as_of.date()), roll_days=score_rows.ROLL_DAYS) if row else []
    return htmx.part(request, "collections/_scores.html", {"row": row, "lines": lines, "case": case})


@require_GET
@needs(permissions.VIEW_TREATMENT)
def home(request: HttpRequest) -> HttpResponse:
    """Show the models with their figures, how many cases each scores, and the backtests."""
    return page(request, BacktestForm(initial={"day": books.value_day(entity_of(request), now()) - timedelta(days=30)}))


def page(request: HttpRequest, form: BacktestForm, status: int = 200) -> HttpResponse:
    entity = entity_of(request)
    models = []
    for code, words in scores.WORDS.items():
        version = scores.live(code)
        newest = (
            ScorecardVersion.objects.filter(scorecard__code=code).defer("content").select_related("scorecard").order_by("-number").first()
        )
        shown = version or newest
        held = shown.metrics | shown.metrics["holdout"] if shown else {}
        by = dict(CaseScore.objects.filter(case__legal_entity=entity).values_list(BY[code]).annotate(n=Count("pk")))
        models.append(
            {
                "what": words,
                "live": version,
                "newest": newest,
                "held": held,
                "by_model": by.get("model", 0),
                "by_bucket": by.get("bucket", 0),
            }
        )
    context: dict[str, Any] = {
        "models": models, "backtests": QueueBacktest.objects.filter(legal_entity=entity).select_related("job", "made_by").order_by("-pk")[:SHOWN],
        "form": form, "may_change": request.user.has_perm(permissions.CHANGE_TREATMENT), "may_models": request.user.has_perm(VIEW_STRATEGY),
    }  # fmt: skip
    answer = htmx.render(request, "collections/scores.html", "collections/scores.html", context)
    answer.status_code = status
    return answer


@require_POST
@needs(permissions.CHANGE_TREATMENT)
def backtest_new(request: HttpRequest) -> HttpResponse:
    """Order a backtest; its page shows how far it is."""
    form = BacktestForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        with form.refusals(), Once(person(request), data["form_key"], at=now()) as sent:
            if not sent.again:
                made = queue_backtests.start(entity_of(request), day=data["day"], days=data["days"], actor=person(request), at=now())
                messages.success(request, _("The backtest is ordered. You may leave the page."))
                sent.result(reverse("queue-backtest", args=[made.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    return page(request, form, status=422)


@require_GET
@needs(permissions.VIEW_TREATMENT)
def backtest(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a backtest: how far it is, then the gain curves. While it runs the page asks again by itself."""
    row = QueueBacktest.objects.select_related("job", "made_by").filter(public_id=public_id).first()
    if row is None or row.legal_entity_id != entity_of(request).pk:
        raise Http404
    url = reverse("queue-backtest", args=[row.public_id])
    if htmx.wants_part(request):
        return htmx.go(request, url) if row.job.is_over else htmx.part(request, "parts/_job.html", {"job": row.job, "poll_url": url})
    shown = score_words.of_backtest(row) if row.result is not None else {}
    context = {"backtest": row, "poll_url": "" if row.job.is_over else url, **shown}
    return htmx.render(request, "collections/queue_backtest.html", "collections/queue_backtest.html", context)
