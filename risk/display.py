"""What the pages of risk show, in the reader's language: stages, points, policy tables, bins."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.lib import features
from risk import graphs, strategy_facts, words
from risk.models import Decision, ScorecardVersion, StrategyVersion

ANY, OUTCOME, GRADE = gettext_lazy("Any"), gettext_lazy("Outcome"), gettext_lazy("Grade")
KIND, STATUS = gettext_lazy("Kind"), gettext_lazy("Status")
STAGES = {
    "facts": gettext_lazy("Facts given"),
    "admission": gettext_lazy("Admission"),
    "fraud": gettext_lazy("Fraud"),
    "bureau": gettext_lazy("Credit bureau"),
    "scorecard": gettext_lazy("Scorecard"),
    "affordability": gettext_lazy("Affordability"),
    "limit": gettext_lazy("Limit"),
    "price": gettext_lazy("Price"),
    "referral": gettext_lazy("Referral rules"),
    "verdict": gettext_lazy("Verdict"),
}
RESULTS = {
    "hit": (gettext_lazy("hit"), "caution"),
    "no_hit": (gettext_lazy("no hit"), "good"),
    "error": (gettext_lazy("error"), "bad"),
    "not_reached": (gettext_lazy("not reached"), "neutral"),
    "unknown": (gettext_lazy("passed, values not kept"), "neutral"),
    "computed": (gettext_lazy("computed"), "info"),
    "complete": (gettext_lazy("complete"), "good"),
}
BINDING = {
    "income": gettext_lazy("income"),
    "grade_cap": gettext_lazy("the cap of the grade"),
    "exposure": gettext_lazy("the room under the exposure cap"),
    "product": gettext_lazy("the product"),
    "affordability": gettext_lazy("affordability"),
    "verification": gettext_lazy("income that was not verified"),
    "student": gettext_lazy("the limit for students"),
}
# Values the graph computes; declared facts have their own words.
FIGURES = {
    "dti": (gettext_lazy("Debt-to-income"), "percent"),
    "dti_limit": (gettext_lazy("Limit of debt-to-income"), "percent"),
    "dti_decline": (gettext_lazy("Debt-to-income that is declined"), "percent"),
    "instalment": (gettext_lazy("Instalment"), "money"),
    "annuity": (gettext_lazy("Annuity factor"), "count"),
    "monthly_rate": (gettext_lazy("Monthly rate"), "rate"),
    "age_min": (gettext_lazy("Least age"), "count"),
    "age_end_max": (gettext_lazy("Oldest age at the end"), "count"),
    "dpd_max": (gettext_lazy("Days past due that pass"), "count"),
    "dpd_refer_max": (gettext_lazy("Days past due that are declined above"), "count"),
    "limit": (gettext_lazy("Limit"), "money"),
    "limit_income": (gettext_lazy("Limit by income"), "money"),
    "limit_affordable": (gettext_lazy("Limit by affordability"), "money"),
    "limit_exposure": (gettext_lazy("Room under the exposure cap"), "money"),
    "limit_smallest": (gettext_lazy("Smallest of them"), "money"),
    "limit_rounded": (gettext_lazy("Rounded down to hundreds"), "money"),
    "grade_cap": (gettext_lazy("Cap of the grade"), "money"),
    "grade_rate": (gettext_lazy("Rate of the grade"), "rate"),
    "rate_cap": (gettext_lazy("Rate cap"), "rate"),
    "income_multiple": (gettext_lazy("Months of income"), "count"),
    "score": (gettext_lazy("Score"), "count"),
    "card.score": (gettext_lazy("Score"), "count"),
    "pd": (gettext_lazy("PD"), "percent"),
    "binding": (gettext_lazy("Bound by"), "text"),
    "annual_rate": (gettext_lazy("Annual rate"), "rate"),
    "dti_outcome": (gettext_lazy("Outcome of affordability"), "text"),
    "admission_outcome": (gettext_lazy("Outcome of admission"), "text"),
    "fraud_outcome": (gettext_lazy("Outcome of fraud checks"), "text"),
    "bureau_outcome": (gettext_lazy("Outcome of the bureau report"), "text"),
    "bureau_required": (gettext_lazy("Whether a bureau must be connected"), "text"),
    "bureau_thin_amount_max": (gettext_lazy("Largest amount on a thin bureau file"), "money"),
    "bureau_overdue_max": (gettext_lazy("Overdue elsewhere that is declined above"), "money"),
    "bureau_dpd_refer": (gettext_lazy("Worst delay elsewhere that passes, days"), "count"),
    "bureau_dpd_max": (gettext_lazy("Worst delay elsewhere that is declined above, days"), "count"),
    "bureau_inquiries_max": (gettext_lazy("Bureau inquiries within three months that pass"), "count"),
    "bureau_lenders_max": (gettext_lazy("Lenders elsewhere that pass"), "count"),
    "proof_outcome": (gettext_lazy("Outcome of proof of income"), "text"),
    "referral_outcome": (gettext_lazy("Outcome of referral rules"), "text"),
    "student_age": (gettext_lazy("Age under which one is asked whether a student"), "count"),
    "student_amount_max": (gettext_lazy("Largest amount to a student"), "money"),
    "regions_refused": (gettext_lazy("Regions not served"), "text"),
    "mobile_decline": (gettext_lazy("Others with the mobile that are declined from"), "count"),
    "applications_max": (gettext_lazy("Applications within 30 days that pass"), "count"),
    "device_applications_max": (gettext_lazy("Applications from one device within 30 days that pass"), "count"),
    "zone_amount_max": (gettext_lazy("Amount up to which another time zone passes"), "money"),
    "unworked_income_max": (gettext_lazy("Income without work that passes"), "money"),
    "income_unusual": (gettext_lazy("Income that is unusually high above"), "money"),
    "watch_amount_max": (gettext_lazy("Amount up to which a watched person passes"), "money"),
    "stated_income_max": (gettext_lazy("Stated income that counts at most"), "money"),
    "unverified_amount_max": (gettext_lazy("Largest amount without proof of income"), "money"),
    "income_counted": (gettext_lazy("Income that counts"), "money"),
    "limit_unverified": (gettext_lazy("Limit without proof of income"), "money"),
    "limit_student": (gettext_lazy("Limit for students"), "money"),
    "funding_rate": (gettext_lazy("Cost of funds a year"), "rate"),
    "opex_rate": (gettext_lazy("Running costs a year"), "rate"),
    "hurdle_rate": (gettext_lazy("Margin asked for a year"), "rate"),
    "loss_given_default": (gettext_lazy("Loss given default"), "percent"),
    "sample_bad": (gettext_lazy("Share of bad ones in the sample of the scorecard"), "percent"),
    "portfolio_bad": (gettext_lazy("Share of bad ones in the lender's own book"), "percent"),
    "card.pd": (gettext_lazy("PD"), "percent"),
    "pd_priced": (gettext_lazy("PD at the book's share of bad ones"), "percent"),
    "el_share": (gettext_lazy("Expected loss, share of the amount"), "rate"),
    "average_balance": (gettext_lazy("Average balance, share of the amount"), "percent"),
    "el_annual": (gettext_lazy("Expected loss a year on the average balance"), "rate"),
    "margin": (gettext_lazy("Margin a year"), "rate"),
    "rate_needed": (gettext_lazy("Rate that would carry the risk"), "rate"),
    "amount_refer": (gettext_lazy("Amount above which a person decides"), "money"),
    "exposure_refer": (gettext_lazy("Exposure above which a person decides"), "money"),
}
ONE_OF = {"regions_refused": "region"}  # lists of a fact's values
NODES = {
    "policy": gettext_lazy("Policy values"),
    "rules": gettext_lazy("Rules"),
    "outcome": gettext_lazy("Outcome"),
    "points": gettext_lazy("Score"),
    "grade": gettext_lazy("Grade"),
    "instalment": gettext_lazy("Instalment and debt-to-income"),
    "debt to income": gettext_lazy("Debt-to-income"),
    "sources": gettext_lazy("Limits by source"),
    "check": gettext_lazy("Check"),
    "proof of income": gettext_lazy("Proof of income"),
    "margin": gettext_lazy("Margin after expected loss"),
}
SOURCES = {
    "stated": gettext_lazy("stated"),
    "verified": gettext_lazy("verified"),
    "bureau": gettext_lazy("bureau"),
    "product": gettext_lazy("product"),
    "ledger": gettext_lazy("own books"),
    "policy": gettext_lazy("policy"),
}
OUTCOME_WORDS = {
    "pass": gettext_lazy("pass"),
    "refer": gettext_lazy("refer"),
    "decline": gettext_lazy("decline"),
    "approve": gettext_lazy("approve"),
}


VALUES: dict[str, Callable[[str, str], Any]] = {}  # how a value of a kind of strategy of another room is told: value, language


def also(
    *,
    outcomes: Mapping[str, Any],
    stages: Mapping[str, Any],
    figures: Mapping[str, tuple[Any, str]],
    values: Mapping[str, Callable[[str, str], Any]],
) -> None:
    """Take in the words of a kind of strategy of another room; a name that is known keeps its word."""
    VALUES.update(values)
    pairs: tuple[tuple[dict[str, Any], Mapping[str, Any]], ...] = ((OUTCOME_WORDS, outcomes), (STAGES, stages), (FIGURES, figures))
    for known, added in pairs:
        for name, word in added.items():
            known.setdefault(name, word)


CONDITION_WORDS = {"true": gettext_lazy("yes"), "false": gettext_lazy("no")}


def stages(decision: Decision, language: str, *, hits_only: bool = False) -> list[dict[str, Any]]:
    """Return the stages in order, each with its nodes: result in words, values read, threshold. `hits_only` keeps what hit or failed."""
    types = {row["name"]: row["type"] for row in decision.strategy_version.input_schema.get("facts", ())}
    texts = decision.texts()
    shown = []
    for stage in decision.trace:
        nodes = stage["nodes"]
        hits = [node for node in nodes if node["result"] in ("hit", "error")]
        if stage["stage"] == "verdict":
            continue  # its values stand in the line above the trace
        complete = stage["stage"] == "facts" and stage["result"] == "no_hit"
        label, tone = RESULTS["complete" if complete else stage["result"]]
        shown.append({
            "name": STAGES.get(stage["stage"], stage["stage"]),
            "result": stage["result"],
            "tone": tone,
            "result_label": label,
            "summary": _summary(stage, decision, hits, texts, language),
            "nodes": [_node(node, decision, texts, types, language) for node in (hits if hits_only else nodes)],
            "open": bool(hits),
        })  # fmt: skip
    return [stage for stage in shown if not hits_only or stage["result"] in ("hit", "error")]


def points(decision: Decision, language: str) -> list[dict[str, Any]]:
    """Return the points by factor, the largest shortfall against the average first."""
    found: list[dict[str, Any]] = []
    for stage in decision.trace:
        for node in stage["nodes"]:
            found += node.get("points", ())
    rows = [{"label": words.label(one["feature"], language), "value": value(one["feature"], one["value"], "", language),
             "points": one["points"], "mean": one["mean"], "gap": one["points"] - one["mean"]} for one in found]  # fmt: skip
    return sorted(rows, key=lambda row: row["gap"])


def value(name: str, given: Any, kind: str, language: str) -> str:
    """Return one value as people read it; `kind` is the declared type of the fact, empty for what the graph computes."""
    if given is None:
        return ""
    if isinstance(given, list | tuple):
        return ", ".join(words.word(ONE_OF.get(name, name), one, language) for one in given) or "–"
    if isinstance(given, bool):
        return _("yes") if given else _("no")
    shape = {"money": "money", "decimal": "rate"}.get(kind) or FIGURES.get(name, ("", "text" if isinstance(given, str) else "count"))[1]
    if name in VALUES and isinstance(given, str):
        return str(VALUES[name](given, language))
    if shape in ("text", "count") and isinstance(given, str):
        known = BINDING.get(given) or OUTCOME_WORDS.get(given)
        return str(known) if known else words.word(name, given, language)
    return words.show(name, given, shape, language=language, currency=settings.CURRENCY)


def label(name: str, language: str) -> str:
    """Return the words of a fact or of a value the graph computes."""
    return str(FIGURES[name][0]) if name in FIGURES else words.label(name, language)


def literal(field: str, cell: str, language: str) -> str:
    """Return what a cell of a table gives: a figure with its unit, or the words of the value it names."""
    try:
        return value(field, float(cell), "", language)
    except ValueError:
        return str(VALUES[field](cell, language)) if field in VALUES else label(cell, language)


def threshold(text: str, language: str) -> str:
    """Return a condition with the names in words, such as "Age < Least age"."""

    def named(match: Any) -> str:
        name = match[0]
        if name in CONDITION_WORDS:
            return str(CONDITION_WORDS[name])
        return label(name, language) if name not in graphs.KNOWN_WORDS else {"and": _("and"), "or": _("or")}.get(name, name)

    parts = graphs.QUOTED.split(text)
    quoted = [one[1:-1] for one in graphs.QUOTED.findall(text)]
    name = next(iter(graphs.words(text)), "")
    out = graphs.WORD.sub(named, parts[0])
    for literal, rest in zip(quoted, parts[1:], strict=True):
        said = str(VALUES[name](literal, language)) if name in VALUES else words.word(name, literal, language)
        out += said + graphs.WORD.sub(named, rest)
    return (
        out.replace(" == null", " = –")
        .replace(" == ", " = ")
        .replace(" in ", " ∈ ")
        .replace(">=", "≥")
        .replace("<=", "≤")
        .replace(" * ", " × ")
        .replace(" / ", " ÷ ")
    )


def policy(version: StrategyVersion, language: str) -> list[dict[str, Any]]:
    """Return the stages of a version with their tables in words."""
    graph = graphs.read(version.graph)
    raw = {node["id"]: node for node in version.graph["nodes"]}
    shown = []
    for stage in graph.stages:
        nodes = []
        for node in graph.nodes:
            if node.stage == stage and node.type == "decisionTableNode":
                rows = list(_rows(node, raw[node.id]["content"], version, language))
                concludes = any(row["outcome_code"] for row in rows)
                nodes.append({"kind": "table", "rows": rows, "collects": node.collects, "concludes": concludes})
            elif node.stage == stage and node.type == "expressionNode" and stage != graph.stages[-1]:
                expressions = raw[node.id]["content"]["expressions"]
                nodes.append(
                    {"kind": "values", "rows": [{"label": label(one["key"], language), "formula": one["value"]} for one in expressions]}
                )
            elif node.stage == stage and node.type == "customNode":
                nodes.append({"kind": "scorecard", "code": raw[node.id]["content"]["config"]["code"], "rows": []})
        if nodes:
            shown.append({"name": STAGES.get(stage, stage), "nodes": nodes})
    return shown


def declared(version: StrategyVersion, language: str) -> list[dict[str, Any]]:
    """Return the declared facts of a version in words."""
    types = {
        "money": _("money"),
        "integer": _("whole number"),
        "decimal": _("decimal"),
        "category": _("one of a list"),
        "boolean": _("yes or no"),
    }
    side = words.side(language)
    return [row | {"label": row.get(f"label_{side}", row["name"]), "type_label": types[row["type"]],
                   "choices": [words.word(row["name"], one, language) for one in row.get("values", ())]}
            for row in version.input_schema["facts"]]  # fmt: skip


def card(version: ScorecardVersion, language: str) -> dict[str, Any]:
    """Return what the page of a scorecard shows: features with bins, figures, proof."""
    features = []
    for one in version.content["features"]:
        cells = [_bin(one, cell, language) for cell in one["bins"]]
        cells.append({"label": _("missing"), **one["missing"]})
        low, high = min(cell["points"] for cell in one["bins"]), max(cell["points"] for cell in one["bins"])
        features.append(
            {
                "name": one["name"],
                "label": words.label(one["name"], language),
                "iv": one["iv"],
                "mean": one["mean_points"],
                "low": low,
                "high": high,
                "bins": cells,
            }
        )
    left_out = [words.label(name, language) for name, told in version.metrics.get("features", {}).items() if not told["used"]]
    proof = version.metrics.get("proof", {})
    return {"features": features, "left_out": left_out, "metrics": version.metrics, "scale": version.content["scale"],
            "proof": proof, "difference": f"{proof.get('max_abs_diff', 0):.1e}"}  # fmt: skip


def bin_row(feature: Mapping[str, Any], cell: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Return one bin of a feature with its label and bad rate; `missing` in the cell names the bin of absent values."""
    if cell.get("missing"):
        return {**cell, "label": _("missing"), "bad_rate": cell["bad"] / cell["count"] if cell.get("count") else None}
    return _bin(feature, cell, language)


def _bin(feature: Mapping[str, Any], cell: Mapping[str, Any], language: str) -> dict[str, Any]:
    rate = cell["bad"] / cell["count"] if cell.get("count") else None
    if feature["kind"] == "category":
        text = " · ".join(words.word(feature["name"], one, language) for one in cell["values"])
    else:
        low, high = (f"{edge:,.6f}".rstrip("0").rstrip(".") if edge is not None else "" for edge in (cell["low"], cell["high"]))
        text = f"{low} – {high}" if low and high else (f"< {high}" if high else f"≥ {low}")
    return {**cell, "label": text, "bad_rate": rate}


def _rows(node: graphs.Node, table: Mapping[str, Any], version: StrategyVersion, language: str) -> Iterator[dict[str, Any]]:
    outputs = {column["id"]: column["field"] for column in table["outputs"]}
    for rule, raw in zip(node.rules, table["rules"], strict=True):
        given = {field: str(raw.get(name) or "").strip('"') for name, field in outputs.items() if raw.get(name)}
        outcome = next((found for field, found in given.items() if field.endswith("outcome")), "")
        rest = [f"{label(field, language)} {literal(field, found, language)}" for field, found in given.items()
                if not field.endswith(("outcome", "reason")) and field != "grade" and found not in ("null", "")]  # fmt: skip
        yield {
            "condition": threshold(rule.threshold, language) or _("otherwise"),
            "outcome": OUTCOME_WORDS.get(outcome, outcome),
            "outcome_code": outcome,
            "grade": given.get("grade", ""),
            "name": words.heading(rule.reason, version.reasons, language=language) if rule.reason else "",
            "rest": rest,
        }


def _node(node: Mapping[str, Any], decision: Decision, texts: Mapping[str, Any], types: Mapping[str, str], language: str) -> dict[str, Any]:
    """Return one node of a stage: its name, result, the values it read beside the threshold, source and as-of of each fact."""
    only_values = node["result"] == "no_hit" and "row" not in node
    result, tone = RESULTS["computed" if only_values else node["result"]]
    shown: dict[str, Any] = {"tone": tone, "result": result, "threshold": "", "reads": [], "note": ""}
    reason = node.get("reason", "")
    if node["node"] == "facts":
        return shown | {"name": words.label(node["label"], language), "note": words.sentence(reason, texts, {}, language=language)}
    shown["name"] = words.heading(reason, texts, language=language) if reason else NODES.get(node.get("of") or node["label"], node["label"])
    shown["threshold"] = threshold(node.get("threshold", ""), language)
    shown["note"] = node.get("error", "")
    for name, given in (node.get("values") or {}).items():
        source = decision.sources.get(name, {})
        shown["reads"].append({
            "label": label(name, language),
            "value": value(name, given, types.get(name, ""), language),
            "source": source_words(source.get("source", "")),
            "as_of": source.get("as_of", ""),
        })  # fmt: skip
    if unfit := node.get("unfit"):
        names = ", ".join(words.label(name, language) for name in unfit)
        shown["note"] = _("Absent or never seen in training: %(names)s") % {"names": names}
    return shown


def source_words(source: str) -> str:
    """Return where a fact comes from in words; a statement of the catalogue by its own name."""
    if source.startswith(strategy_facts.PREFIX):
        found = features.SOURCES.get(source.removeprefix(strategy_facts.PREFIX))
        return _("catalogue: %(source)s") % {"source": found.label if found else source}
    return str(SOURCES.get(source, source))


def _summary(stage: Mapping[str, Any], decision: Decision, hits: list[Any], texts: Mapping[str, Any], language: str) -> str:
    if hits:
        return " · ".join(dict.fromkeys(words.heading(node["reason"], texts, language=language) for node in hits if node.get("reason")))
    found: dict[str, Any] = {}
    for node in stage["nodes"]:
        found |= node.get("values") or {}
    if stage["result"] == "not_reached":
        return ""
    if stage["stage"] == "scorecard" and "score" in found:
        return words.show("score", found["score"], "count", language=language)
    if stage["stage"] == "affordability" and "dti" in found:
        return f"{label('dti', language)} {words.show('dti', found['dti'], 'percent', language=language)}"
    if stage["stage"] == "limit" and "limit" in found:
        return words.show("limit", found["limit"], "money", language=language, currency=settings.CURRENCY)
    if stage["stage"] == "price" and decision.annual_rate is not None:
        return words.show("annual_rate", decision.annual_rate, "rate", language=language)
    rules = sum(1 for node in stage["nodes"] if node.get("row"))
    return ngettext("%(count)s rule", "%(count)s rules", rules) % {"count": rules} if rules else ""
