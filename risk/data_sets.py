"""Doors of data sets: bring a table in, say what each column is for, read it again for a training. Nothing of numpy at import."""

import io
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import Invalid, Stale
from governance import files
from governance.models import User
from ledger import log
from risk import words
from risk.models import DataSet

LABEL = "risk.dataset.content"
LARGEST = 64 * 1024 * 1024  # bytes through the browser; `manage.py train_model` reads larger ones from a disk
SHOWN = 8  # categories named in the review of a column
ROLES: Mapping[str, Any] = {
    "feature": pgettext_lazy("column", "feature"),
    "ignored": pgettext_lazy("column", "left out"),
    "protected": pgettext_lazy("column", "protected attribute"),
    "time": pgettext_lazy("column", "time"),
    "segment": pgettext_lazy("column", "segment"),
}
# What a name says of a column: shown as a suggestion, the person decides.
PROTECTED_WORDS = ("sex", "gender", "age", "marital", "marriage", "foreign", "nation", "ethnic", "race", "religion", "disab", "pregnan",
                   "性别", "年龄", "婚姻", "民族", "国籍", "宗教", "残疾")  # fmt: skip
CSV, GZIP = "text/csv", "application/gzip"


class NoTable(Invalid):
    """The file is no table a model could be trained on; the message says why."""

    code = "not_a_table"


def bring_in(content: bytes, *, file_name: str, name: str, target: str, actor: User, at: datetime) -> DataSet:
    """Read a CSV file (packed by gzip or not), keep it sealed, and register it with what its columns are. Call it outside transactions.

    :raises NoTable: if it is too large, no table, or cannot carry a model: target missing, one class, no rows
    """
    if len(content) > LARGEST:
        raise too_large()
    table = read(content, target)
    columns, problems = described(table)
    media_type = GZIP if content[:2] == b"\x1f\x8b" else CSV
    stored = files.keep(content, label=LABEL, media_type=media_type)
    with ExitStack() as undo:
        undo.callback(files.discard, stored)  # a file that nothing names would stay for ever
        with transaction.atomic():
            made = DataSet(
                name=name.strip()[:80], file_name=file_name[:120], storage_key=stored.storage_key, seal_key=stored.seal_key,
                media_type=media_type, size=stored.size, sha256=stored.sha256, target=target, rows=table.rows, bad=int(table.bad.sum()),
                columns=columns, problems=problems, owner=actor, created_at=at,
            )  # fmt: skip
            made.save(force_insert=True)
            log.record(
                "risk.data_set.brought_in", made, actor=actor, at=at, rows=made.rows, bad=made.bad, sha256=made.sha256, columns=len(columns)
            )
        undo.pop_all()
    return made


def too_large() -> NoTable:
    """Return the refusal of a file larger than a browser may send."""
    sentence = _("The file is larger than %(limit)s MB. Take a sample of the rows, or pack it with gzip.") % {"limit": LARGEST // 1024**2}
    return NoTable(sentence, fields={"file": sentence})


@transaction.atomic
def assign(data_set: DataSet, *, roles: Mapping[str, str], version: int, actor: User, at: datetime) -> DataSet:
    """Say what each column is for.

    :raises Invalid: if a role is unknown, there are two columns of time or of segments, or no feature is left
    :raises Stale: if somebody else saved since `version` was read
    """
    columns = [one | {"role": roles.get(one["name"], one["role"])} for one in data_set.columns]
    held = Counter(one["role"] for one in columns)
    if unknown := set(held) - set(ROLES):
        raise Invalid(_("There is no such role: %(roles)s.") % {"roles": ", ".join(sorted(unknown))})
    for single in ("time", "segment"):
        if held[single] > 1:
            raise Invalid(_("Only one column can be the %(role)s.") % {"role": ROLES[single]})
    if not held["feature"]:
        raise Invalid(_("At least one column is a feature."))
    if empty := [one["name"] for one in columns if one["role"] == "feature" and one["kind"] == "none"]:
        raise Invalid(_("These columns say nothing and cannot be features: %(names)s.") % {"names": ", ".join(empty)})
    if not DataSet.objects.filter(pk=data_set.pk, version=version).update(columns=columns, version=F("version") + 1):
        raise Stale(_("Somebody else changed this data set meanwhile. Look again and save once more."))
    data_set.refresh_from_db()
    log.record("risk.data_set.assigned", data_set, actor=actor, at=at, **{name: held[name] for name in ROLES})
    return data_set


def opened(data_set: DataSet, *, plan: Mapping[str, Any] | None = None) -> Any:
    """Return the table with the roles of `plan` (a training's), else as they are now.

    :raises NoTable: if the file cannot be read any more
    """
    content = files.read(storage_key=data_set.storage_key, seal_key=data_set.seal_key, sha256=data_set.sha256, label=LABEL)
    told = plan or planned(data_set)
    return read(content, data_set.target, protected=told["protected"], time=told["time"], segment=told["segment"], exclude=told["ignored"])


def planned(data_set: DataSet) -> dict[str, Any]:
    """Return the roles as a training keeps them."""
    return {
        "features": data_set.named("feature"), "protected": data_set.named("protected"), "ignored": data_set.named("ignored"),
        "time": next(iter(data_set.named("time")), ""), "segment": next(iter(data_set.named("segment")), ""),
    }  # fmt: skip


def read(content: bytes, target: str, **roles: Any) -> Any:
    """Return the table, a refusal in the reader's language.

    :raises NoTable: if it cannot be read or cannot carry a model
    """
    from risk.modelling import tables
    from risk.modelling.refusals import BadTable

    try:
        if files.media_type_of(content):
            raise BadTable("not_text")
        return tables.read(io.BytesIO(content), target, **roles)
    except BadTable as problem:
        sentence = told(problem.code, problem.template, problem.values)
        about = "target" if problem.code in ABOUT_TARGET else "file"
        raise NoTable(sentence, fields={about: sentence}) from problem


ABOUT_TARGET = {"no_target", "target_empty", "one_class", "many_classes", "unknown_classes", "few_cases"}


def told(code: str, template: str, values: Mapping[str, Any]) -> str:
    """Return a sentence of the modelling core in the reader's language."""
    return gettext(template) % values


def noted(note: Mapping[str, Any]) -> str:
    """Return a kept note of the modelling core in the reader's language; as it was written where the code is gone."""
    from risk.modelling.refusals import SENTENCES

    template = SENTENCES.get(note["code"])
    return told(note["code"], template, note["values"]) if template else str(note.get("text", note["code"]))


def described(table: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return (columns with a suggested role each, notes) of a table as JSON. Of a cell nothing stays but bounds and frequent categories."""
    import numpy as np

    notes = [note.as_json() for note in table.notes]
    columns = []
    for name, column in {**table.columns, **table.asides}.items():
        absent = column.missing
        one: dict[str, Any] = {"name": name, "kind": column.kind, "missing": round(float(absent.mean()), 6), "role": "feature"}  # a share
        if column.kind == "numeric":
            values = column.values[~absent]
            one |= {"distinct": len(np.unique(values)), "low": float(values.min()), "high": float(values.max())}
        else:
            counts = np.bincount(column.values[~absent], minlength=len(column.levels))
            most = np.argsort(-counts, kind="stable")[:SHOWN]
            one |= {"distinct": len(column.levels), "levels": [column.levels[place][:40] for place in most.tolist() if counts[place]]}
        if name in table.asides:
            one["role"] = "time" if name == table.time else "ignored"
        elif looks_protected(name):
            one["role"] = "protected"
        columns.append(one)
    held = {one["name"] for one in columns}
    for note in notes:
        if note["column"] and note["column"] not in held:
            kind = "none" if note["code"] in ("dropped_constant", "dropped_missing") else "unknown"
            columns.append({"name": note["column"], "kind": kind, "missing": None, "role": "ignored", "distinct": None})
    return columns, notes


def looks_protected(name: str) -> bool:
    """Return whether a column's name speaks of what must not decide."""
    parts = name.lower().replace("-", "_").split("_")
    return any(
        word in parts or (not word.isascii() and word in name) or (len(word) > 4 and word in name.lower()) for word in PROTECTED_WORDS
    )


def label(name: str, language: str) -> str:
    """Return the words of a column where the house knows it as a fact."""
    return words.label(name, language)
