"""Strategies: the list, and a version with its document, differences, lint, cases, traffic and notes."""

from typing import Any

from django.db.models import Count, Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from crm.lib import htmx
from crm.lib.permissions import needs
from crm.lib.templatetags.crm import count
from governance.asked import Asked
from risk import display, finding_words, kinds, strategy_cases, strategy_life, strategy_versions, version_diff
from risk.models import Strategy, StrategyNote, StrategyStatus, StrategyVersion
from risk.permissions import APPROVE_STRATEGY, EDIT_STRATEGY, RELEASE_STRATEGY, RUN_BACKTEST, VIEW_STRATEGY
from risk.views.common import chosen, may_change

TABS = ("document", "differences", "lint", "tests", "traffic", "notes")
HEAVY = ("graph", "input_schema", "reasons", "evidence")


@require_GET
@needs(VIEW_STRATEGY)
def strategy_list(request: HttpRequest) -> HttpResponse:
    """List the strategies with their live versions and what waits."""
    live = StrategyVersion.objects.filter(status="live").defer(*HEAVY)
    open_ones = Count("versions", filter=Q(versions__status__in=["draft", "testing", "approved", "scheduled"]))
    found = Strategy.objects.annotate(open=open_ones).prefetch_related(Prefetch("versions", live, to_attr="live_versions")).order_by("code")
    return htmx.render(request, "risk/strategy_list.html", "risk/strategy_list.html", {"strategies": found})


@require_GET
@needs(VIEW_STRATEGY)
def strategy(request: Asked, public_id: str) -> HttpResponse:
    """Show a version of a strategy, one tab of it at a time."""
    found = get_object_or_404(Strategy, public_id=public_id)
    versions = list(found.versions.defer(*HEAVY).order_by("-number"))
    version = chosen(request, found.versions.select_related("strategy", "made_by", "decided_by", "released_by"), versions)
    if version is None:
        return htmx.render(request, "risk/strategy.html", "risk/strategy.html", {"strategy": found, "version": None, "versions": versions})
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else TABS[0]
    before = _against(request, version, versions)
    lint = strategy_versions.lint_of(version)
    ran = strategy_cases.results(version)
    parts = version_diff.parts(content(before), content(version)) if before else []
    notes = list(StrategyNote.objects.filter(version=version).select_related("by").order_by("-pk")[:200])
    context: dict[str, Any] = {
        "strategy": found, "version": version, "versions": versions, "tab": tab, "before": before, "may": _may(request, version),
        "tabs": _tabs(version, tab, differs=version_diff.count(parts), lint=lint, ran=ran, notes=notes),
        "used": (kinds.of(found.kind).used or decided)(version),
        "backtest_url": backtest_url(request, version), "dry_run_url": dry_run_url(request, version),
    }  # fmt: skip
    context |= _part(tab, version, before, parts, lint, ran, notes)
    return htmx.render(request, "risk/strategy.html", "risk/strategy.html", context)


def content(version: StrategyVersion) -> dict[str, Any]:
    """Return what two versions are compared by."""
    return {"graph": version.graph, "input_schema": version.input_schema, "reasons": version.reasons}


def decided(version: StrategyVersion) -> list[tuple[Any, str]]:
    """Return how many credit decisions the version made, and how they ended."""
    number = version.decisions.aggregate(
        all=Count("id"), approved=Count("id", filter=Q(outcome="approve")), referred=Count("id", filter=Q(outcome="refer")),
        declined=Count("id", filter=Q(outcome="decline")),
    )  # fmt: skip
    words = {"all": _("Decisions"), "approved": _("Approved"), "referred": _("Referred"), "declined": _("Declined")}
    return [(label, count(number[name])) for name, label in words.items()]


def backtest_url(request: Asked, version: StrategyVersion) -> str:
    """Return where a backtest of the version begins; empty for who may not run one."""
    if not request.user.has_perm(RUN_BACKTEST) or version.strategy.kind != kinds.LENDING:
        return ""
    return f"{reverse('backtest-new')}?version={version.strategy.public_id}.{version.number}"


def dry_run_url(request: Asked, version: StrategyVersion) -> str:
    """Return where a version is tried on the cases of now, for a kind that has them; empty for who may not."""
    page, permission = kinds.of(version.strategy.kind).dry_run
    return f"{reverse(page)}?version={version.strategy.public_id}.{version.number}" if page and request.user.has_perm(permission) else ""


def _against(request: HttpRequest, version: StrategyVersion, versions: list[StrategyVersion]) -> StrategyVersion | None:
    """Return the version it is compared with: the one asked for, else what it was made from, else the one before."""
    asked = request.GET.get("against", "")
    if asked.isascii() and asked.isdigit() and len(asked) < 6:
        return get_object_or_404(StrategyVersion, strategy=version.strategy_id, number=int(asked))
    found = version.based_on_id or next((one.pk for one in versions if one.number < version.number), None)
    return StrategyVersion.objects.select_related("strategy").get(pk=found) if found else None


def _may(request: Asked, version: StrategyVersion) -> dict[str, bool]:
    """Return which steps the reader may take now; the doors decide again."""
    user, status = request.user, version.status
    of_kind = may_change(user, version.strategy)
    edits, approves, releases = (of_kind and user.has_perm(code) for code in (EDIT_STRATEGY, APPROVE_STRATEGY, RELEASE_STRATEGY))
    second = strategy_life.may_decide(version, user)
    return {
        "edit": edits and status == StrategyStatus.DRAFT,
        "send": edits and status == StrategyStatus.DRAFT,
        "take_back": edits and status == StrategyStatus.TESTING,
        "approve": approves and second and status == StrategyStatus.TESTING,
        "not_second": approves and not second and status == StrategyStatus.TESTING,
        "reject": approves and second and status in (StrategyStatus.TESTING, StrategyStatus.APPROVED),
        "schedule": releases and status == StrategyStatus.APPROVED,
        "unschedule": releases and status == StrategyStatus.SCHEDULED,
        "release": releases and status in (StrategyStatus.APPROVED, StrategyStatus.SCHEDULED),
        "roll_back": releases and status == StrategyStatus.LIVE,
        "draft": edits,
        "comment": edits or approves,
        "case": edits,
    }


def _tabs(version: StrategyVersion, tab: str, *, differs: int, lint: list[Any], ran: list[Any], notes: list[Any]) -> list[dict[str, Any]]:
    passed = sum(one.passed for one in ran)
    said: dict[str, tuple[Any, Any]] = {
        "document": (pgettext("strategy", "Document"), ""),
        "differences": (pgettext("strategy", "Differences"), differs),
        "lint": (_("Lint"), len(lint)),
        "tests": (_("Tests"), f"{passed}/{len(ran)}"),
        "traffic": (_("Traffic"), ""),
        "notes": (_("Notes"), len(notes)),
    }
    return [
        {"url": f"?version={version.number}&tab={name}", "label": said[name][0], "count": said[name][1], "current": name == tab}
        for name in TABS
    ]


def _part(
    tab: str, version: StrategyVersion, before: StrategyVersion | None, parts: list[Any], lint: list[Any], ran: list[Any], notes: list[Any]
) -> dict[str, Any]:
    language = get_language() or "en"
    if tab == "document":
        return {"stages": display.policy(version, language), "facts": display.declared(version, language)}
    if tab == "differences":
        return {"parts": [_told(one) for one in parts]}
    if tab == "lint":
        lines = finding_words.lines(lint)
        errors = sum(one["level"] == "error" for one in lines)
        return {"lines": lines, "errors": errors, "warnings": len(lines) - errors}
    if tab == "tests":
        failed = sum(not one.passed for one in ran)
        finding = ngettext("%(n)s case comes out otherwise", "%(n)s cases come out otherwise", failed) % {"n": failed}
        return {"ran": [_case(one) for one in ran], "finding": finding if failed else _("Every case comes out as expected")}
    if tab == "notes":
        names = dict(strategy_versions.stages_of(version.graph))
        return {"notes": [{"note": one, "node": names.get(one.node, one.node)} for one in notes], "nodes": list(names.items())}
    from risk.views import trials

    return trials.traffic(version)


def _told(part: version_diff.Part) -> dict[str, Any]:
    titles = {"edges": _("Connections"), "facts": _("Declared facts"), "reasons": _("Reasons")}
    words = {
        "added": (_("added"), "good"),
        "removed": (_("removed"), "bad"),
        "changed": (_("changed"), "info"),
        "moved": (_("moved"), "neutral"),
    }
    return {
        "title": titles.get(part.kind) or part.name, "label": words[part.change][0], "tone": words[part.change][1],
        "lines": [{"label": words[one.kind][0], "tone": words[one.kind][1], "what": one.what, "row": one.row, "was": one.was, "now": one.now}
                  for one in part.lines],
    }  # fmt: skip


def _case(ran: strategy_cases.Ran) -> dict[str, Any]:
    named = {"outcome": _("Outcome"), "grade": _("Grade"), "limit": _("Limit"), "annual_rate": _("Annual rate"), "binding": _("Bound by"),
             "reasons": _("Reasons")}  # fmt: skip
    differs = ran.differs
    return {
        "case": ran.case, "passed": ran.passed, "outcome": ran.verdict.outcome, "grade": ran.verdict.grade,
        "label": display.OUTCOME_WORDS.get(ran.verdict.outcome, ran.verdict.outcome),
        "expected": display.OUTCOME_WORDS.get(ran.case.expected["outcome"], ran.case.expected["outcome"]),
        "differs": {"name": named[differs[0]], "expected": differs[1], "found": differs[2]} if differs else None,
    }  # fmt: skip
