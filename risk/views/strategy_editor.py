"""The page with the graph editor, and what it sends: a draft to be kept, a graph to be tried."""

import json
from typing import Any

from csp.decorators import csp_update
from django.http import HttpResponse, JsonResponse
from django.utils.timezone import now
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from crm.lib import htmx
from crm.lib.errors import DomainError, Invalid
from crm.lib.permissions import needs
from governance.asked import Asked
from risk import display, finding_words, graph_shape, probe, strategy_cases, strategy_versions
from risk.models import StrategyCase, StrategyStatus
from risk.permissions import EDIT_STRATEGY, VIEW_STRATEGY
from risk.views.common import demand, may_change
from risk.views.strategy_acts import editor_notes, found


def _words() -> dict[str, str]:
    return {
        "scorecard": _("Scorecard"), "scorecardHint": _("Scored by the live model of this code"), "code": _("Code of the model"), "notes": _("Comments"),
        "simulator": _("Try facts"), "unsaved": _("Not saved yet"), "saved": _("Everything is saved"), "saving": _("Saving…"),
        "running": _("Running the cases…"), "offline": _("No connection: nothing was saved. Try again."),
        "signedOut": _("The session has ended. Sign in in another tab, then save again: what you drew stays here."),
        "failed": _("We could not save this. Nothing was changed. Try again."),
    }  # fmt: skip


# On this page alone: the editor sets styles by script and checks expressions with a rule engine of WebAssembly. Never an inline script.
@csp_update({"style-src": ["'unsafe-inline'"], "script-src": ["'wasm-unsafe-eval'"]})
@require_GET
@needs(VIEW_STRATEGY)
def editor(request: Asked, public_id: str, number: int) -> HttpResponse:
    """Show the graph to draw in, or to read once it left draft; on a phone the document."""
    version = found(public_id, number)
    language = get_language() or "en"
    cases = list(StrategyCase.objects.filter(strategy=version.strategy_id).order_by("pk"))
    sample = cases[0].facts if cases else probe.made_up(version.input_schema)[1]
    context: dict[str, Any] = {
        "strategy": version.strategy, "version": version, "words": _words(), "graph": version.graph,
        "locked": version.status != StrategyStatus.DRAFT or not (request.user.has_perm(EDIT_STRATEGY) and may_change(request.user, version.strategy)),
        "sample": json.dumps(sample, ensure_ascii=False, indent=1),
        "stages": display.policy(version, language), "facts": display.declared(version, language),
        "cases": len(cases),
    }  # fmt: skip
    context |= editor_notes(request, version)
    return htmx.render(request, "risk/strategy_editor.html", "risk/strategy_editor.html", context)


@needs(EDIT_STRATEGY)
@require_POST
def save(request: Asked, public_id: str, number: int) -> HttpResponse:
    """Keep what was drawn, or say line by line why not."""
    version = found(public_id, number)
    demand(request, version.strategy)

    def kept() -> dict[str, Any]:
        body = _body(request)
        revision = body.get("revision")
        if not isinstance(revision, int) or isinstance(revision, bool):
            raise Invalid(_("The page does not say which revision it shows. Load it again."))
        saved = strategy_versions.save(version, revision=revision, graph=body.get("graph"), actor=request.user, at=now())
        lint = finding_words.lines(strategy_versions.lint_of(saved))
        errors = sum(line["level"] == "error" for line in lint)
        told = _("Saved. The linter finds nothing.")
        if errors:
            told = ngettext(
                "Saved as a draft. %(n)s error keeps it from being approved.", "Saved as a draft. %(n)s errors keep it from being approved.", errors
            ) % {"n": errors}  # fmt: skip
        elif lint:
            told = ngettext("Saved. The linter warns of %(n)s thing.", "Saved. The linter warns of %(n)s things.", len(lint)) % {
                "n": len(lint)
            }
        return {"revision": saved.revision, "lint": lint, "message": told}

    return _answered(kept)


@needs(EDIT_STRATEGY)
@require_POST
def try_out(request: Asked, public_id: str, number: int) -> HttpResponse:
    """Run what was drawn, saved or not, on facts that were typed or on every saved case. Nothing is kept."""
    version = found(public_id, number)
    demand(request, version.strategy)

    def tried() -> dict[str, Any]:
        body = _body(request)
        cases = [] if "facts" in body else list(StrategyCase.objects.filter(strategy=version.strategy_id).order_by("pk"))
        given = body.get("facts", None)
        if given is not None and (not isinstance(given, dict) or graph_shape.unkept(given)):
            raise Invalid(_("Facts are a JSON object of names and values."))
        graph = body.get("graph")
        shape = graph_shape.problems(graph)
        card = None if shape else strategy_versions.card_of(strategy_versions.card_code(graph))
        problems, runs = (shape, []) if shape else strategy_versions.examined(
            graph, version.input_schema, version.reasons, cases=[given] if given is not None else [case.facts for case in cases], card=card,
            kind=version.strategy.kind,
        )  # fmt: skip
        if problems:
            raise strategy_versions.Unfit(problems)
        if given is not None:
            (run,) = runs
            outcome = display.OUTCOME_WORDS.get(run["outcome"], run["outcome"])
            return {"message": _("Verdict: %(outcome)s") % {"outcome": outcome}, "verdict": _verdict(run), "trace": run["engine"]}
        return _cases(cases, runs)

    return _answered(tried)


def _verdict(run: dict[str, Any]) -> dict[str, Any]:
    names = ("outcome", "grade", "score", "pd", "limit", "binding", "annual_rate", "reasons", "figures", "ms")
    return {name: run[name] for name in names}


def _cases(cases: list[StrategyCase], runs: list[dict[str, Any]]) -> dict[str, Any]:
    rows = []
    for case, run in zip(cases, runs, strict=True):
        differs = strategy_cases.difference(case.expected, run)
        text = "" if differs is None else _("expected %(expected)s, found %(found)s") % {"expected": differs[1], "found": differs[2] or "–"}
        rows.append({"place": case.name, "text": text, "passed": differs is None})
    passed = sum(row["passed"] for row in rows)
    told = _("%(passed)s of %(all)s cases come out as expected") % {"passed": passed, "all": len(rows)}
    return {"message": told if rows else _("There are no saved cases yet."), "cases": rows, "passed": passed}


def _body(request: Asked) -> dict[str, Any]:
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError) as problem:
        raise Invalid(_("What was sent is no JSON.")) from problem
    if not isinstance(body, dict):
        raise Invalid(_("What was sent is no JSON."))
    return body


def _answered(run: Any) -> JsonResponse:
    try:
        return JsonResponse(run())
    except DomainError as refusal:
        answer = {"message": str(refusal), "code": refusal.code, "findings": refusal.extra.get("findings", [])}
        return JsonResponse(answer, status=refusal.status)
