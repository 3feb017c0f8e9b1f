"""Secrets are a field type: sealed text, and the fingerprint beside it that allows exact search."""

from typing import Any

from django.db import models
from django.db.models.expressions import Col
from django.db.models.lookups import IsNull

from governance import person_keys, persons, unreadable, vault


class Sealed:
    """The attribute: opened on first use, so that a list which does not show it does not pay for it."""

    def __init__(self, field: "SealedTextField") -> None:
        self.field = field

    def __get__(self, row: Any, owner: Any = None) -> Any:
        if row is None:
            return self
        name = self.field.attname
        if name not in row.__dict__:
            row.refresh_from_db(fields=["seal_key", name])  # both in one query: the one opens the other
        value = row.__dict__[name]
        if isinstance(value, bytes | memoryview):
            try:
                value = vault.unseal(bytes(value), aad=self.field.aad(row))
            except vault.Erased as error:
                return unreadable.erased(row, self.field, error)
            except vault.CannotOpen as error:
                return unreadable.instead(row, self.field, error)  # not kept: a save writes back the token as it was
            row.__dict__[name] = value
        return value

    def __set__(self, row: Any, value: Any) -> None:
        row.__dict__[self.field.attname] = value


class SealedCol(Col):
    """A sealed column in a query: it can be read, and nothing can be made of it."""

    def resolve_expression(self, *_args: Any, **_more: Any) -> Any:
        self._refuse()

    @property
    def _output_field_or_none(self) -> Any:
        self._refuse()  # asked by functions and arithmetic for the type of what they are given

    def _refuse(self) -> None:
        target: Any = self.target
        raise TypeError(target.refusal())


class SealedIsNull(IsNull):
    """Whether there is a value at all: the one question a sealed column answers."""

    def __init__(self, lhs: Any, rhs: Any) -> None:
        super().__init__(Col(lhs.alias, lhs.target) if isinstance(lhs, SealedCol) else lhs, rhs)


class SealedTextField(models.BinaryField):
    """Text that lies encrypted in its row; the row needs a `seal_key` (a UUID made before INSERT).

    Where the row belongs to a person (`governance.persons`), the token is sealed for them. A token moved to another row or column does not
    open. Filters and `.update()` are refused: filter on the
    fingerprint beside it, write through `save()`.
    """

    _pyi_private_set_type: str  # what type checkers see on a row: text, not the token
    _pyi_private_get_type: str  # type: ignore[assignment]

    def __init__(self, label: str = "", *args: Any, identifies: bool = True, **kwargs: Any) -> None:
        """:param identifies: False where the text may be nobody's own words, such as a template's; the proof does not look for it"""
        self.label, self.identifies = label, identifies
        kwargs.setdefault("editable", True)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs["label"] = self.label
        return name, path, args, kwargs

    def contribute_to_class(self, cls: Any, name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only)
        setattr(cls, name, Sealed(self))

    def aad(self, row: Any) -> str:
        return f"{self.label}|{row.seal_key}"

    def pre_save(self, row: Any, add: bool) -> Any:
        value = row.__dict__.get(self.attname)
        if isinstance(value, str):
            unreadable.refuse_marker(value, self)
            return self.sealed(row, value)
        return value

    def sealed(self, row: Any, value: str) -> bytes:
        """Return `value` sealed to `row` and to the person it belongs to.

        :raises PersonErased: if that person was erased
        """
        return vault.seal(value, aad=self.aad(row), person=persons.of_row(row))

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> Any:
        person_keys.noticed(value)
        return value

    def refusal(self) -> str:
        """Return the sentence for who asks the database about a sealed column: what to use instead."""
        name = f"{self.model._meta.label}.{self.name}"
        beside = [one.name for one in self.model._meta.concrete_fields if isinstance(one, FingerprintField) and one.source == self.name]
        if beside:
            return (
                f'{name} is sealed: filter on its fingerprint, {beside[0]}=Model._meta.get_field("{beside[0]}").of(value), '
                "which finds equal values only; sort and compute in Python after reading."
            )
        return (
            f"{name} is sealed: filter on its fingerprint, which it has none of; declare a FingerprintField, or read and compare in Python."
        )

    def get_col(self, alias: Any, output_field: Any = None) -> Any:
        return SealedCol(alias, self, output_field)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if isinstance(value, str):
            raise TypeError(f"{self.name} is sealed: write it through save(), not through update().")
        return super().get_db_prep_value(value, connection, prepared)

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise TypeError(self.refusal())
        return SealedIsNull

    def get_transform(self, lookup_name: str) -> Any:
        raise TypeError(self.refusal())

    def to_python(self, value: Any) -> Any:
        return value

    def value_to_string(self, obj: Any) -> str:
        raise TypeError(f"{self.name} is sealed and is not written to fixtures.")


class FingerprintField(models.CharField):
    """The keyed hash of `source`, kept in step on every save; null when the source is empty.

    `source` is a sealed field, or a property of what the sealed field `inside` holds.
    """

    def __init__(self, *args: Any, source: str, label: str, inside: str = "", **kwargs: Any) -> None:
        self.source, self.label, self.inside = source, label, inside
        kwargs |= {"max_length": 64, "null": True, "editable": False}
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        for key in ("max_length", "null", "editable"):
            kwargs.pop(key, None)
        more = {"inside": self.inside} if self.inside else {}
        return name, path, args, kwargs | {"source": self.source, "label": self.label} | more

    def of(self, value: str) -> str:
        """Return the fingerprint to search for `value` with."""
        return vault.fingerprint(value, label=self.label)

    def pre_save(self, row: Any, add: bool) -> Any:
        if not add and isinstance(row.__dict__.get(self.inside or self.source), bytes | memoryview):
            return super().pre_save(row, add)  # not opened, hence not changed
        value = getattr(row, self.source)
        if getattr(value, "is_unreadable", False):
            return super().pre_save(row, add)
        found = self.of(value) if value else None
        setattr(row, self.attname, found)
        return found
