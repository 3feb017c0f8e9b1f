"""What a backtest says: figures and pictures out of its tally, in the reader's language. Reads nothing but the backtest and its versions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from crm.lib.templatetags.crm import percent
from risk import backtests, stability, tallies, words
from risk.models import Backtest, BacktestArm
from risk.tallies import APPROVE, DECLINE, KNOWN_BAD, KNOWN_GOOD, MILLION, NONE, PD_N, PD_SUM, REFER

Z = Decimal(str(stability.Z95))
MISSING = ("absent", "assumed", "computed")  # how a fact can be wanting: not there, as asked, from the catalogue as of then
OUTCOMES = (APPROVE, REFER, DECLINE)
OUTCOME_WORDS = {APPROVE: gettext_lazy("approve"), REFER: gettext_lazy("refer"), DECLINE: gettext_lazy("decline")}
GRADES = "ABCDE"
MOST_REASONS = 8
FEW = 30  # below this a share says little, and says so
FOUR_FIFTHS = Decimal("0.8")
Share = Decimal | None


@dataclass(frozen=True)
class Column:
    """One side in figures."""

    arm: BacktestArm
    name: str
    counts: Mapping[str, Any]
    total: int

    @property
    def approved(self) -> int:
        return int(self.counts["outcome"].get(APPROVE, 0))

    @property
    def share(self) -> Share:
        return ratio(self.approved, self.total)

    @property
    def interval(self) -> tuple[Decimal, Decimal] | None:
        return wilson(self.approved, self.total)

    def outcome(self, name: str) -> int:
        return int(self.counts["outcome"].get(name, 0))

    @property
    def line(self) -> list[int]:
        """Sum over the grades: the whole side as one line of a tally."""
        return [sum(part) for part in zip(*self.counts["grade"].values(), strict=True)] or [0] * 6

    @property
    def expected_bad(self) -> Share:
        return mean_pd(self.line)

    @property
    def known_bad(self) -> Share:
        return known_rate(self.line)

    @property
    def known(self) -> int:
        return self.line[KNOWN_GOOD] + self.line[KNOWN_BAD]


def ratio(part: int, whole: int) -> Share:
    return Decimal(part) / whole if whole else None


def mean_pd(line: Sequence[int]) -> Share:
    """Return the mean probability of default of those approved with one."""
    return Decimal(line[PD_SUM]) / line[PD_N] / MILLION if line[PD_N] else None


def known_rate(line: Sequence[int]) -> Share:
    return ratio(line[KNOWN_BAD], line[KNOWN_GOOD] + line[KNOWN_BAD])


def wilson(part: int, whole: int) -> tuple[Decimal, Decimal] | None:
    """Return the 95 % interval of a share, as cells take it."""
    found = stability.share(part, whole)
    return None if found.low is None or found.high is None else (Decimal(str(found.low)), Decimal(str(found.high)))


def paired(into: int, out: int, whole: int) -> tuple[Decimal, Decimal, Decimal] | None:
    """Return the change of a share over the same applications, with its 95 % interval (Wald, for paired proportions)."""
    if not whole:
        return None
    change = Decimal(into - out) / whole
    half = Z * Decimal(into + out - Decimal((into - out) ** 2) / whole).sqrt() / whole
    return change, change - half, change + half


SCORED = "score_"  # how a card's reason begins: the feature follows


class Report:
    """Everything the page, the API and the files show of one backtest."""

    def __init__(self, backtest: Backtest, *, by: str = "", language: str = "") -> None:
        self.backtest = backtest
        self.language = language or get_language() or "en"
        self.counts = backtest.results or backtests.summed(backtest)
        self.total = int(self.counts.get("n", 0))
        found = backtest.arms.select_related("strategy_version__strategy", "scorecard_version__scorecard").order_by("place")
        self.arms = list(found)
        sides = self.counts.get("arms", [])
        names = side_names(self.arms)
        self.columns = [
            Column(arm, name, side, self.total) for arm, name, side in zip(self.arms, names, sides, strict=False)
        ]  # fmt: skip
        self.texts: dict[str, Any] = {}
        for arm in self.arms:
            if arm.scorecard_version:
                self.texts |= arm.scorecard_version.content.get("reasons", {})
            if arm.strategy_version:
                self.texts |= arm.strategy_version.reasons
        self.by = by if by in self.dimensions else (self.dimensions[0] if self.dimensions else "")

    @property
    def base(self) -> Column:
        return self.columns[0]

    @property
    def candidates(self) -> list[Column]:
        return self.columns[1:]

    @property
    def dimensions(self) -> list[str]:
        """Groups one may look at, those that lenders ask for first."""
        found = {name for column in self.columns for name in column.counts["groups"]}
        first = [
            name for name in ("product", "age_band", "region", "branch", "channel", "purpose", "term_band", "amount_band") if name in found
        ]
        return [*first, *sorted(found - set(first))]

    def reason(self, code: str) -> str:
        """Return the short name of a reason, with the fact it is about."""
        if code == NONE:
            return _("no reason kept")
        head = words.heading(code, self.texts, language=self.language)
        if head == code and code.startswith(SCORED):  # of a card that is no side here: what was decided then had another
            return words.label(code.removeprefix(SCORED), self.language)
        fact = code.partition(":")[2]
        return f"{head}: {words.label(fact, self.language)}" if fact else head

    def dimension(self, name: str) -> str:
        return dimension_word(name, self.language)

    # --- what is said in a sentence ----------------------------------------------------------------------------------
    def finding(self) -> str:
        """Return the first candidate's change as one sentence; the page's title under its name."""
        if not self.total:
            return _("Nothing has been run yet")
        side = self.candidates[0]
        into, out = self.swapped(side)
        told = {"name": side.name, "base": self.base.name, "was": percent(self.base.share), "now": percent(side.share)}
        if into == out == 0:
            return _("%(name)s approves the same %(now)s as %(base)s, application by application") % told
        change = _("%(name)s approves %(now)s instead of %(was)s") % told
        return change + " · " + _("%(in)s in, %(out)s out") % {"in": f"{into:,}", "out": f"{out:,}"}

    def swapped(self, side: Column) -> tuple[int, int]:
        """Return how many come in and how many go out."""
        return sum(side.counts["in"].values()), sum(side.counts["out"].values())

    # --- tables ------------------------------------------------------------------------------------------------------
    def summary(self) -> list[dict[str, Any]]:
        """Return a line per figure with a cell per side."""
        lines: list[tuple[str, list[dict[str, str]]]] = [
            (_("Applications"), [cell(f"{column.total:,}") for column in self.columns]),
            (_("Approval rate"), [cell(percent(column.share), between(column.interval)) for column in self.columns]),
            (_("Change of the approval rate"), [cell(""), *(self._change(side) for side in self.candidates)]),
            (_("Referred"), [cell(percent(ratio(column.outcome(REFER), column.total)), f"{column.outcome(REFER):,}") for column in self.columns]),
            (_("Declined"), [cell(percent(ratio(column.outcome(DECLINE), column.total)), f"{column.outcome(DECLINE):,}") for column in self.columns]),
            (_("Expected bad rate of those approved"), [cell(percent(column.expected_bad, 2)) for column in self.columns]),
            (_("Known bad rate of those approved"), [
                cell(percent(column.known_bad, 2), between(wilson(column.line[KNOWN_BAD], column.known), 2) if column.known else "", known_of(column))
                for column in self.columns
            ]),
        ]  # fmt: skip
        return [{"label": label, "cells": cells} for label, cells in lines]

    def _change(self, side: Column) -> dict[str, str]:
        found = paired(*self.swapped(side), self.total)
        return cell(points(found[0]), f"{points(found[1])} – {points(found[2])}") if found else cell("")

    def money(self) -> list[dict[str, Any]]:
        """Return expected money of what each side approves, where amount, rate, limit and probability are all known."""
        sums = [column.counts["money"] for column in self.columns]
        if not any(each[tallies.COUNTED] for each in sums):
            return []
        lines = (
            (_("Applications reckoned"), tallies.COUNTED), (_("Granted (CNY)"), tallies.GRANTED), (_("Interest (CNY)"), tallies.INCOME),
            (_("Expected loss (CNY)"), tallies.LOSS), (_("Funding (CNY)"), tallies.FUNDING), (_("Work (CNY)"), tallies.OPEX),
        )  # fmt: skip
        rows = [
            {"label": label, "cells": [cell(f"{each[place]:,}" if place == tallies.COUNTED else cash(each[place])) for each in sums]}
            for label, place in lines
        ]
        profit = [each[tallies.INCOME] - each[tallies.LOSS] - each[tallies.FUNDING] - each[tallies.OPEX] for each in sums]
        more = [
            cell(cash(one), percent(ratio(one, each[tallies.GRANTED]), 2) if each[tallies.GRANTED] else "")
            for one, each in zip(profit, sums, strict=True)
        ]
        return [*rows, {"label": _("Expected profit (CNY)"), "cells": more, "is_total": True}]

    def matrix(self, side: Column) -> list[dict[str, Any]]:
        """Return was × now in numbers; a cell leads to its list."""
        counts = side.counts["matrix"]
        return [
            {"key": was, "label": str(OUTCOME_WORDS[was]), "cells": [
                {"key": now, "number": counts.get(f"{was}>{now}", 0), "same": was == now, "flip": (was == APPROVE) != (now == APPROVE)}
                for now in OUTCOMES
            ]}
            for was in OUTCOMES
        ]  # fmt: skip

    def reasons(self, side: Column) -> list[dict[str, Any]]:
        """Return which reasons flipped applications gained (now refused) and lost (now approved), most first."""
        gained, lost = side.counts["gained"], side.counts["lost"]
        codes = sorted({*gained, *lost}, key=lambda code: (-(gained.get(code, 0) + lost.get(code, 0)), code))
        return [
            {"code": code, "label": self.reason(code), "gained": gained.get(code, 0), "lost": lost.get(code, 0)}
            for code in codes[:MOST_REASONS]
        ]

    def grades(self) -> list[dict[str, Any]]:
        """Return by grade and side: how many are approved, their expected and their known bad rate."""
        found = {grade for column in self.columns for grade in column.counts["grade"]}
        names = [grade for grade in GRADES if grade in found] + ([NONE] if NONE in found else [])
        return [
            {"grade": "" if grade == NONE else grade, "cells": [self._grade(column.counts["grade"].get(grade, [0] * 6)) for column in self.columns]}
            for grade in names
        ]  # fmt: skip

    def _grade(self, line: Sequence[int]) -> dict[str, Any]:
        known = line[KNOWN_GOOD] + line[KNOWN_BAD]
        return {
            "number": line[tallies.N], "approved": line[tallies.APPROVED], "expected": mean_pd(line), "known": known_rate(line),
            "known_of": f"{line[KNOWN_BAD]:,} / {known:,}" if known else "",
        }  # fmt: skip

    def groups(self, name: str) -> list[dict[str, Any]]:
        """Return by value of a group and side: approval rate and its four-fifths ratio, expected and known bad rate."""
        values = {value for column in self.columns for value in column.counts["groups"].get(name, {})}
        lines = [{value: column.counts["groups"].get(name, {}).get(value, [0] * 6) for value in values} for column in self.columns]
        best = [
            max((ratio(line[1], line[0]) or Decimal(0) for line in side.values() if line[0] >= FEW), default=Decimal(0)) for side in lines
        ]
        rows = []
        for value in sorted(values, key=_order):
            cells = []
            for side, top in zip(lines, best, strict=True):
                line = side[value]
                share = ratio(line[tallies.APPROVED], line[tallies.N])
                against = share / top if share is not None and top else None
                few = line[tallies.N] < FEW
                cells.append({
                    "share": share, "interval": between(wilson(line[tallies.APPROVED], line[tallies.N])), "expected": mean_pd(line),
                    "known": known_rate(line), "against": against, "below": bool(against is not None and against < FOUR_FIFTHS and not few), "few": few,
                })  # fmt: skip
            rows.append(
                {"value": value, "label": value_word(name, value, self.language), "number": lines[0][value][tallies.N], "cells": cells}
            )
        return rows

    def fairness(self) -> list[dict[str, Any]]:
        """Return the groups by sex and age, where they are known, with the sides that stay below four fifths of the best group."""
        found = []
        for name in ("sex", "age_band"):
            if rows := self.groups(name):
                found.append(
                    {
                        "name": name,
                        "label": self.dimension(name),
                        "rows": rows,
                        "below": any(one["below"] for row in rows for one in row["cells"]),
                    }
                )
        return found

    def absent(self) -> list[dict[str, Any]]:
        """Return the declared facts that were not stored, with what stood for them, most first."""
        schemas = [column.arm.strategy_version.input_schema if column.arm.strategy_version else {} for column in self.columns]
        required = {row["name"] for schema in schemas for row in schema.get("facts", ()) if row["required"]}
        names = {name for column in self.columns for kind in MISSING for name in column.counts.get(kind, ())}

        def count(column: Column, name: str, kinds: Sequence[str]) -> int:
            return sum(column.counts.get(kind, {}).get(name, 0) for kind in kinds)

        rows = [
            {
                "fact": name, "label": words.label(name, self.language), "required": name in required, "assumed": self.backtest.defaults.get(name),
                "computed": any(name in column.counts.get("computed", ()) for column in self.columns),
                "cells": cells, "missed": any(cell["missed"] for cell in cells),
            }
            for name in names
            for cells in [[{"number": count(one, name, MISSING), "missed": count(one, name, MISSING[:2])} for one in self.columns]]
        ]  # fmt: skip
        return sorted(rows, key=lambda row: (not row["required"], -max(cell["number"] for cell in row["cells"]), row["fact"]))

    def known_counts(self) -> dict[str, int]:
        counts = self.counts.get("known", {})
        return {name: int(counts.get(name, 0)) for name in ("good", "bad", "indeterminate", "immature")}


# --- words -----------------------------------------------------------------------------------------------------------
DIMENSIONS = {
    "product": gettext_lazy("Product"),
    "age_band": gettext_lazy("Age"),
    "term_band": gettext_lazy("Term, months"),
    "amount_band": gettext_lazy("Amount asked for"),
    "sex": gettext_lazy("Sex"),
}
EDGES = {"age_band": tallies.AGES, "term_band": tallies.TERMS, "amount_band": tallies.LIMITS}
VALUES = {
    "yes": gettext_lazy("yes"),
    "no": gettext_lazy("no"),
    "female": gettext_lazy("female"),
    "male": gettext_lazy("male"),
}


def dimension_word(name: str, language: str) -> str:
    return str(DIMENSIONS[name]) if name in DIMENSIONS else words.label(name, language)


def value_word(name: str, value: str, language: str) -> str:
    if name in EDGES:
        return band_word(value, EDGES[name])
    if name == "sex" or value in ("yes", "no"):
        return str(VALUES.get(value, value))
    return words.word(name, value, language)


def band_word(value: str, edges: Sequence[int]) -> str:
    """Return a band in words: its lower edge to just below the next one."""
    low = int(value)
    above = next((edge for edge in edges if edge > low), None)
    if above is None:
        return f"≥ {low:,}"
    return f"< {above:,}" if low == 0 else f"{low:,}–{above:,}"


def _order(value: str) -> tuple[int, str]:
    return (int(value), "") if value.isdecimal() else (0, value)


def side_names(arms: Sequence[BacktestArm]) -> list[str]:
    """Return what the sides are called; the scorecard version is told where it is what differs."""
    versions = [arm.strategy_version_id for arm in arms]
    names = []
    for arm in arms:
        name = backtests.side_name(arm)
        card = arm.scorecard_version
        if arm.strategy_version and card and (versions.count(arm.strategy_version_id) > 1 or card.status != "live"):
            own = card.scorecard.code == arm.strategy_version.scorecard_code
            name += " · " + (_("card v%(number)s") % {"number": card.number} if own else f"{card.scorecard.name} v{card.number}")
        names.append(name)
    return names


def cell(text: Any, under: str = "", more: str = "") -> dict[str, str]:
    return {"text": str(text), "sub": " · ".join(part for part in (under, more) if part)}


def between(interval: tuple[Decimal, Decimal] | None, places: int = 1) -> str:
    return f"{percent(interval[0], places)} – {percent(interval[1], places)}" if interval else ""


def points(share: Decimal) -> str:
    """Return a change of a share in percentage points, with its sign."""
    text = _("%(n)s pp") % {"n": f"{share * 100:+.1f}"}
    return text.replace("-", "−")


def known_of(column: Column) -> str:
    return (
        _("%(bad)s bad of %(known)s known") % {"bad": f"{column.line[KNOWN_BAD]:,}", "known": f"{column.known:,}"} if column.known else ""
    )


def cash(cents: int) -> str:
    whole = Decimal(cents) / 100
    return f"{whole:,.0f}".replace("-", "−")
