"""The catalogue of data, read from what the models declare: every column of every model, and what is wrong with a declaration."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.apps import apps
from django.db import models
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from rest_framework.serializers import ModelSerializer

from crm.lib.conventions import WORDS, technical
from crm.lib.lists import LISTS
from crm.lib.permissions import ALL
from crm.lib.policy import LEVEL_OF, Column, Policy
from governance import masking, purposes
from governance.fields import FingerprintField, SealedTextField
from governance.models import Role, User
from governance.models.identity import Scope

LEVELS = {
    1: gettext_lazy("1 public"),
    2: gettext_lazy("2 internal"),
    3: gettext_lazy("3 identity and finance"),
    4: gettext_lazy("4 authentication data"),
    5: gettext_lazy("5 important data"),
}
CLASSES = {"C1": gettext_lazy("C1 internal"), "C2": gettext_lazy("C2 identity and finance"), "C3": gettext_lazy("C3 authentication data")}
SEARCHES = {
    "none": pgettext_lazy("search", "none"),
    "exact": pgettext_lazy("search", "exact"),
    "n-gram": pgettext_lazy("search", "parts of it"),
}
OPEN_LEVEL = 3  # from here on a column is sealed, or says why not
# `none` is said where a value is shown as it is to whoever may read the row.
MASKS = {"none", *(name.removeprefix("mask_") for name in vars(masking) if name.startswith("mask_"))}
# Sealed by the code that writes them: what is kept is no text of one row's own.
SEALED_BY_HAND = {"governance.idempotencykey.body"}
# Other software's own tables; ours describe what is in them where they stand for a thing of the house.
OWNED = ("ledger", "governance", "customers", "risk", "credit", "collections", "crm")


@dataclass(frozen=True)
class Entry:
    """One column, with everything said of it resolved."""

    model: type[models.Model]
    name: str
    type: str
    meaning: Any
    level: int
    kind: str
    purposes: tuple[str, ...]
    basis: str
    retention: Any
    mask: str
    encrypted: bool
    search: str
    shared_with: tuple[str, ...]
    why_open: Any
    technical: bool

    @property
    def key(self) -> str:
        return f"{self.model._meta.label_lower}.{self.name}"

    @property
    def label(self) -> str:
        return self.model._meta.label

    @property
    def app(self) -> str:
        return self.model._meta.app_label

    @property
    def owner(self) -> str:
        policy: Policy = self.model.POLICY  # type: ignore[attr-defined]
        return policy.owner


def our_models() -> list[type[models.Model]]:
    """Return the house's models, in the order of the apps."""
    found = [model for model in apps.get_models() if model._meta.app_label in OWNED and model._meta.managed]
    return sorted(found, key=lambda model: (OWNED.index(model._meta.app_label), model.__name__))


def entry(model: type[models.Model], field: Any) -> Entry:
    """Resolve one column: its own words first, then its model's, then the house's conventions."""
    policy: Policy = model.POLICY  # type: ignore[attr-defined]
    own = policy.column(field.name)
    convention = technical(field)
    said = own or Column(convention or WORDS.get(field.name, ""))
    sealed = isinstance(field, SealedTextField) or f"{model._meta.label_lower}.{field.name}" in SEALED_BY_HAND
    if isinstance(field, FingerprintField):
        said = own or Column(format_lazy(gettext_lazy("Keyed hash of {source}, for exact search; opens nothing"), source=field.source))
    is_technical = own is None and bool(convention or isinstance(field, FingerprintField))
    kind = policy.personal.get(field.name) or ("" if is_technical else policy.kind)
    level = said.level or (LEVEL_OF.get(kind, policy.level) if kind else min(policy.level, LEVEL_OF["C1"]))
    return Entry(
        model=model,
        name=field.name,
        type=type(field).__name__.removesuffix("Field"),
        meaning=said.meaning,
        level=level,
        kind=kind,
        purposes=said.purposes or policy.purposes,
        basis=said.basis or policy.basis,
        retention=said.retention or policy.retention,
        mask=said.mask,
        encrypted=sealed,
        search="exact" if isinstance(field, FingerprintField) else said.search,
        shared_with=said.shared_with or (() if is_technical else policy.shared_with),
        why_open=policy.open_fields.get(field.name) or (policy.lies_open if not sealed else ""),
        technical=is_technical,
    )


@cache
def entries() -> tuple[Entry, ...]:
    """Return the catalogue: what the running code declares, hence read once."""
    return tuple(entry(model, field) for model in our_models() for field in model._meta.concrete_fields)


def of_model(label: str) -> list[Entry]:
    """Return the columns of a model named `app.model`; none if there is no such model."""
    return [one for one in entries() if one.model._meta.label_lower == label]


def narrowed(rows: Iterable[Entry], asked: Mapping[str, str]) -> list[Entry]:
    """Return those that are as `asked`: app, level, kind, purpose, encrypted (yes/no), business (yes), text in name or meaning."""
    text = asked.get("text", "").strip().lower()

    def fits(one: Entry) -> bool:
        return (
            (not asked.get("app") or one.app == asked["app"])
            and (not asked.get("level") or str(one.level) == asked["level"])
            and (not asked.get("kind") or one.kind == asked["kind"])
            and (not asked.get("purpose") or asked["purpose"] in one.purposes)
            and (not asked.get("encrypted") or one.encrypted == (asked["encrypted"] == "yes"))
            and (not asked.get("columns") or one.technical == (asked["columns"] == "technical"))
            and (not text or text in one.key or text in str(one.meaning).lower())
        )

    return [one for one in rows if fits(one)]


def problems(model: type[models.Model]) -> Iterator[str]:
    """Say what is missing or wrong in a model's declaration; the build fails while there is one."""
    policy: Policy = model.POLICY  # type: ignore[attr-defined]
    label, declared = model._meta.label, purposes.declared()
    names = {field.name for field in model._meta.concrete_fields}
    for said, what in (
        (policy.owner, "owner"),
        (policy.meaning, "meaning"),
        (policy.retention, "retention"),
        (policy.basis, "legal basis"),
    ):
        if not said:
            yield f"{label}: no {what}"
    if policy.level not in LEVELS:
        yield f"{label}: level {policy.level} is none of JR/T 0197-2020"
    if not policy.purposes:
        yield f"{label}: no purpose"
    for name in sorted((set(policy.columns) | set(policy.personal) | set(policy.open_fields)) - names):
        yield f"{label}.{name}: there is no such column"
    for field in model._meta.concrete_fields:
        yield from _problems_of(entry(model, field), policy, field, declared)


def _problems_of(one: Entry, policy: Policy, field: Any, declared: Mapping[str, Any]) -> Iterator[str]:
    place = f"{one.model._meta.label}.{one.name}"
    own = policy.column(one.name)
    if not one.meaning:
        yield f"{place}: says nothing of itself; put it into POLICY.columns"
    if one.name in policy.personal and (own is None or not own.mask):
        yield f"{place}: is personal and names no mask"
    if one.mask and one.mask not in MASKS:
        yield f"{place}: there is no mask {one.mask!r}"
    if one.level not in LEVELS or (one.kind and one.kind not in CLASSES):
        yield f"{place}: level {one.level}, class {one.kind!r} are none of the standards"
    if one.kind and one.level < LEVEL_OF.get(one.kind, 0):
        yield f"{place}: level {one.level} is below its class {one.kind}"
    for code in sorted(set(one.purposes) - set(declared["purposes"])):
        yield f"{place}: there is no purpose {code!r}"
    if one.basis and one.basis not in declared["bases"]:
        yield f"{place}: there is no legal basis {one.basis!r}"
    if one.kind in ("C1", "C2") and one.basis == "not_personal":  # C3 may be a machine's
        yield f"{place}: is of class {one.kind} and says that it is not personal"
    for code in sorted(set(one.shared_with) - set(declared["recipients"])):
        yield f"{place}: there is no recipient {code!r}"
    if one.search not in SEARCHES:
        yield f"{place}: there is no search {one.search!r}"
    fingerprint = isinstance(field, FingerprintField)
    if one.level >= OPEN_LEVEL and not one.encrypted and not fingerprint and not one.why_open:
        yield f"{place}: level {one.level} lies open without a written reason"
    if one.name in policy.open_fields and one.encrypted:
        yield f"{place}: says why it lies open, and is sealed"
    meant = own.encrypted if own and own.encrypted is not None else one.level >= OPEN_LEVEL and not one.why_open and not fingerprint
    if meant != one.encrypted:
        yield f"{place}: is {'' if one.encrypted else 'not '}sealed, and its declaration says otherwise"
    keys = {other.source for other in one.model._meta.concrete_fields if isinstance(other, FingerprintField)}
    if one.encrypted and (one.search != "none") != (one.name in keys):
        yield f"{place}: search {one.search!r} and the fingerprints of the model disagree"


def places(one: Entry) -> list[tuple[str, str]]:
    """Return where a column leaves the database: [(kind of place, its name)] of masks, lists and exports, API answers."""
    found: list[tuple[str, str]] = []
    if one.mask and one.mask != "none":
        found.append((_("Mask"), one.mask))
    everybody = User(pk=0, role=Role(scope=Scope.ALL, permissions=list(ALL)))  # nothing is asked of the database
    for spec in LISTS.values():
        names = {column.key for column in spec.columns} | {column.sort for column in spec.columns} | {asked.path for asked in spec.fields}
        if spec.rows(everybody).model is one.model and names & {one.name, f"masked_{one.name}"}:
            found.append((_("List and export") if spec.export_permission else _("List"), str(spec.title)))
    for answer in _subclasses(ModelSerializer):
        meta: Any = getattr(answer, "Meta", None)
        if meta is not None and getattr(meta, "model", None) is one.model and one.name in _sources(answer, meta):
            found.append((_("API answer"), answer.__name__))
    return found


def _subclasses(parent: type[Any]) -> Iterator[type[Any]]:
    for child in parent.__subclasses__():
        yield child
        yield from _subclasses(child)


def _sources(answer: Any, meta: Any) -> set[str]:
    """Return the columns an API answer reads; a masked one counts as its column."""
    said = {name: field.source or name for name, field in answer._declared_fields.items()}
    return {said.get(name, name).removeprefix("masked_") for name in meta.fields}


def counted(rows: Iterable[Entry]) -> dict[int, int]:
    """Return how many columns have each level."""
    found = dict.fromkeys(LEVELS, 0)
    for one in rows:
        found[one.level] += 1
    return found
