"""Made populations for simulations: drawn from past decisions and changed, drawn from the declaration alone, or read from a file.

Everything drawn depends on the seed and the application's number alone, so that a part run again gives the same applications.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from random import Random
from typing import Any

from django.utils.translation import gettext as _

from crm.lib.errors import Invalid
from risk import facts
from risk.populations import GENERATED, MOST, Row, read

PAST, RANDOM = "past", "random"
LARGEST_FILE = 8_000_000  # bytes
OPEN_ENDED = Decimal(100_000)  # where a declaration names no largest value
CHANGE = re.compile(r"^([a-z][a-z0-9_]{0,39})\s*([=+~−-])\s*([^%]{1,40}?)\s*(%?)$")
STEPS = {"money": Decimal("0.01"), "integer": Decimal(1), "decimal": Decimal("0.000001")}


@dataclass(frozen=True)
class Change:
    """What happens to a fact of each application: `=` sets it, `+` and `-` move it, `~` draws within; by an amount or a per cent."""

    fact: str
    sign: str
    value: str
    percent: bool = False

    def content(self) -> list[Any]:
        return [self.fact, self.sign, self.value, self.percent]


@dataclass(frozen=True)
class Made:
    """How many applications are made, from what, by which seed, with which changes."""

    base: str = PAST
    limit: int = 1_000
    seed: int = 1
    changes: Sequence[Change] = field(default_factory=tuple)

    def content(self) -> dict[str, Any]:
        return {
            "source": GENERATED, "base": self.base, "limit": self.limit, "seed": self.seed, "changes": [one.content() for one in self.changes],
        }  # fmt: skip


def changes(text: str, schema: facts.Schema) -> list[Change]:
    """Read changes as an analyst writes them, one a line: `income - 10%`, `rate_a + 0.02`, `term = 24`, `amount ~ 20%`.

    :raises Invalid: with the line that cannot be read, or does not fit the fact
    """
    found = []
    for line in text.splitlines():
        if not line.strip():
            continue
        match = CHANGE.match(line.strip())
        fact = schema.facts.get(match[1]) if match else None
        if match is None or fact is None:
            raise _refused(
                _("Write each line as “income - 10%%”, with a fact the version declares; this one is not: %(line)s")
                % {"line": line.strip()[:60]}
            )
        one = Change(fact.name, match[2].replace("−", "-"), match[3], bool(match[4]))
        if one.sign == "=":
            value = None if one.percent else read(one.value, fact)
            if value is None:
                raise _refused(_("“%(text)s” does not fit the fact %(fact)s.") % {"text": one.value[:40], "fact": fact.name})
        elif fact.type not in STEPS or _number(one.value) is None:
            raise _refused(_("%(fact)s cannot be moved by “%(text)s”.") % {"fact": fact.name, "text": one.value[:40]})
        found.append(one)
    return found


def _refused(sentence: str) -> Invalid:
    return Invalid(sentence, fields={"changes": sentence})


def _number(text: str) -> Decimal | None:
    try:
        found = Decimal(text.replace(",", ""))
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found) < OPEN_ENDED * 1000 else None


def drawn(content: Mapping[str, Any], numbers: Iterable[int], schema: facts.Schema, bases: Mapping[int, Mapping[str, Any]]) -> list[Row]:
    """Return the applications of these numbers: `bases` gives the facts that one starts from, none where all is drawn."""
    every = [Change(*one) for one in content["changes"]]
    rows = []
    for number in numbers:
        random = Random(f"{content['seed']}:{number}")  # noqa: S311  a population, no secret
        known = dict(bases[number]) if number in bases else anybody(schema, random)
        for one in every:
            _change(known, one, schema.facts.get(one.fact), random)
        rows.append(Row(number, known))
    return rows


def anybody(schema: facts.Schema, random: Random) -> dict[str, Any]:
    """Return facts drawn evenly between the declared bounds, without protected ones; each optional one is there half the time."""
    found: dict[str, Any] = {}
    for name, fact in schema.facts.items():
        if fact.protected or (not fact.required and random.random() < 0.5):
            continue
        if fact.type == "boolean":
            found[name] = random.random() < 0.5
        elif fact.type == "category":
            found[name] = random.choice(sorted(fact.values))
        else:
            least, most = (
                fact.least or Decimal(0),
                fact.most if fact.most is not None else (Decimal(1) if fact.type == "decimal" else OPEN_ENDED),
            )
            found[name] = _stored(least + (most - least) * Decimal(random.randrange(1_000_001)) / 1_000_000, fact)
    return found


def _change(known: dict[str, Any], one: Change, fact: facts.Fact | None, random: Random) -> None:
    """Change a fact in place; one that is absent, or not a number, stays as it is unless it is set."""
    if fact is None:
        return
    if one.sign == "=":
        known[one.fact] = read(one.value, fact)
        return
    was = facts._exact(known.get(one.fact))
    by = _number(one.value)
    if was is None or by is None:
        return
    step = was * by / 100 if one.percent else by
    if one.sign == "~":
        step = step * Decimal(random.randrange(-1_000_000, 1_000_001)) / 1_000_000
    known[one.fact] = _stored(was - step if one.sign == "-" else was + step, fact)


def _stored(value: Decimal, fact: facts.Fact) -> Any:
    """Return a number as the fact is stored, between its declared bounds."""
    if fact.least is not None:
        value = max(value, fact.least)
    if fact.most is not None:
        value = min(value, fact.most)
    value = value.quantize(STEPS[fact.type], ROUND_HALF_UP)
    return int(value) if fact.type == "integer" else str(value)


# --- a file -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Uploaded:
    """The applications of a file by line, and the lines that need a change."""

    rows: Sequence[tuple[int, dict[str, Any]]]
    problems: Sequence[dict[str, Any]]


def uploaded(content: bytes, schema: facts.Schema) -> Uploaded:
    """Read a file of comma-separated values whose columns are facts. A bad line is told with its number, the others go on.

    :raises Invalid: if the file as a whole cannot be read: too large, no text, no line, a column that is no declared fact
    """

    def refuse(sentence: str) -> Invalid:
        return Invalid(sentence, fields={"file": sentence})

    if len(content) > LARGEST_FILE:
        raise refuse(_("The file is larger than %(most)s MB.") % {"most": LARGEST_FILE // 1_000_000})
    text = _text(content)
    if text is None or "\0" in text:
        raise refuse(_("The file is no text of comma-separated values."))
    try:
        lines = csv.reader(io.StringIO(text), strict=True)
        heads = [head.strip() for head in next(lines, [])]
        unknown = [head for head in heads if head not in schema.facts]
        if not heads or unknown or len(set(heads)) < len(heads):
            names = ", ".join(name[:40] for name in unknown[:5]) or "–"
            raise refuse(_("Each column must be a fact the version declares, once. These are not: %(names)s") % {"names": names})
        rows: list[tuple[int, dict[str, Any]]] = []
        problems: list[dict[str, Any]] = []
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            known, wrong = _line(heads, cells, schema)
            problems += [{"line": lines.line_num, "field": name, "message": sentence} for name, sentence in wrong]
            if not wrong:
                rows.append((lines.line_num, known))
            if len(rows) + len(problems) > MOST:
                raise refuse(_("The file has more than %(most)s lines.") % {"most": f"{MOST:,}"})
    except csv.Error as error:
        raise refuse(_("Line %(line)s cannot be read: %(why)s") % {"line": lines.line_num, "why": error}) from error
    if not rows and not problems:
        raise refuse(_("The file has no line below its head."))
    if not rows:
        first = problems[0]
        raise refuse(_("No line of the file can be run. Line %(line)s: %(why)s") % {"line": first["line"], "why": first["message"]})
    return Uploaded(rows, problems)


def _text(content: bytes) -> str | None:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _line(heads: Sequence[str], cells: Sequence[str], schema: facts.Schema) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    if len(cells) != len(heads):
        return {}, [("", _("%(found)s cells where the head has %(heads)s") % {"found": len(cells), "heads": len(heads)})]
    known: dict[str, Any] = {}
    wrong = []
    for head, cell in zip(heads, cells, strict=True):
        if not cell.strip():
            continue
        value = read(cell, schema.facts[head])
        if value is None:
            wrong.append((head, _("“%(text)s” does not fit the fact %(fact)s.") % {"text": cell.strip()[:40], "fact": head}))
        else:
            known[head] = value
    return known, wrong
