"""Reading flat files: what is found, what is left out with a note, and a sentence for everything that can be wrong."""

import gzip
import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk.modelling import files, tables
from risk.modelling.refusals import BadTable
from risk.modelling.tables import Table


def text(rows: int = 200, **columns: Any) -> str:
    """Return a CSV of a sound feature, a sound category, what is given, and the target `bad`."""
    rng = random.Random(3)
    lines = []
    for row in range(rows):
        bad = int(rng.random() < 0.3)
        made = {"income": f"{rng.gauss(50 - 8 * bad, 10):.1f}", "housing": rng.choice(["own", "rent", "free"]) if not bad else "rent"}
        made |= {name: value(row, bad) if callable(value) else value for name, value in columns.items()}
        made.setdefault("bad", str(bad))
        lines.append(made)
    names = list(lines[0])
    return "\n".join([",".join(names), *(",".join(line[name] for name in names) for line in lines)]) + "\n"


def table(content: str | bytes, target: str = "bad", **options: Any) -> Table:
    return tables.read(io.BytesIO(content.encode() if isinstance(content, str) else content), target, **options)


def told(found: Table) -> dict[str, str]:
    return {note.column: note.code for note in found.notes}


def test_types_are_found_out() -> None:
    found = table(text())
    assert {name: column.kind for name, column in found.columns.items()} == {"income": "numeric", "housing": "category"}
    assert set(found.columns["housing"].levels) == {"own", "rent", "free"}
    assert found.rows == 200 and found.bad.sum() == text().count(",1\n")
    assert found.notes == ()


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_separators_archives_and_tongues_read_the_same(mark: str, tmp_path: Path) -> None:
    plain = text(grade=lambda row, bad: "甲乙"[row % 2])
    path = tmp_path / "data.csv.gz"
    path.write_bytes(gzip.compress(plain.replace(",", mark).encode("gb18030")))
    found, packed = table("\ufeff" + plain), tables.read(path, "bad")
    assert found.names == packed.names
    assert packed.columns["grade"].levels == ("甲", "乙")
    assert np.array_equal(found.columns["income"].values, packed.columns["income"].values)


SPOILED: dict[str, tuple[str | bytes, str]] = {
    "empty": (b"", "empty"),
    "blank": ("\n\n", "empty"),
    "no rows": ("income,bad\n", "no_rows"),
    "no target": (text().replace("bad", "worse"), "no_target"),
    "one class": (text(bad="1"), "one_class"),
    "target empty": (text(bad=""), "target_empty"),
    "three classes": (text(bad=lambda row, bad: "abc"[row % 3]), "many_classes"),
    "unknown classes": (text(bad=lambda row, bad: "ab"[row % 2]), "unknown_classes"),
    "amount as target": (text(bad=lambda row, bad: str(row)), "many_classes"),
    "few bad": (text(bad=lambda row, bad: str(int(row < 3))), "few_cases"),
    "ragged": (text() + "1,2\n", "ragged"),
    "longer row": (text() + "1,2,0,4\n", "ragged"),
    "no name": (text().replace("income", "", 1), "no_name"),
    "name twice": (text().replace("income", "housing", 1), "name_twice"),
    "open quote": (text() + '"' + "x" * 300_000, "field_too_long"),
    "spreadsheet": (b"PK\x03\x04" + b"x" * 100, "not_text"),
    "utf-16": ("income,bad\n1,0\n".encode("utf-16"), "not_text"),
    "noise": (bytes(range(128, 256)) * 4, "not_text"),
    "cut archive": (gzip.compress(text().encode() * 50)[:-200], "broken_archive"),
    "broken archive": (b"\x1f\x8b" + b"x" * 50, "broken_archive"),
}


@pytest.mark.parametrize("name", [*SPOILED])
def test_what_cannot_be_read_is_told_in_a_sentence(name: str) -> None:
    content, code = SPOILED[name]
    with pytest.raises(BadTable) as refusal:
        table(content)
    assert refusal.value.code == code
    assert str(refusal.value).endswith((".", ":")) and "%" not in str(refusal.value)


def test_a_file_that_is_not_there_or_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(BadTable, match="no file"):
            tables.read(path, "bad")


def test_a_file_of_10_gb_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.write(b"income,bad\n")
        file.truncate(10 * 1024**3)  # sparse
    with pytest.raises(BadTable, match=r"10\.0 GB; at most 4\.0 GB"):
        tables.read(path, "bad")


def test_limits_hold_while_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadTable, match="more than 100 rows"):
        table(text(), max_rows=100)
    monkeypatch.setattr(tables, "MAX_CELLS", 300)
    with pytest.raises(BadTable, match="more than 300 values"):
        table(text())
    monkeypatch.setattr(files, "MAX_BYTES", 1_000)
    with pytest.raises(BadTable, match="can be read"):  # an archive tells its size only while it is unpacked
        table(gzip.compress(text().encode()))


def test_what_cannot_predict_is_left_out_with_a_note() -> None:
    found = table(text(
        constant="7", empty="NA", customer_id=lambda row, bad: str(900 + 3 * row), name=lambda row, bad: f"Person {row}",
        leak=lambda row, bad: str(bad + row % 7 / 100), leaking_word=lambda row, bad: ["paid on time", "written off"][bad],
        opened=lambda row, bad: f"2025-{row % 12 + 1:02d}-03",
    ))  # fmt: skip
    assert told(found) == {
        "constant": "dropped_constant", "empty": "dropped_missing", "customer_id": "dropped_identifier", "name": "dropped_identifier",
        "leak": "dropped_leak", "leaking_word": "dropped_leak", "opened": "dropped_date",
    }  # fmt: skip
    assert found.names == ("income", "housing")
    assert found.time == "opened"


def test_nothing_left_to_learn_from() -> None:
    only = "\n".join(["id,bad", *(f"{row},{row % 2}" for row in range(100))])
    with pytest.raises(BadTable, match=r"“id” looks like an identifier"):
        table(only)


def test_texts_in_a_column_of_numbers_are_missing_and_counted() -> None:
    found = table(text(debt=lambda row, bad: "oops" if row < 4 else "unknown" if row < 9 else f"{row * 7 % 50}"))
    assert found.columns["debt"].missing.sum() == 9
    assert str(found.notes[0]) == "“debt” holds numbers; 9 other values (such as “oops”) were read as missing."


def test_a_mixed_column_is_a_category() -> None:
    found = table(text(code=lambda row, bad: ["1", "2", "X", "Y"][row % 4]))
    assert found.columns["code"].levels == ("1", "2", "X", "Y")


def test_rows_without_an_outcome_are_rejects() -> None:
    found = table(text(bad=lambda row, bad: "" if row % 4 == 0 else str(bad)))
    assert (found.rows, len(found.rejects["income"].values)) == (150, 50)  # type: ignore[index]
    assert told(found) == {"": "no_outcome_rows"}


def test_protected_and_segment_columns_measure_and_do_not_predict() -> None:
    found = table(text(sex=lambda row, bad: "fm"[row % 2], shop=lambda row, bad: "ab"[row % 2]), protected=["sex"], segment="shop")
    assert found.names == ("income", "housing")
    assert set(found.asides) == {"sex", "shop"} and found.segment == "shop"
    with pytest.raises(BadTable, match="no column “gender”"):
        table(text(), protected=["gender"])


@pytest.mark.parametrize(("written", "number"), [("1", 1), ("-2.5", -2.5), (" 3 ", 3), ("1,234", 1234), ("12%", 0.12), ("1e3", 1000)])
def test_numbers_as_people_write_them(written: str, number: float) -> None:
    assert tables.as_number(written) == number


@pytest.mark.parametrize("written", ["", "x", "1_000", "inf", "nan", "1,2", "12 3", "%"])
def test_what_is_no_number(written: str) -> None:
    assert tables.as_number(written) != tables.as_number(written)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_a_table_or_a_sentence(content: bytes) -> None:
    told = ""
    try:
        table(b"bad,x\n" + content, "bad")
    except BadTable as refusal:
        told = str(refusal)
    assert told.endswith((".", ":")) or not told


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["1", "2.5", "x", "", "NA", "é", '"q"', "=1+1", "1e400", "-"]), min_size=40, max_size=40))
def test_any_column_is_read_or_refused(values: list[str]) -> None:
    lines = [f"{value},{row},{row % 2}" for row, value in enumerate(values)]
    try:
        found = table("\n".join(["a,b,bad", *lines]))
    except BadTable:
        return
    for column in found.columns.values():
        assert len(column.facts()) == found.rows
