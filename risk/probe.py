"""A process of its own in which a graph nobody has vouched for yet is compiled and run.

A rule of one line can keep a processor busy for minutes or bring the process down. So what a person has just drawn runs here first: with a
bound on time and memory, away from whoever waits for an answer. Run as `python -m risk.probe`: JSON in, JSON out.
"""

import contextlib
import json
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from risk import kinds
from risk.findings import ERROR, Finding

LIMIT_MS = 200  # one evaluation, of processor time
SECONDS = 8  # the whole process
MEMORY = 2_000_000_000


def examine(
    graph: Mapping[str, Any],
    schema: Mapping[str, Any],
    reasons: Mapping[str, Any],
    card: Mapping[str, Any] | None,
    cases: Sequence[Mapping[str, Any]],
    kind: str = kinds.LENDING,
) -> tuple[list[Finding], list[dict[str, Any]]]:
    """Compile every expression and the graph, and run it on each of `cases` and on facts made up from the schema.

    Return what keeps it from being used, and per case its verdict with `ms`, the processor time it took.

    :param card: content of the scorecard the graph asks for; None runs it without one
    :param cases: facts as `risk.facts` takes them, amounts as text
    """
    asked = json.dumps(
        {"graph": graph, "schema": schema, "reasons": reasons, "card": card, "cases": list(cases), "kind": [kind, kinds.of(kind).module]},
        default=str,
    )
    try:
        done = subprocess.run(
            [sys.executable, "-m", "risk.probe"], input=asked, capture_output=True, text=True, timeout=SECONDS * 2, check=False,
            cwd=Path(__file__).parent.parent,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return [Finding("too_slow", ERROR, args={"limit": LIMIT_MS})], []
    if done.returncode != 0 or not done.stdout:
        slow = done.returncode in (-24, -9)  # SIGXCPU, SIGKILL
        return [Finding("too_slow" if slow else "breaks_down", ERROR, args={"limit": LIMIT_MS})], []
    answer = json.loads(done.stdout)
    return [Finding(**one) for one in answer["findings"]], answer["runs"]


def made_up(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return three sets of facts that fit `schema`: the least of everything, something between, the most."""
    found: list[dict[str, Any]] = []
    for place in (0.0, 0.5, 1.0):
        facts: dict[str, Any] = {}
        for row in schema.get("facts", ()):
            kind = row["type"]
            if row.get("protected"):
                continue
            if kind == "boolean":
                facts[row["name"]] = place > 0
            elif kind == "category":
                facts[row["name"]] = row["values"][int(place * (len(row["values"]) - 1))]
            else:
                least = Decimal(str(row["min"])) if row.get("min") is not None else Decimal(0)
                most = Decimal(str(row["max"])) if row.get("max") is not None else max(least, Decimal(50_000 if kind == "money" else 100))
                step = Decimal(1) if kind == "integer" else Decimal("0.01")
                value = (least + (most - least) * Decimal(str(place))).quantize(step)
                facts[row["name"]] = int(value) if kind == "integer" else str(value)
        found.append(facts)
    return found


def _expressions(graph: Mapping[str, Any]) -> list[Finding]:
    """Compile each expression by itself: the engine names neither row nor cell."""
    import zen

    found: list[Finding] = []

    def fits(raw: Mapping[str, Any], text: str, *, unary: bool = False, row: int = 0, field: str = "") -> None:
        try:
            (zen.compile_unary_expression if unary else zen.compile_expression)(text)
        except (RuntimeError, ValueError) as refusal:
            told = str(refusal).split("\n", 1)[0]
            with contextlib.suppress(ValueError):
                told = str(json.loads(told).get("source", told))
            found.append(
                Finding("not_an_expression", ERROR, raw["id"], raw["name"], row, {"text": text[:120], "told": told[:200], "field": field})
            )

    for raw in graph["nodes"]:
        content = raw.get("content") or {}
        for place, one in enumerate(content.get("expressions") or ()):
            fits(raw, one["value"], row=place + 1, field=one["key"])
        for place, one in enumerate(content.get("statements") or ()):
            if str(one.get("condition") or "").strip():
                fits(raw, one["condition"], row=place + 1)
        for column in content.get("inputs") or ():
            if str(column.get("field") or "").strip():
                fits(raw, column["field"], field=str(column.get("name") or ""))
        for place, row in enumerate(content.get("rules") or ()):
            for column in content["inputs"]:
                if str(row.get(column["id"]) or "").strip():
                    fits(
                        raw,
                        row[column["id"]],
                        unary=bool(str(column.get("field") or "").strip()),
                        row=place + 1,
                        field=str(column.get("name") or ""),
                    )
            for column in content["outputs"]:
                if str(row.get(column["id"]) or "").strip():
                    fits(raw, row[column["id"]], row=place + 1, field=str(column.get("name") or ""))
    return found[:20]


def _run(asked: Mapping[str, Any]) -> dict[str, Any]:
    from risk import scoring
    from risk.facts import BadSchema
    from risk.strategies import BadStrategy, Strategy

    findings = _expressions(asked["graph"])
    runs: list[dict[str, Any]] = []
    if findings:
        return {"findings": findings, "runs": runs}
    card = scoring.load(asked["card"]) if asked["card"] else None
    try:
        strategy = Strategy(asked["graph"], asked["schema"], asked["reasons"], card, kinds.of(*asked["kind"]))
    except (BadStrategy, BadSchema) as problem:
        return {"findings": [Finding("cannot_run", ERROR, args={"told": str(problem)[:300]})], "runs": runs}
    own = len(asked["cases"])
    for place, facts in enumerate([*asked["cases"], *made_up(asked["schema"])]):
        began = time.process_time()
        verdict = strategy.run(facts)
        took = (time.process_time() - began) * 1000
        if took > LIMIT_MS:  # the first pass of a process also pays for what it loads: the second one judges
            began = time.process_time()
            verdict = strategy.run(facts)
            took = (time.process_time() - began) * 1000
        if took > LIMIT_MS:
            findings.append(Finding("too_slow", ERROR, args={"limit": LIMIT_MS}))
            break
        if place < own:
            names = ("outcome", "grade", "score", "pd", "limit", "binding", "annual_rate", "reasons", "figures", "facts", "trace")
            runs.append({name: getattr(verdict, name) for name in names} | {"ms": round(took, 3), "engine": {}})
    if own == 1 and runs:
        runs[0]["engine"] = _as_the_engine_saw_it(strategy, asked["cases"][0])
    return {"findings": findings, "runs": runs}


def _as_the_engine_saw_it(strategy: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the engine's own trace of one case, for the editor to draw; empty when the facts did not fit or the graph failed."""
    from risk import facts
    from risk.strategies import KEY

    clean, problems = facts.check(given, strategy.schema)
    if problems:
        return {}
    try:
        answer = strategy.engine.evaluate(KEY, facts.for_engine(clean, strategy.schema), {"trace": True})
    except RuntimeError:
        return {}
    return {} if not isinstance(answer.get("trace"), dict) else answer["trace"]


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    answer = _run(json.loads(sys.stdin.read()))
    answer["findings"] = [vars(one) | {"args": dict(one.args)} for one in answer["findings"]]
    sys.stdout.write(json.dumps(answer, default=str))


if __name__ == "__main__":
    main()
