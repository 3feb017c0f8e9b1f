"""A dry run as figures, sentences and pictures: from which path to which, the next steps, contacts and their cost, what the gate holds back."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy, pgettext, pgettext_lazy
from django.utils.translation import gettext as _

from collection import treatment_shape as shape
from collection import treatment_words
from collection.dry_run_math import BLOCKED, EXIT, HORIZONS, NO_GATEWAY, PATH, STILL, WAITS
from collection.models import Case, TreatmentDryRun, TreatmentDryRunCase
from crm.lib import tables
from crm.lib.templatetags.crm import percent
from customers import contacts
from governance.models import User
from risk import words

ZERO = Decimal("0.00")
LONGEST = 120  # an address of a cell
NAMED = 20  # cases a version could not judge, named on the page
KINDS: Sequence[tuple[Any, Sequence[str]]] = (
    (gettext_lazy("Messages"), shape.WRITTEN), (gettext_lazy("Work of the desk"), shape.DESK), (pgettext_lazy("step", "Handed on"), shape.HANDED_ON),
)  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """Cases that go from one place to another, as a filter of the list of cases shows them; `run` is "" where an address named none."""

    run: str
    source: str
    to: str

    def __str__(self) -> str:
        return f"{self.run}: {label(self.source)} → {label(self.to)}" if self.run else _("a figure that no report has")

    def among(self, rows: QuerySet[Case], user: User) -> QuerySet[Case]:
        """Narrow `rows` to the cases kept of the cell, if `user` may see the run."""
        run = TreatmentDryRun.objects.visible_to(user).filter(public_id=self.run, result__isnull=False).first()
        for number, one in enumerate(run.result["cells"] if run is not None and run.result else []):
            if (one["from"], one["to"]) == (self.source, self.to):
                return rows.filter(pk__in=TreatmentDryRunCase.objects.filter(run=run, cell=number).values("case"))
        return rows.none()


def label(place: str) -> str:
    """Return a place in words: the path, what ends the treatment, or that a version could not say."""
    kind, _sep, code = place.partition(":")
    if kind == PATH:
        return treatment_words.of_path(code)
    if kind == EXIT:
        return _("Ends: %(why)s") % {"why": shape.EXIT_WORDS.get(code, code)}
    return _("Could not be judged")


def behind(text: str) -> Cell:
    """Return the cell that an address names: run, from, to."""
    parts = text.split("~")
    return Cell(*parts) if len(parts) == 3 and len(text) <= LONGEST and "\0" not in text else Cell("", "", "")


def address(row: TreatmentDryRun, source: str, to: str) -> str:
    return f"{reverse('case-list')}?{urlencode({'status': 'all', 'dry': f'{row.public_id}~{source}~{to}'})}"


def of_run(row: TreatmentDryRun, user: User) -> dict[str, Any]:
    """Return what the page of a dry run that is over shows."""
    result: dict[str, Any] = row.result or {}
    cells = result["cells"]
    moved = sum(one["cases"] for one in cells if one["from"] != one["to"])
    chart = matrix(row, cells, moved, result["cases"])
    return {
        "cases": result["cases"], "moved": moved, "share": percent(Decimal(moved) / result["cases"]) if result["cases"] else "",
        "matrix": chart, "places": places(row, cells), "changes": changes(row, cells), "next": nexts(result), "spans": [span(result, days) for days in HORIZONS],
        "unjudged": unjudged(row, user), "unjudged_count": sum(one["cases"] for one in cells if "none:" in (one["from"], one["to"])),
    }  # fmt: skip


def order(cells: Sequence[dict[str, Any]], side: str) -> list[str]:
    """Return the places of a side: paths as most cases lie on them, then what ends, then what could not be judged."""
    sums: dict[str, int] = {}
    for one in cells:
        sums[one[side]] = sums.get(one[side], 0) + one["cases"]
    rank = {PATH: 0, EXIT: 1}
    return sorted(sums, key=lambda place: (rank.get(place.partition(":")[0], 2), -sums[place], place))


def matrix(row: TreatmentDryRun, cells: Sequence[dict[str, Any]], moved: int, cases: int) -> dict[str, Any]:
    """Return the heat map: from where (rows) to where (columns)."""
    found = {(one["from"], one["to"]): one["cases"] for one in cells}
    down, across = order(cells, "from"), order(cells, "to")
    title = _("%(moved)s of %(cases)s cases would be treated otherwise") % {"moved": f"{moved:,}", "cases": f"{cases:,}"}
    if not moved:
        title = _("No case would change its path")
    caption = _("Cases by path: rows v%(base)s, columns v%(draft)s") % {"base": row.base.number, "draft": row.draft.number}
    data = {
        "v": 1, "kind": "heat", "title": title, "caption": caption, "as_of": row.made_at.date().isoformat(), "complete": True, "note": "",
        "x": {"label": "", "type": "category", "values": [label(to) for to in across], "keys": across},
        "y": {"label": "", "unit": "count", "values": [label(source) for source in down[::-1]]},
        "series": [
            {"key": source, "name": label(source), "role": "main", "values": [found.get((source, to), 0) for to in across]} for source in down[::-1]
        ],
        "marks": [], "events": [],
        "drill": f"{reverse('case-list')}?status=all&dry={row.public_id}~{{s}}~{{x}}",
    }  # fmt: skip
    rows = [{"label": label(source), "cells": [f"{found.get((source, to), 0):,}" for to in across]} for source in down]
    return {
        "name": "matrix",
        "title": title,
        "caption": caption,
        "data": data,
        "heads": [_("From → to"), *(label(to) for to in across)],
        "rows": rows,
    }


def places(row: TreatmentDryRun, cells: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each place with its cases under either version."""
    was: dict[str, int] = {}
    now: dict[str, int] = {}
    for one in cells:
        was[one["from"]] = was.get(one["from"], 0) + one["cases"]
        now[one["to"]] = now.get(one["to"], 0) + one["cases"]
    both = [{"from": place, "to": place, "cases": max(was.get(place, 0), now.get(place, 0))} for place in {*was, *now}]
    return [
        {"place": label(one), "was": was.get(one, 0), "now": now.get(one, 0), "by": now.get(one, 0) - was.get(one, 0)}
        for one in order(both, "from")
    ]


def changes(row: TreatmentDryRun, cells: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return from where to where cases go, the most first; each leads to its cases."""
    rows = sorted((one for one in cells if one["from"] != one["to"]), key=lambda one: (-one["cases"], one["from"], one["to"]))
    return [
        {"from": label(one["from"]), "to": label(one["to"]), "cases": one["cases"], "amount": Decimal(one["amount"]), "url": address(row, one["from"], one["to"])}
        for one in rows
    ]  # fmt: skip


def nexts(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the next step of the cases by kind and act under either version; waits, and cases with nothing to come, at the end."""
    was, now = result["base"]["next"], result["draft"]["next"]
    rows = [
        {"kind": kind, "act": shape.ACTIONS[act], "was": was.get(act, 0), "now": now.get(act, 0)}
        for kind, acts in KINDS for act in acts if act in was or act in now
    ]  # fmt: skip
    words_of = {shape.WAIT: pgettext("treatment", "Waits"), STILL: _("Nothing to come on the path")}
    return rows + [
        {"kind": "", "act": word, "was": was.get(act, 0), "now": now.get(act, 0)}
        for act, word in words_of.items()
        if act in was or act in now
    ]


def span(result: dict[str, Any], days: int) -> dict[str, Any]:
    """Return the contacts of the next days by act under either version: planned, their cost, what the gate would put off or refuse."""
    was, now = result["base"]["spans"][str(days)], result["draft"]["spans"][str(days)]
    acts = [act for _kind, group in KINDS for act in group if act in was["planned"] or act in now["planned"]]
    rows = [{"act": str(shape.ACTIONS[act]), "was": of_act(was, act), "now": of_act(now, act)} for act in acts]
    rules = sorted({*was["rules"], *now["rules"]}, key=lambda rule: -max(was["rules"].get(rule, 0), now["rules"].get(rule, 0)))
    return {
        "days": days, "rows": rows,
        "all": {"act": _("All"), "was": total(rows, "was"), "now": total(rows, "now")},
        "rules": [{"rule": rule_word(rule), "was": was["rules"].get(rule, 0), "now": now["rules"].get(rule, 0)} for rule in rules],
    }  # fmt: skip


def of_act(side: dict[str, Any], act: str) -> dict[str, Any]:
    return {
        "planned": side["planned"].get(act, 0),
        "cost": Decimal(side["cost"].get(act, "0.00")),
        "waits": side[WAITS].get(act, 0),
        "blocked": side[BLOCKED].get(act, 0),
    }


def total(rows: Sequence[dict[str, Any]], side: str) -> dict[str, Any]:
    return {name: sum((row[side][name] for row in rows), ZERO if name == "cost" else 0) for name in ("planned", "cost", "waits", "blocked")}


def rule_word(rule: str) -> str:
    return str(treatment_words.WHYS[NO_GATEWAY] if rule == NO_GATEWAY else contacts.SENTENCES.get(rule, rule)).rstrip(".。")


def unjudged(row: TreatmentDryRun, user: User) -> list[dict[str, Any]]:
    """Return some of the cases a version could not judge that `user` may see, with the reasons it gave."""
    seen = Case.objects.visible_to(user).values("pk")
    rows = TreatmentDryRunCase.objects.filter(run=row, case__in=seen).exclude(why="").select_related("case").order_by("pk")[:NAMED]
    reasons, language = {**row.base.reasons, **row.draft.reasons}, get_language() or "en"
    return [
        {"case": one.case, "why": "; ".join(words.heading(code, reasons, language=language) for code in one.why.split())} for one in rows
    ]


def as_file(row: TreatmentDryRun) -> list[tables.Sheet]:
    """Return a dry run as a file holds it: from where to where, next steps, contacts."""
    result: dict[str, Any] = row.result or {"cells": [], "base": {"next": {}}, "draft": {"next": {}}}
    base, draft = f"v{row.base.number}", f"v{row.draft.number}"
    moves = [(label(one["from"]), label(one["to"]), one["cases"], Decimal(one["amount"])) for one in result["cells"]]
    steps = [(str(one["kind"]), str(one["act"]), one["was"], one["now"]) for one in nexts(result)]
    names = ("planned", "cost", "waits", "blocked")
    heads = [_("Planned"), _("Cost (CNY)"), pgettext("step", "Put off"), _("Refused")]
    contacts_of = [
        (days, one["act"], *(one["was"][name] for name in names), *(one["now"][name] for name in names))
        for days in HORIZONS if row.result for one in span(result, days)["rows"]
    ]  # fmt: skip
    return [
        tables.Sheet(str(_("From where to where")), [base, draft, _("Cases"), _("Overdue (CNY)")], moves),
        tables.Sheet(str(_("Next step")), [_("Kind"), pgettext("treatment", "Act"), base, draft], steps),
        tables.Sheet(
            str(_("Contacts planned")),
            [_("Days"), pgettext("treatment", "Act"), *(f"{base}: {head}" for head in heads), *(f"{draft}: {head}" for head in heads)],
            contacts_of,
        ),
    ]
