"""Reading a flat file into typed columns, in bounded memory, with a sentence for everything that can be wrong with it."""

import csv
import hashlib
import math
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np

from risk.modelling import files
from risk.modelling.refusals import BadTable, Note

MAX_ROWS = 2_000_000
MAX_COLUMNS = 2_000
MAX_CELLS = 60_000_000  # 12 bytes each
CHUNK = 20_000
DICTIONARY = 5_000  # a column with more different values than this is numeric or of no use
MOST_CATEGORIES = 1_000
STRAY = 0.05  # up to this share of words in a column of numbers is read as missing
LEAST_CASES = 10
LEAK_AUC = 0.985
LEAK_CASES = 30

MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "\\n", "?", "."})
MISSING_NUMBER = frozenset({"none", "-", "--", "unknown", "missing", "nil", "无", "空", "未知"})
BAD = frozenset({"1", "1.0", "yes", "y", "true", "t", "bad", "default", "defaulted", "charged off", "坏", "是", "违约"})
GOOD = frozenset({"0", "0.0", "no", "n", "false", "f", "good", "paid", "fully paid", "好", "否", "正常"})
IDENTIFIER = re.compile(
    r"(^|_|\b)(id|ids|uuid|guid|key|row|rowid|row_number|index|idx|serial|no|nr)$|编号|序号|身份证|手机|^unnamed", re.IGNORECASE
)
DATE = re.compile(r"^(19|20)\d\d[-/.年]?(0?[1-9]|1[0-2])([-/.月]?(0?[1-9]|[12]\d|3[01])日?)?([ T].*)?$")
DASHED = re.compile(r"^(19|20)\d\d[-/.年]")
NUMERIC, CATEGORY = "numeric", "category"


@dataclass(frozen=True, eq=False)
class Column:
    """One feature: float64 with NaN for missing, or int32 codes into `levels` with -1 for missing."""

    name: str
    kind: str
    values: np.ndarray
    levels: tuple[str, ...] = ()

    def take(self, rows: np.ndarray) -> "Column":
        """Return the column of some rows only (boolean mask or places)."""
        return replace(self, values=self.values[rows])

    @property
    def missing(self) -> np.ndarray:
        return np.isnan(self.values) if self.kind == NUMERIC else self.values < 0

    def texts(self) -> np.ndarray:
        """Return a category's values as objects, None where missing; numbers as they are."""
        if self.kind == NUMERIC:
            return self.values
        return np.array([*self.levels, None], dtype=object)[self.values]

    def facts(self) -> list[Any]:
        """Return the values as the facts of single cases: None where missing."""
        if self.kind == CATEGORY:
            return list(self.texts())
        return [None if math.isnan(value) else value for value in self.values.tolist()]


@dataclass(frozen=True, eq=False)
class Table:
    """Typed columns with the outcome.

    `bad` is int8 of shape (rows,), 1 where it went bad. `rejects` holds the columns of rows without an outcome. `asides` are columns that
    measure (dates, protected attributes, segments) and never predict.
    """

    columns: Mapping[str, Column]
    bad: np.ndarray
    target: str
    notes: tuple[Note, ...] = ()
    asides: Mapping[str, Column] = field(default_factory=dict)
    time: str = ""
    segment: str = ""
    rejects: Mapping[str, Column] | None = None
    sha256: str = ""
    name: str = ""

    @property
    def rows(self) -> int:
        return len(self.bad)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.columns)

    def take(self, rows: np.ndarray) -> "Table":
        """Return some rows (boolean mask or places); the rejects stay whole."""
        return replace(
            self,
            columns={name: column.take(rows) for name, column in self.columns.items()},
            asides={name: column.take(rows) for name, column in self.asides.items()},
            bad=self.bad[rows],
        )

    def only(self, names: Iterable[str]) -> "Table":
        """Return the same rows with some features only.

        :raises BadTable: `no_column`
        """
        names = list(names)
        for name in names:
            if name not in self.columns:
                raise BadTable("no_column", column=name)
        rejects = None if self.rejects is None else {name: self.rejects[name] for name in names}
        return replace(self, columns={name: self.columns[name] for name in names}, rejects=rejects)

    def facts(self, rows: Iterable[int] | None = None) -> Iterator[dict[str, Any]]:
        """Yield rows as the facts a model scores one by one."""
        places = np.fromiter(rows, dtype=int) if rows is not None else np.arange(self.rows)
        lists = {name: column.take(places).facts() for name, column in self.columns.items()}
        for place in range(len(places)):
            yield {name: values[place] for name, values in lists.items()}


def read(
    source: str | Path | IO[bytes],
    target: str,
    *,
    protected: Sequence[str] = (),
    time: str = "",
    segment: str = "",
    exclude: Sequence[str] = (),
    max_rows: int = MAX_ROWS,
) -> Table:
    """Read a CSV file, packed by gzip or not, and find out what its columns are.

    Comma, semicolon, tab and bar separate; UTF-8 and GB 18030 are read. Rows with an empty target become `rejects`. Columns that cannot
    predict (constant, empty, identifiers, leaks, dates) are left out, each with a note. A column of dates measures stability over time,
    unless `time` names another.

    :raises BadTable: if the file cannot be read or cannot carry a model; the code says why
    """
    name, stream = files.opened(source)
    try:
        digest = hashlib.sha256()
        gathered, rows = _gather(files.Counted(stream, digest), max_rows)
    except (OSError, EOFError, zlib.error) as broken:
        raise BadTable("broken_archive") from broken
    finally:
        if not hasattr(source, "read"):
            stream.close()
    if target not in gathered:
        raise BadTable("no_target", column=target, columns=", ".join(list(gathered)[:40]))
    bad, known = _outcome(gathered.pop(target), target, rows)
    notes: list[Note] = []
    if not known.all():
        notes.append(Note("no_outcome_rows", count=int((~known).sum())))
    asked = {time, segment, *protected, *exclude} - {""}
    for wanted in sorted(asked):
        if wanted not in gathered:
            raise BadTable("no_column", column=wanted)
    columns: dict[str, Column] = {}
    asides: dict[str, Column] = {}
    rejects: dict[str, Column] = {}
    for column_name, heap in gathered.items():
        if column_name in exclude:
            continue
        made, note = _column(column_name, heap, rows, aside=column_name in asked)
        if note:
            notes.append(note)
        if made is None:
            continue
        if column_name in asked or (note and note.code == "dropped_date"):
            asides[column_name] = made.take(known)
            if column_name in protected:
                notes.append(Note("dropped_protected", column_name))
            elif column_name == segment:
                notes.append(Note("dropped_segment", column_name))
            elif note and note.code == "dropped_date" and not time:
                time = column_name
            continue
        kept = made.take(known)
        if leak := _leak(kept, bad[known]):
            notes.append(Note("dropped_leak", column_name, auc=f"{leak:.3f}"))
            continue
        columns[column_name] = kept
        rejects[column_name] = made.take(~known)
    if not columns:
        raise BadTable("nothing_left", reasons=" ".join(str(note) for note in notes[:10]) or "—")
    return Table(
        columns, bad[known].astype(np.int8), target, tuple(notes), asides, time if time in asides else "", segment if segment in asides else "",
        None if known.all() else rejects, digest.hexdigest(), name,
    )  # fmt: skip


def from_rows(rows: Sequence[Mapping[str, Any]], kinds: Mapping[str, str], target: str) -> Table:
    """Make a table of rows whose types are known: no guessing, nothing left out. Values may be Decimal, bool or None."""
    columns = {}
    for name, kind in kinds.items():
        values = [row[name] for row in rows]
        if kind == NUMERIC:
            columns[name] = Column(name, kind, np.array([math.nan if one is None else float(one) for one in values]))
        else:
            levels = sorted({str(one) for one in values if one is not None})
            place = {level: number for number, level in enumerate(levels)}
            codes = np.array([-1 if one is None else place[str(one)] for one in values], dtype=np.int32)
            columns[name] = Column(name, kind, codes, tuple(levels))
    return Table(columns, np.array([int(row[target]) for row in rows], dtype=np.int8), target)


# --- text ----------------------------------------------------------------------------------------------------------------
class _Heap:
    """What was seen of one column so far: each value as a number, and its text as long as there are few different ones."""

    def __init__(self) -> None:
        self.place: dict[str, int] = {}
        self.told: list[float] = []
        self.numbers: list[np.ndarray] = []
        self.codes: list[np.ndarray] | None = []
        self.words: Counter[str] = Counter()  # texts that are no numbers, up to a few examples
        self.word_count = 0
        self.gaps = 0
        self.dashed = 0

    def add(self, texts: Sequence[str]) -> None:
        if self.codes is not None:
            place = self.place
            for text in dict.fromkeys(texts):
                if text not in place:
                    place[text] = len(place)
                    self.told.append(as_number(text))
            if len(place) <= DICTIONARY:
                codes = np.fromiter(map(place.__getitem__, texts), dtype=np.int32, count=len(texts))
                self.codes.append(codes)
                numbers = np.array(self.told)[codes]
            else:
                numbers = np.fromiter((self.told[place[text]] for text in texts), dtype=float, count=len(texts))
                self.codes, self.place, self.told = None, {}, []
        else:
            try:
                numbers = np.array(texts).astype(float)
                plain = bool(np.isfinite(numbers).all()) and not any("_" in text for text in texts)
            except ValueError:
                plain = False
            if not plain:
                numbers = np.fromiter(map(as_number, texts), dtype=float, count=len(texts))
        for row in np.flatnonzero(np.isnan(numbers)).tolist():
            bare = texts[row].strip()
            if bare.casefold() in MISSING:
                self.gaps += 1
            else:
                self.word_count += 1
                if len(self.words) < 200 or bare in self.words:
                    self.words[bare] += 1
                self.dashed += bool(DASHED.match(bare))
        self.numbers.append(numbers)

    def all_numbers(self) -> np.ndarray:
        return np.concatenate(self.numbers) if self.numbers else np.empty(0)

    def texts(self) -> tuple[np.ndarray, list[str]] | None:
        """Return (codes, texts), the missing as -1; None when there were too many different texts."""
        if self.codes is None or len(self.place) > DICTIONARY:
            return None
        codes = np.concatenate(self.codes) if self.codes else np.empty(0, dtype=np.int32)
        levels: list[str] = []
        known: dict[str, int] = {}
        turn = np.empty(len(self.place) or 1, dtype=np.int32)
        for text, number in self.place.items():
            bare = text.strip()
            if bare.casefold() in MISSING:
                turn[number] = -1
                continue
            if bare not in known:
                known[bare] = len(levels)
                levels.append(bare)
            turn[number] = known[bare]
        return turn[codes], levels


def as_number(text: str) -> float:
    """Return the number a text stands for, NaN when it is none. Thousands may be parted by commas, a percent sign may follow."""
    try:
        number = float(text)
    except ValueError:
        bare = text.strip()
        percent = bare.endswith(("%", "％"))
        bare = bare.rstrip("%％").strip()
        if "," in bare and not re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", bare):
            return math.nan
        try:
            number = float(bare.replace(",", "")) / (100 if percent else 1)
        except ValueError:
            return math.nan
    return number if math.isfinite(number) and "_" not in text else math.nan


def _gather(raw: files.Counted, max_rows: int) -> tuple[dict[str, _Heap], int]:
    lines = files.lines(raw)
    first = next(lines, "")
    while first and not first.strip():
        first = next(lines, "")
    if not first:
        raise BadTable("empty")
    comma = max(",;\t|", key=first.count)
    csv.field_size_limit(files.MAX_FIELD)
    header = [name.strip() for name in next(csv.reader([first], delimiter=comma))]
    if len(header) > MAX_COLUMNS:
        raise BadTable("too_many_columns", count=len(header), limit=MAX_COLUMNS)
    for place, name in enumerate(header, 1):
        if not name:
            raise BadTable("no_name", place=place)
        if header.index(name) != place - 1:
            raise BadTable("name_twice", column=name)
    heaps = {name: _Heap() for name in header}
    rows = 0
    reader = csv.reader(lines, delimiter=comma)
    try:
        while chunk := list(islice(reader, CHUNK)):
            chunk = [row for row in chunk if row]
            for place, row in enumerate(chunk, 2 + rows):
                if len(row) != len(header):
                    if len(header) == 1 and not row:
                        continue
                    raise BadTable("ragged", row=place, found=len(row), expected=len(header))
            rows += len(chunk)
            if rows > max_rows:
                raise BadTable("too_many_rows", limit=f"{max_rows:,}")
            if rows * len(header) > MAX_CELLS:
                raise BadTable("too_many_cells", limit=f"{MAX_CELLS:,}")
            for heap, texts in zip(heaps.values(), zip(*chunk, strict=True), strict=False):
                heap.add(texts)
    except csv.Error as broken:
        raise BadTable("field_too_long", row=f"{rows + 2:,}+") from broken
    if not rows:
        raise BadTable("no_rows")
    return heaps, rows


# --- meaning -------------------------------------------------------------------------------------------------------------
def _outcome(heap: _Heap, name: str, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (bad, known), each of shape (rows,)."""
    found = heap.texts()
    if found is None:
        raise BadTable("many_classes", column=name, count=f"> {DICTIONARY:,}", examples="…")
    codes, levels = found
    if not levels:
        raise BadTable("target_empty", column=name)
    folded = [level.casefold() for level in levels]
    events = {place for place, text in enumerate(folded) if text in BAD}
    others = {place for place, text in enumerate(folded) if text in GOOD}
    if len(events | others) < len(levels) or not events or not others:
        if len(levels) == 1:
            raise BadTable("one_class", value=levels[0])
        if len(set(folded)) > 2 and len(events | others) < len(levels):
            raise BadTable("many_classes", column=name, count=len(levels), examples=", ".join(sorted(levels)[:5]))
        if not (events and others) and len(events | others) == len(levels):
            raise BadTable("one_class", value=levels[0])
        raise BadTable("unknown_classes", column=name, first=levels[0], second=levels[1])
    bad = np.isin(codes, list(events))
    known = codes >= 0
    least = int(min(bad.sum(), (known & ~bad).sum()))
    if least < LEAST_CASES:
        raise BadTable("few_cases", count=least, least=LEAST_CASES)
    return bad, known


def _column(name: str, heap: _Heap, rows: int, *, aside: bool) -> tuple[Column | None, Note | None]:
    """Return the column and a note about it; no column when it is of no use."""
    numbers, found = heap.all_numbers(), heap.texts()
    filled = rows - heap.gaps
    if not filled:
        return None, Note("dropped_missing", name)
    words = heap.word_count
    if heap.words and all(word.casefold() in MISSING_NUMBER for word in heap.words) and words < filled:
        words, heap.words = 0, Counter()
    if words <= STRAY * filled:
        note = Note("texts_in_numbers", name, count=words, example=next(iter(heap.words))[:40]) if words else None
        return _numbers(name, numbers, rows, note, aside=aside)
    if found is not None:
        codes, levels = found
        if len(levels) == 1 and not (codes < 0).any():
            return None, Note("dropped_constant", name)
        dated = sum(bool(DATE.match(level)) for level in levels)
        column = Column(name, CATEGORY, codes, tuple(levels))
        if dated >= 0.9 * len(levels) and heap.dashed >= 0.9 * words:
            return column, Note("dropped_date", name)
        if aside:
            return column, None
        if len(levels) > 0.5 * filled and len(levels) > 20:
            return None, Note("dropped_identifier", name, distinct=len(levels), rows=rows)
        if len(levels) > MOST_CATEGORIES:
            return _pooled(column), Note("rare_pooled", name, distinct=len(levels))
        return column, None
    return None, Note("dropped_identifier", name, distinct=f"> {DICTIONARY:,}", rows=rows)


def _numbers(name: str, numbers: np.ndarray, rows: int, note: Note | None, *, aside: bool) -> tuple[Column | None, Note | None]:
    present = numbers[~np.isnan(numbers)]
    if not len(present):
        return None, Note("dropped_missing", name)
    column = Column(name, NUMERIC, numbers)
    distinct = len(np.unique(present))
    if distinct == 1 and len(present) == rows:
        return None, Note("dropped_constant", name)
    if not aside and rows >= 20 and distinct == rows and (present == np.floor(present)).all():
        steps = np.diff(present)
        if IDENTIFIER.search(name) or (steps == steps[0]).all() or present.min() > 1e9:
            return None, Note("dropped_identifier", name, distinct=distinct, rows=rows)
    return column, note


def _pooled(column: Column) -> Column:
    """Keep the most frequent levels; the others become one."""
    counts = np.bincount(column.values[column.values >= 0], minlength=len(column.levels))
    kept = np.sort(np.argsort(-counts, kind="stable")[: MOST_CATEGORIES - 1])
    turn = np.full(len(column.levels) + 1, len(kept), dtype=np.int32)
    turn[kept] = np.arange(len(kept))
    turn[-1] = -1
    return Column(column.name, CATEGORY, turn[column.values], (*(column.levels[place] for place in kept), "…"))


def _leak(column: Column, bad: np.ndarray) -> float:
    """Return the AUC of a column that alone tells the outcome, else 0. Categories are ranked by their bad rate."""
    from risk.modelling.measures import auc

    if min(bad.sum(), len(bad) - bad.sum()) < LEAK_CASES:
        return 0.0
    if column.kind == NUMERIC:
        filled = np.where(column.missing, np.inf, column.values)
        found = max(auc(filled, bad), 1 - auc(filled, bad))
        return found if found >= LEAK_AUC else 0.0
    codes = column.values + 1
    counts = np.bincount(codes, minlength=len(column.levels) + 1)
    if len(column.levels) > len(bad) / 20:
        return 0.0
    rates = np.bincount(codes, weights=bad, minlength=len(counts)) / np.maximum(counts, 1)
    found = auc(rates[codes], bad)
    return found if found >= LEAK_AUC else 0.0
