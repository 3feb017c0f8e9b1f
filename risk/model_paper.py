"""The model card: one sheet for page and PDF, in both languages at once, from what the version holds and nothing else."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from crm.lib.errors import DomainError
from risk import model_fairness, model_page, words
from risk.models import ScorecardVersion

FOLDER = Path(__file__).resolve().parent / "paper"
FONTS = Path(settings.BASE_DIR) / "fonts_built"
EPOCH = 1_767_225_600  # the moment every paper says it was made, so that the same version gives the same bytes: 2026-01-01
MOST = 40  # features and groups named on the sheet


class NoFont(DomainError):
    """The font of papers was not built."""

    code = "no_font"
    status = 503


def sheet(version: ScorecardVersion) -> list[dict[str, Any]]:
    """Return the parts of the card: {title, lines, rows: [{label, value}], heads, table}, each text as {en, zh}."""
    return [
        _about(version),
        _data(version),
        _figures(version),
        _features(version),
        _fairness(version),
        _stability(version),
        _answers(version),
    ]


def told(version: ScorecardVersion, language: str) -> list[dict[str, Any]]:
    """Return the parts of the card in one language, for the page."""
    side = words.side(language)

    def one(given: Any) -> Any:
        if isinstance(given, dict):
            return given[side] if set(given) == {"en", "zh"} else {name: one(value) for name, value in given.items()}
        return [one(each) for each in given] if isinstance(given, list) else given

    found: list[dict[str, Any]] = one(sheet(version))
    return found


def pdf(version: ScorecardVersion) -> bytes:
    """Return the card as PDF. The same version gives the same bytes.

    :raises NoFont: if the font of papers was not built
    """
    name = version.scorecard
    told = {
        "title": {"en": f"Model card: {name.name_en} v{version.number}", "zh": f"模型卡：{name.name_zh} 第{version.number}版"},
        "number": f"{name.public_id} v{version.number} · {version.sha256[:16]}", "parts": sheet(version),
    }  # fmt: skip
    made: bytes = _compiler().compile(format="pdf", sys_inputs={"data": json.dumps(told, ensure_ascii=False, default=str)}, timestamp=EPOCH)
    return made


@cache
def _compiler() -> Any:
    import typst  # an engine of 20 MB that most processes never need

    if not any(FONTS.glob("*.ttf")):
        raise NoFont(_("Papers cannot be made: the font is missing. Build the front end once more."))
    return typst.Compiler(FOLDER / "card.typ", root=FOLDER, font_paths=[FONTS], ignore_system_fonts=True)


def both(text: Any) -> dict[str, str]:
    """Return a lazy sentence in both languages."""
    found = {}
    for side, language in (("en", "en"), ("zh", "zh-hans")):
        with override(language):
            found[side] = str(text)
    return found


def part(title: Any, *, lines: Any = (), rows: Any = (), heads: Any = (), table: Any = ()) -> dict[str, Any]:
    return {"title": title, "lines": list(lines), "rows": list(rows), "heads": list(heads), "table": list(table)}


def row(label: dict[str, str], value: Any) -> dict[str, Any]:
    return {"label": label, "value": "—" if value in (None, "") else str(value)}


def _about(version: ScorecardVersion) -> dict[str, Any]:
    model = version.scorecard
    return part(
        both(_("What it is")),
        lines=[both(_("It orders applicants by the chance that a loan goes bad. It does not decide: strategies do, and people.")),
               both(_("It is not made for people unlike those in its data, nor for collections, nor for anything about employment or insurance."))],
        rows=[
            row(both(_("Model")), f"{model.public_id} · {model.code}"), row(both(_("Version")), version.number),
            row(both(_("Kind")), dict(version._meta.get_field("kind").flatchoices)[version.kind]),
            row(both(_("Tier")), version.tier), row(both(_("Status")), version.get_status_display()),
            row(both(_("SHA-256 of the model")), version.sha256),
        ],
    )  # fmt: skip


def _data(version: ScorecardVersion) -> dict[str, Any]:
    held, data_set = version.metrics.get("holdout", {}), version.data_set
    return part(
        both(_("Data")),
        rows=[
            row(both(_("Data set")), f"{data_set.public_id} · {data_set.name}" if data_set else version.note),
            row(both(_("SHA-256 of the data")), version.data_sha256),
            row(both(_("Rows measured on")), held.get("rows")), row(both(_("Bad among them")), held.get("bad")),
            row(both(_("Protected attributes, measured and never used")), ", ".join(data_set.named("protected")) if data_set else None),
        ],
    )  # fmt: skip


def _figures(version: ScorecardVersion) -> dict[str, Any]:
    english, chinese = _labelled(version, "en"), _labelled(version, "zh-hans")
    rows = [
        row(
            {"en": en["label"], "zh": zh["label"]},
            f"{en['value']:.4f}" + (f"  [{en['low']:.4f}, {en['high']:.4f}]" if en["low"] is not None else ""),
        )
        for en, zh in zip(english, chinese, strict=True)
    ]
    return part(both(_("Figures")), lines=[both(_("On rows not seen in training; 95 % intervals in brackets."))], rows=rows)


def _labelled(version: ScorecardVersion, language: str) -> list[dict[str, Any]]:
    with override(language):
        return model_page.figures(version.metrics)


def _features(version: ScorecardVersion) -> dict[str, Any]:
    used = [name for name, one in version.metrics.get("features", {}).items() if one.get("used")][:MOST]
    table = [
        [name, words.label(name, "zh-hans"), words.label(name, "en"), _number(version.metrics["features"][name].get("iv"))] for name in used
    ]
    heads = [both(_("Column")), {"en": "Chinese", "zh": "中文"}, {"en": "English", "zh": "英文"}, {"en": "IV", "zh": "IV"}]
    return part(both(_("Features")), heads=heads, table=table)


def _both(tell: Callable[..., str], *what: Any) -> dict[str, str]:
    return {"en": tell(*what, "en"), "zh": tell(*what, "zh")}


def _fairness(version: ScorecardVersion) -> dict[str, Any]:
    table = [
        [_both(words.label, name["attribute"]), _both(words.word, name["attribute"], one["group"]), f"{one['rows']:,}", _share(one.get("approved")), _number(one.get("ratio"), 2),
         _share(one.get("good_refused")), _share(one.get("bad_passed"))]
        for name in model_fairness.tables(version) for one in name["rows"][:MOST]
    ]  # fmt: skip
    heads = [both(_("Attribute")), both(_("Group")), both(_("Rows")), both(_("Approved")), both(_("Of the best group")),
             both(_("Good refused")), both(_("Bad passed"))]  # fmt: skip
    rows = [row(both(_("Why a gap is accepted")), version.fairness_reason)] if version.fairness_reason else []
    lines = [both(_("At a cut-off that lets the safest 70 % pass. Below 0.80 of the best group a reason is needed."))]
    if not table:
        lines = [both(_("No protected attribute was measured."))]
    return part(both(_("Fairness")), lines=lines, rows=rows, heads=heads if table else (), table=table)


def _stability(version: ScorecardVersion) -> dict[str, Any]:
    stored = version.metrics.get("stability") or {}
    table = [
        [one["group"], f"{one['rows']:,}", _share(one.get("bad_rate")), _number(one.get("auc"), 3), _number(one.get("psi"), 3)]
        for rows in stored.values() for one in rows[:MOST]
    ]  # fmt: skip
    heads = [both(_("Period or segment")), both(_("Rows")), both(_("Bad rate")), {"en": "AUC", "zh": "AUC"}, {"en": "PSI", "zh": "PSI"}]
    lines = [] if table else [both(_("No column of time or of segments was given."))]
    return part(both(_("Stability")), lines=lines, heads=heads if table else (), table=table)


def _answers(version: ScorecardVersion) -> dict[str, Any]:
    told = version.proof or version.metrics.get("proof", {})
    people = [(_("Developer"), version.developer, version.created_at), (_("Validator"), version.validator, version.validated_at),
              (_("Approver"), version.approver, version.approved_at)]  # fmt: skip
    rows = [row(both(label), f"{person.name} · {moment:%Y-%m-%d}" if person and moment else None) for label, person, moment in people]
    rows.append(row(both(_("Next review")), version.review_due))
    rows.append(row(both(_("Largest difference from the library")), f"{told['max_abs_diff']:.1e}" if told else None))
    return part(both(_("Who answers for it")), rows=rows)


def _number(value: Any, places: int = 3) -> str:
    return "—" if value is None else f"{value:.{places}f}"


def _share(value: Any) -> str:
    return "—" if value is None else f"{value * 100:.1f}%"
