"""Whose a row is: the path from a model to the person its sealed values belong to.

A model says it by `PERSON`, as names of fields joined by two underscores: `id` for the model whose rows are persons, `application__customer`
for one that hangs on it by another; empty where values are nobody's or many people's. Said nothing, a field `customer` is the path. `ERASED_WITH`
is the path where the person is known only later: such values are sealed as others are, and overwritten where they lie when the person is erased.
"""

from functools import cache
from typing import Any

from governance import person_keys


@cache
def path(model: Any) -> tuple[str, ...]:
    """Return the fields from `model` to the person, the last of which is the number; nothing where values belong to no person."""
    said = getattr(model, "PERSON", None)
    if said is None:
        said = "customer" if _is_person(model, "customer") else ""
    return tuple(said.split("__")) if said else ()


def erased_by(model: Any) -> tuple[str, ...]:
    """Return the fields from `model` to the person with whom its values are erased."""
    said = getattr(model, "ERASED_WITH", "")
    return tuple(said.split("__")) if said else path(model)


def _is_person(model: Any, name: str) -> bool:
    found = {one.name: one for one in model._meta.concrete_fields}.get(name)
    return found is not None and found.is_relation and getattr(found.related_model, "PERSON", "") == "id"


def of_row(row: Any) -> int:
    """Return the number of the person whose `row` is, 0 for nobody's."""
    model: Any = type(row)
    names = path(model)
    if not names:
        return 0
    for name in names[:-1]:
        row = getattr(row, name)
    return getattr(row, row._meta.get_field(names[-1]).attname) or 0


def sql(model: Any, names: tuple[str, ...], of: str) -> str:
    """Return the number of the person as an expression over the row called `of`; `NULL` for nobody's."""
    if not names:
        return "NULL::bigint"
    field = model._meta.get_field(names[0])
    if len(names) == 1:
        return f'{of}."{field.column}"'
    next_table, alias = field.related_model._meta.db_table, f"p{len(names)}"
    inner = sql(field.related_model, names[1:], alias)
    return f'(SELECT {inner} FROM "{next_table}" AS {alias} WHERE {alias}.id = {of}."{field.column}")'  # noqa: S608  names come from the models


def number_field(model: Any) -> person_keys.PersonNumberField:
    """Return the field of the persons' numbers."""
    field = model._meta.pk
    assert isinstance(field, person_keys.PersonNumberField)
    return field
