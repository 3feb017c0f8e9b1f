"""Reads that state what they are for: a set of rows bound to a purpose gives the columns that purpose may read, and refuses the others.

A queryset takes part by `PurposeQuerySet`, its model by `PurposeBound`. What a purpose may not read is neither loaded nor decrypted;
asking a bound row for it raises `UnlawfulUse`. An app above says through `CONSENTS` whose consent a purpose needs.
"""

from collections.abc import Callable, Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Self, TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.db import connection, models
from django.db.models.query import ModelIterable
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import NotAllowed
from crm.lib.registry import Registry
from governance import purposes
from governance.purposes import Lawful
from governance.scope import ScopedQuerySet
from ledger import log

M = TypeVar("M", bound=models.Model)


@dataclass(frozen=True)
class ConsentOf:
    """How an app keeps consents: `narrow(rows, kind, at)` leaves those who agreed, `label(kind)` is the kind in words."""

    narrow: Callable[[Any, str, datetime], Any]
    label: Callable[[str], Any]


CONSENTS: Registry[ConsentOf] = Registry("consent of a model")


def _agreed(rows: Any, kind: str, at: datetime) -> Any:
    """Narrow to those who agreed; none where nobody could be asked, as a payer the bank alone knows."""
    kept = CONSENTS.get(rows.model._meta.label_lower)
    return kept.narrow(rows, kind, at) if kept else rows.none()


class UnlawfulUse(NotAllowed):
    """A personal column was read for a purpose that may not, or without the consent it needs; `column` or `consent` says which."""

    code = "unlawful_use"
    remembered = False

    def __init__(self, message: Any, *, row: models.Model, use: "Use", column: str = "", consent: str = "") -> None:
        what: dict[str, Any] = {"column": column} if column else {"consent": consent}
        super().__init__(message, purpose=use.lawful.code, **what)
        self.row, self.use, self.column, self.consent = row, use, column, consent
        if not connection.in_atomic_block:
            self.remember()

    def __reduce__(self) -> Any:
        """Between processes goes the sentence alone, not the row. Celery tells of the refusal itself only if it can be pickled."""
        return NotAllowed, (str(self.message),)

    def remember(self) -> None:
        """Put the refusal on the record; the roof calls it where the refused transaction is rolled back."""
        if not self.remembered:
            self.remembered = True
            facts: dict[str, Any] = {"purpose": self.use.lawful.code, "column": self.column, "consent": self.consent}
            log.record("governance.use.refused", self.row, actor=self.use.actor, at=self.use.at, **facts)


@dataclass(frozen=True)
class Use:
    """Who reads what for which purpose, and when."""

    lawful: Lawful
    actor: Any
    at: datetime

    def check(self, row: models.Model, columns: Iterable[str]) -> None:
        """Go on if every column may be read.

        :raises UnlawfulUse: naming the first that may not
        """
        for column in columns:
            if self.lawful.refuses(column):
                said = row.POLICY.column(column)  # type: ignore[attr-defined]
                words = {"column": said.meaning if said else column, "purpose": self.lawful.name}
                raise UnlawfulUse(
                    _("“%(column)s” may not be read for the purpose “%(purpose)s”.") % words,
                    row=row, use=self, column=column,
                )  # fmt: skip

    def lacks_consent(self, row: models.Model) -> UnlawfulUse:
        """Return the refusal of a row whose person did not agree."""
        kept = CONSENTS.get(row._meta.label_lower)
        said = {"consent": kept.label(self.lawful.consent) if kept else self.lawful.consent, "purpose": self.lawful.name}
        return UnlawfulUse(
            _("The purpose “%(purpose)s” needs a consent that this person has not given: %(consent)s.") % said,
            row=row, use=self, consent=self.lawful.consent,
        )  # fmt: skip

    def bind(self, row: models.Model) -> None:
        """Bind a row that came by a join: what may not be read is taken out of it."""
        held = row.__dict__
        for column in self.lawful.refused:
            held.pop(column, None)
        held["_use"] = self


def use(model: type[models.Model], purpose: str, *, actor: Any, at: datetime) -> Use:
    """Return a use to bind rows of `model` with.

    :raises purposes.UnknownPurpose: if there is no such purpose in force
    """
    return Use(purposes.lawful(model, purpose), actor, at)


def bind(rows: Iterable[models.Model], purpose: str, *, actor: Any, at: datetime) -> None:
    """Bind rows of one model that came by a join; each person must have agreed where the purpose needs it. One query then, else none.

    :raises UnlawfulUse: naming the missing consent
    """
    for refusal in bind_lawful(rows, purpose, actor=actor, at=at):
        raise refusal


def bind_lawful(rows: Iterable[models.Model], purpose: str, *, actor: Any, at: datetime) -> list[UnlawfulUse]:
    """Bind those rows whose person has agreed where the purpose needs it; return a refusal for each of the others. One query then, else none."""
    some = list(rows)
    if not some:
        return []
    model = type(some[0])
    found = use(model, purpose, actor=actor, at=at)
    refusals = []
    if found.lawful.consent:
        everybody = model._default_manager.filter(pk__in={row.pk for row in some})
        agreed = set(_agreed(everybody, found.lawful.consent, at).values_list("pk", flat=True))
        refusals = [found.lacks_consent(row) for row in some if row.pk not in agreed]
        some = [row for row in some if row.pk in agreed]
    for row in some:
        found.bind(row)
    return refusals


def bind_of(rows: Iterable[Any], path: str, purpose: str, *, actor: Any, at: datetime) -> list[Any]:
    """Bind the persons that `rows` came with: `path` names the joined fields from a row to its person; return the rows.

    :raises UnlawfulUse: naming the missing consent
    """
    found = list(rows)
    bind([attrgetter(path.replace("__", "."))(row) for row in found], purpose, actor=actor, at=at)
    return found


class BoundIterable(ModelIterable):
    """Gives each row its use, without a query."""

    def __iter__(self) -> Iterator[Any]:
        found: Use = self.queryset._use  # type: ignore[attr-defined]
        for row in super().__iter__():
            found.bind(row)
            yield row


class PurposeQuerySet(ScopedQuerySet[M]):
    """Rows whose personal columns are read for a stated purpose."""

    _use: Use | None = None
    _agreed_or_not: Any = None  # the same rows, those without the consent included: whom to name when one is missing

    def for_purpose(self, code: str, *, actor: Any, at: datetime) -> Self:
        """Bind the rows to a purpose: its columns are read, others raise; where it needs a consent, only those who gave it are left.

        :raises purposes.UnknownPurpose: if there is no such purpose in force
        """
        found = use(self.model, code, actor=actor, at=at)
        bound = self.defer(*sorted(found.lawful.refused))
        bound._use, bound._iterable_class = found, BoundIterable
        if found.lawful.consent:
            everybody = bound.all()
            bound = _agreed(bound, found.lawful.consent, at)
            bound._agreed_or_not = everybody
        return bound

    def _clone(self) -> Self:
        copy: Any = super()._clone()  # type: ignore[misc]
        copy._use, copy._agreed_or_not = self._use, self._agreed_or_not
        return copy

    def _filter_or_exclude_inplace(self, negate: bool, args: Any, kwargs: Any) -> None:
        super()._filter_or_exclude_inplace(negate, args, kwargs)  # type: ignore[misc]
        if self._agreed_or_not is not None:
            rows = self._agreed_or_not
            self._agreed_or_not = rows.exclude(*args, **kwargs) if negate else rows.filter(*args, **kwargs)

    def _values(self, *fields: Any, **expressions: Any) -> Self:
        if self._use is not None:
            names = [field for field in fields if isinstance(field, str)] or [field.name for field in self.model._meta.concrete_fields]
            self._use.check(self.model(), names)
        return super()._values(*fields, **expressions)  # type: ignore[misc, no-any-return]

    def get(self, *args: Any, **kwargs: Any) -> M:
        """Return the one row.

        :raises UnlawfulUse: if it is there and its person has not given the consent the purpose needs
        """
        try:
            return super().get(*args, **kwargs)
        except ObjectDoesNotExist:
            self._say_what_is_missing(self.filter(*args, **kwargs))
            raise

    def get_for(self, user: Any, public_id: str) -> M:
        if self._agreed_or_not is not None and "\0" not in public_id:
            rows = self.visible_to(user).filter(public_id=public_id)
            if not rows.exists():
                self._say_what_is_missing(rows)
        return super().get_for(user, public_id)

    def _say_what_is_missing(self, rows: Any) -> None:
        if rows._agreed_or_not is not None and rows._use is not None:
            hidden = rows._agreed_or_not.select_related(None).only("pk").first()
            if hidden is not None:
                raise rows._use.lacks_consent(hidden)


class PurposeBound(models.Model):
    """A model whose rows may be bound to a purpose; its columns are then read through `refresh_from_db`, which asks first."""

    class Meta:
        abstract = True

    def refresh_from_db(self, using: Any = None, fields: Any = None, from_queryset: Any = None) -> None:
        found: Use | None = self.__dict__.get("_use")
        if found is not None and fields is not None:
            found.check(self, fields)
        super().refresh_from_db(using=using, fields=fields, from_queryset=from_queryset)

    def may_be_read(self, *columns: str) -> None:
        """Go on if what is kept elsewhere of these columns may be shown as well, by what this row is read for.

        :raises UnlawfulUse: naming the first that may not
        """
        found: Use | None = self.__dict__.get("_use")
        if found is not None:
            found.check(self, columns)


def reading(row: M, purpose: str, *, actor: Any, at: datetime) -> M:
    """Return a copy of `row` bound to a purpose: whoever holds the row itself still reads it for their own.

    :raises UnlawfulUse: if the purpose needs a consent that was not given
    """
    mine = copy(row)
    bind([mine], purpose, actor=actor, at=at)
    return mine
