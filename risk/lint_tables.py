"""Which rows of a decision table can apply, which overlap, which cases no row takes. Pure.

The cases a table tells apart form a grid: a side per thing that is compared (a fact's value, or the order of two expressions), cut at every
value the table names. A row is a box in that grid, kept as a bit mask per side; a row is unreachable when the rows above it, taken out of
its box, leave nothing. Names that stand for a constant upstream are read as that constant. What cannot be read is a side of its own that
holds or does not: so "unreachable" is never claimed wrongly, while a gap may be one that cannot happen.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from risk.facts import Fact

NUMBER = re.compile(r"^-?\d+(\.\d+)?$")
COMPARED = re.compile(r"^(?P<left>.*?)\s*(?P<sign><=|>=|==|!=|<|>)\s*(?P<right>[^<>=!]+)$")
UNARY = re.compile(r"^(?P<sign><=|>=|==|!=|<|>)\s*(?P<right>[^<>=!]+)$")
RANGE = re.compile(r"^(?P<opens>[\[(\]])\s*(?P<low>[^.\s]+(?:\.\d+)?)\s*\.\.\s*(?P<high>[^\s\])(]+)\s*(?P<closes>[\])\[])$")
LIST = re.compile(r"^(?P<no>not\s+)?in\s*\[(?P<items>.*)\]$")
STRING = re.compile(r'^"[^"]*"$|^\'[^\']*\'$')
AND = re.compile(r"\s+and\s+")
MOST_BOXES = 4_000
ORDERS = {"<": 0b001, "==": 0b010, ">": 0b100, "<=": 0b011, ">=": 0b110, "!=": 0b101}  # of two things: less, equal, greater
ELSE = object()  # any text the table does not name

Box = tuple[int, ...]


@dataclass
class Side:
    """One side of the grid: `what` is compared; `cuts` are the numbers named, `values` the texts and truths."""

    what: str
    kind: str  # number, value, order, opaque
    other: str = ""
    cuts: set[Decimal] = field(default_factory=set)
    values: list[Any] = field(default_factory=list)
    fact: Fact | None = None
    atoms: list[Any] = field(default_factory=list)

    def settle(self) -> None:
        """Cut the side once every row was read."""
        if self.kind == "number":
            self.atoms = list(_pieces(sorted(self.cuts), self.fact))
        elif self.kind == "value":
            declared: list[Any] = sorted(self.fact.values) if self.fact and self.fact.values else []
            if self.fact and self.fact.type == "boolean":
                declared = [True, False]
            self.atoms = declared or [*dict.fromkeys(self.values), ELSE]
        else:
            self.atoms = ["<", "==", ">"] if self.kind == "order" else [True, False]

    @property
    def full(self) -> int:
        return (1 << len(self.atoms)) - 1


def _pieces(cuts: Sequence[Decimal], fact: Fact | None) -> Iterator[tuple[Decimal | None, Decimal | None]]:
    """Return the points and the open stretches between them, as (low, high); a point has both alike."""
    edges: list[Decimal | None] = [None, *cuts, None]
    for place in range(len(edges) - 1):
        low, high = edges[place], edges[place + 1]
        if low is not None:
            yield from (one for one in [(low, low)] if _possible(one, fact))
        yield from (one for one in [(low, high)] if _possible(one, fact))


def _possible(piece: tuple[Decimal | None, Decimal | None], fact: Fact | None) -> bool:
    low, high = piece
    if fact is None:
        return True
    if low is not None and low == high:
        fits = (fact.least is None or low >= fact.least) and (fact.most is None or low <= fact.most)
        return fits and (fact.type != "integer" or low == low.to_integral_value())
    if fact.least is not None and high is not None and high <= fact.least:
        return False
    if fact.most is not None and low is not None and low >= fact.most:
        return False
    if fact.type == "integer" and low is not None and high is not None:
        return low.to_integral_value(rounding="ROUND_FLOOR") + 1 < high
    return True


@dataclass(frozen=True)
class Condition:
    """One comparison of a row: a side, and how the side's atoms are chosen."""

    side: str
    sign: str  # < <= > >= == !=, in, range, holds
    given: Any


class Table:
    """A decision table as a grid; rows that no reader understands still take part, as opaque conditions."""

    def __init__(self, content: Mapping[str, Any], facts: Mapping[str, Fact], constants: Mapping[str, Decimal]) -> None:
        self.facts, self.constants = facts, constants
        self.sides: dict[str, Side] = {}
        self.rows = [self._read(row, content["inputs"]) for row in content["rules"]]
        for side in self.sides.values():
            side.settle()
        self.order = list(self.sides)
        self.full: Box = tuple(self.sides[name].full for name in self.order)
        self.boxes = [self._box(row) for row in self.rows]

    def _read(self, row: Mapping[str, Any], inputs: Sequence[Mapping[str, Any]]) -> list[Condition]:
        found: list[Condition] = []
        for column in inputs:
            cell, what = str(row.get(column["id"]) or "").strip(), str(column.get("field") or "").strip()
            if cell:
                parts = AND.split(cell) if '"' not in cell and " or " not in cell and "(" not in cell else [cell]
                found += [self._condition(what, part.strip()) for part in parts]
        return found

    def _condition(self, what: str, cell: str) -> Condition:
        if not what:
            compared = COMPARED.match(cell)
            if compared and not re.search(r"\b(or|and|not|in)\b|[?:\"]", cell):
                return self._compare(compared["left"].strip(), compared["sign"], compared["right"].strip())
            return self._opaque("", cell)
        if unary := UNARY.match(cell):
            return self._compare(what, unary["sign"], unary["right"].strip())
        if span := RANGE.match(cell):
            low, high = self._number(span["low"]), self._number(span["high"])
            if low is not None and high is not None and span["opens"] in "[(" and span["closes"] in "])":
                side = self._side(what, "number")
                side.cuts |= {low, high}
                return Condition(side.what, "range", (low, span["opens"] == "[", high, span["closes"] == "]"))
            return self._opaque(what, cell)
        listed = LIST.match(cell)
        items = [one.strip() for one in (listed["items"] if listed else cell).split(",")]
        return self._one_of(what, items, cell, no=bool(listed and listed["no"]))

    def _one_of(self, what: str, items: list[str], cell: str, *, no: bool) -> Condition:
        numbers = [self._number(item) for item in items]
        if all(one is not None for one in numbers):
            side = self._side(what, "number")
            side.cuts |= {one for one in numbers if one is not None}
            return Condition(side.what, "not in" if no else "in", frozenset(numbers))
        values: list[Any] = [item[1:-1] if STRING.match(item) else {"true": True, "false": False}.get(item) for item in items]
        if any(one is None for one in values):
            return self._opaque(what, cell)
        side = self._side(what, "value")
        side.values += values
        return Condition(side.what, "not in" if no else "in", frozenset(values))

    def _compare(self, left: str, sign: str, right: str) -> Condition:
        number = self._number(right)
        if number is not None:
            side = self._side(left, "number")
            side.cuts.add(number)
            return Condition(side.what, sign, number)
        if STRING.match(right) or right in ("true", "false"):
            if sign in ("==", "!="):
                return self._one_of(left, [right], f"{sign} {right}", no=sign == "!=")
            return self._opaque(left, f"{sign} {right}")
        name = f"{left} ? {right}"
        self.sides.setdefault(name, Side(left, "order", other=right))
        return Condition(name, sign, None)

    def _opaque(self, what: str, cell: str) -> Condition:
        name = f"{what} : {cell}"
        self.sides.setdefault(name, Side(what, "opaque", other=cell))
        return Condition(name, "holds", None)

    def _side(self, what: str, kind: str) -> Side:
        found = self.sides.setdefault(what, Side(what, kind, fact=self.facts.get(what)))
        if found.kind != kind:  # one column compared as a number here and as a text there
            return self.sides.setdefault(f"{what} ({kind})", Side(f"{what} ({kind})", kind, fact=self.facts.get(what)))
        return found

    def _number(self, text: str) -> Decimal | None:
        text = text.strip()
        return Decimal(text) if NUMBER.match(text) else self.constants.get(text)

    def _box(self, row: Iterable[Condition]) -> Box:
        masks = dict.fromkeys(self.order, -1)
        for one in row:
            masks[one.side] &= _mask(self.sides[one.side], one)
        return tuple(masks[name] & self.sides[name].full for name in self.order)

    # --- what is found --------------------------------------------------------------------------------------------
    def never_true(self) -> list[int]:
        """Return the rows whose own conditions exclude each other."""
        return [place for place, box in enumerate(self.boxes) if not all(box)]

    def unreachable(self) -> list[int]:
        """Return the rows whose every case an earlier row takes."""
        found = []
        for place, box in enumerate(self.boxes):
            if all(box) and place:
                left = remaining([box], self.boxes[:place])
                if left is not None and not left:
                    found.append(place)
        return found

    def gap(self) -> str | None:
        """Return a case no row takes, in words of the table; None when each is taken, or it could not be found out."""
        left = remaining([self.full], self.boxes)
        return self.described(left[0]) if left else None

    def overlaps(self) -> list[tuple[int, int]]:
        """Return pairs of rows that compare the same things and take part of each other's cases, neither within the other."""
        found = []
        for one in range(len(self.boxes)):
            for other in range(one + 1, len(self.boxes)):
                first, second = self.boxes[one], self.boxes[other]
                if {c.side for c in self.rows[one]} != {c.side for c in self.rows[other]} or not all(first) or not all(second):
                    continue
                both = tuple(a & b for a, b in zip(first, second, strict=True))
                if all(both) and both not in (first, second):
                    found.append((one, other))
        return found

    def twins(self) -> list[tuple[int, int]]:
        """Return pairs of rows with the same conditions."""
        seen: dict[Box, int] = {}
        found = []
        for place, box in enumerate(self.boxes):
            if box in seen:
                found.append((seen[box], place))
            seen.setdefault(box, place)
        return found

    def described(self, box: Box) -> str:
        """Return one case of a box as a reader would write it."""
        texts = []
        for name, mask in zip(self.order, box, strict=True):
            side = self.sides[name]
            if mask == side.full:
                continue
            atom = side.atoms[(mask & -mask).bit_length() - 1]
            texts.append(_told(side, atom))
        return ", ".join(texts)


def remaining(boxes: list[Box], taken: Iterable[Box]) -> list[Box] | None:
    """Return what is left of `boxes` without `taken`; None when it would be too many pieces to say."""
    for other in taken:
        if not all(other):
            continue
        boxes = [piece for box in boxes for piece in _without(box, other)]
        if len(boxes) > MOST_BOXES:
            return None
    return boxes


def _without(box: Box, other: Box) -> Iterator[Box]:
    both = tuple(a & b for a, b in zip(box, other, strict=True))
    if not all(both) and both:
        yield box
        return
    for place, mask in enumerate(box):
        if rest := mask & ~other[place]:
            yield (*both[:place], rest, *box[place + 1 :])


def _mask(side: Side, one: Condition) -> int:
    if one.sign == "holds":
        return 0b01
    if side.kind == "order":
        return ORDERS[one.sign]
    return sum(1 << place for place, atom in enumerate(side.atoms) if _takes(one, side, atom))


def _takes(one: Condition, side: Side, atom: Any) -> bool:
    if side.kind == "value":
        return (atom in one.given) != (one.sign == "not in") if atom is not ELSE else one.sign == "not in"
    low, high = atom
    point = low is not None and low == high
    if one.sign in ("in", "not in"):
        return (point and low in one.given) != (one.sign == "not in")
    if one.sign == "range":
        least, with_least, most, with_most = one.given
        return _above(low, point, least, with_least) and _below(high, point, most, with_most)
    if one.sign in ("==", "!="):
        return (point and low == one.given) != (one.sign == "!=")
    if one.sign in ("<", "<="):
        return _below(high, point, one.given, one.sign == "<=")
    return _above(low, point, one.given, one.sign == ">=")


def _below(high: Decimal | None, point: bool, edge: Decimal, inclusive: bool) -> bool:
    return high is not None and (high < edge or (high == edge and (inclusive or not point)))


def _above(low: Decimal | None, point: bool, edge: Decimal, inclusive: bool) -> bool:
    return low is not None and (low > edge or (low == edge and (inclusive or not point)))


def _told(side: Side, atom: Any) -> str:
    if side.kind == "order":
        return f"{side.what} {atom} {side.other}"
    if side.kind == "opaque":
        return f"{side.what} {side.other}".strip() if atom else f"not ({f'{side.what} {side.other}'.strip()})"
    if side.kind == "value":
        return f"{side.what} = {'…' if atom is ELSE else str(atom).lower() if isinstance(atom, bool) else atom}"
    low, high = atom
    if low is not None and low == high:
        return f"{side.what} = {low}"
    return f"{low} < {side.what} < {high}" if low is not None and high is not None else (
        f"{side.what} > {low}" if low is not None else f"{side.what} < {high}" if high is not None else side.what)  # fmt: skip
