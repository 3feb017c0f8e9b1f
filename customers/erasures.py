"""A person erased for good: their secret is destroyed, so that no copy of anything sealed for them opens again, and what lies here is overwritten.

Two persons, never while a duty to keep holds: each app says through `DUTIES` what keeps a person, the last of them the years of the law. The
row stays, without a person in it, so that money and the ledger go on adding up. That it was done is told to the ledger and to the storage, which
lies outside the database: a restored backup is of before, and `reapply` erases anew from there.
"""

import json
from collections.abc import Callable, Collection, Iterator
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import connection, transaction
from django.db.models import Value
from django.db.models.functions import Greatest
from django.urls import reverse
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError, Invalid
from crm.lib.ports import storage
from crm.lib.registry import Registry
from customers import activities, messages, permissions
from customers.models import Activity, Consent, Customer, Message, Relation, SearchKeys
from customers.timeline import sentence
from governance import changes, file_keys, files, person_keys, persons, rules
from governance.changes import Kind, Line
from governance.fields import FingerprintField, SealedTextField
from governance.models import ChangeRequest, PersonKey, Rule, User
from ledger import log
from ledger.models import Entry

KIND = "customers.erasure"
EVENT = "customers.customer.erased"
KEEP_YEARS = "customers.erasure.keep_years"
FOLDER = "erased"  # in the storage: one mark for each erased person, named by the row's seal_key


class MustBeKept(DomainError):
    """The law or open business keeps what is known of the person; `extra["duties"]` names what."""

    code = "must_be_kept"
    status = 409


class AlreadyErased(DomainError):
    code = "already_erased"
    status = 409


# What keeps a person: each gives sentences without personal values. `ended` gives the last day of business with the person.
DUTIES: Registry[Callable[[Customer, date], list[Any]]] = Registry("duty to keep a person")
ENDED: Registry[Callable[[Customer], date | None]] = Registry("end of business with a person")


def duties(customer: Customer, *, on: date) -> list[str]:
    """Return in words what forbids to erase the person on a day; empty when nothing does.

    :raises rules.NoRule: if no rule says how long records are kept: nothing is erased then
    """
    found = [str(words) for read in DUTIES.values() for words in read(customer, on)]
    years = int(rules.value(KEEP_YEARS, on=on))
    last = max((day for read in ENDED.values() if (day := read(customer))), default=None)
    if last is not None and (until := _years_after(last, years)) > on:
        words = {"years": years, "day": until.isoformat()}
        found.append(str(_("Records of a customer are kept for %(years)s years after the business ended: until %(day)s.") % words))
    return found


def _years_after(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, day=28)


def check(customer: Customer, *, on: date) -> None:
    """Go on if the person may be erased.

    :raises AlreadyErased: if they are
    :raises MustBeKept: naming what keeps them
    """
    if customer.erased_at is not None:
        raise AlreadyErased(_("This person is erased already."))
    if found := duties(customer, on=on):
        raise MustBeKept(_("This person may not be erased yet: %(duties)s") % {"duties": " ".join(found)}, duties=found)


def propose(customer: Customer, *, reason: str, actor: User, at: datetime) -> ChangeRequest:
    """Put the erasure before a second person.

    :raises MustBeKept: while a duty to keep holds
    :raises changes.AlreadyProposed: if it waits already
    """
    check(Customer.objects.get(pk=customer.pk), on=localdate(at))
    return changes.propose(KIND, customer.public_id, after={"erased": True}, reason=reason, actor=actor, at=at)


@transaction.atomic
def erase(customer: Customer, *, actor: User, at: datetime, again: bool = False) -> dict[str, int]:
    """Destroy the person's secret and overwrite what lies here; return how much of each model. `again`: a restored backup brought it back.

    :raises MustBeKept: while a duty to keep holds
    """
    row = Customer.objects.select_for_update().get(pk=customer.pk)
    if not again:
        check(row, on=localdate(at))
    given_up = _given_up(row, actor=actor, at=at)
    person_keys.destroy(row.pk, at=at)
    stored = _files(row.pk)
    done = {model._meta.label: count for model, count in _overwritten(row.pk) if count}
    SearchKeys.objects.filter(customer=row).delete()
    file_keys.erase(stored)
    Customer.objects.filter(pk=row.pk).update(
        income=None, monthly_debt=0, erased_at=row.erased_at or at, updated_at=at, version=row.version + 1
    )
    entry = {"values": sum(done.values()), "files": len(stored), "given_up": given_up, "again": again}
    log.record(EVENT, row, actor=actor, at=at, **entry)
    transaction.on_commit(partial(mark, row.seal_key, row.public_id, at), robust=True)
    for key in stored:
        transaction.on_commit(partial(storage.delete, key), robust=True)
    return done


def _given_up(customer: Customer, *, actor: User, at: datetime) -> int:
    """End what would go on with a person who is no longer there: tasks, messages that wait, consents; return how many."""
    tasks = list(Activity.objects.open().filter(customer=customer).select_related("customer", "created_by"))
    for task in tasks:
        activities.cancel(task, actor=actor, at=at)
    status = Message.Status
    waiting = list(Message.objects.filter(customer=customer, status__in=[status.PLANNED, status.WAITING]))
    for message in waiting:
        messages.cancel(message, reason="person_erased", actor=actor, at=at)
    ended = {"withdrawn_at": Greatest("given_at", Value(at)), "withdrawn_by": actor}
    return len(tasks) + len(waiting) + Consent.objects.filter(customer=customer, withdrawn_at__isnull=True).update(**ended)


def _overwritten(person: int) -> Iterator[tuple[Any, int]]:
    """Overwrite every sealed column of the person, and what it is found by; one statement a model."""
    for model in apps.get_models():
        fields = model._meta.concrete_fields
        sealed = [one for one in fields if isinstance(one, SealedTextField)]
        way = persons.erased_by(model)
        if not sealed or not way or model._meta.proxy:
            continue
        sets = [f'"{one.column}" = CASE WHEN "{one.column}" IS NULL THEN NULL ELSE %s::bytea END' for one in sealed]
        # a relation must have a number's fingerprint: what is left is of a value that nobody has
        empty = "encode(sha256(gen_random_uuid()::text::bytea), 'hex')" if model is Relation else "NULL"
        sets += [f'"{one.column}" = CASE WHEN "{one.column}" IS NULL THEN NULL ELSE {empty} END' for one in fields if _is_print(one)]
        with connection.cursor() as cursor:
            cursor.execute(
                f'UPDATE "{model._meta.db_table}" AS kept SET {", ".join(sets)} '  # noqa: S608  names come from the models
                f"WHERE {persons.sql(model, way, 'kept')} = %s",
                [*([person_keys.ERASED] * len(sealed)), person],
            )
            yield model, cursor.rowcount


def _files(person: int) -> list[str]:
    """Return where the person's files lie."""
    ways = [(model, "__".join(persons.erased_by(model))) for model in files.holders()]
    return [
        key
        for model, way in ways
        if way
        for key in model._base_manager.filter(**{way: person}).values_list("storage_key", flat=True)
        if key
    ]


def _is_print(field: Any) -> bool:
    return isinstance(field, FingerprintField)


# --- what a restored backup does not know ----------------------------------------------------------------------------
def key_of(seal_key: UUID) -> str:
    """Return under which key the storage keeps that a person was erased; it names nobody."""
    return f"{FOLDER}/{seal_key.hex[:2]}/{seal_key}"


def mark(seal_key: UUID, public_id: str, at: datetime) -> None:
    """Write outside the database that a person was erased."""
    storage.put(key_of(seal_key), json.dumps({"customer": public_id, "at": at.isoformat()}).encode())


def marked(*, at: datetime) -> set[UUID]:
    """Return the seal keys of those who were erased, as the storage has them."""
    return {UUID(key.rpartition("/")[2]) for key in storage.listed(FOLDER, before=at + timedelta(days=1))}


def reapply(*, actor: User, at: datetime) -> tuple[int, int]:
    """Erase anew whom a restored backup brought back, and mark in the storage who is not; return how many of each.

    Who was erased is known from the storage and from the ledger of this database.

    :raises PortUnknown: if the storage gives no certain answer
    """
    known = marked(at=at)
    told = Entry.objects.filter(event=EVENT).values("customer_id")
    people = list(Customer.objects.filter(pk__in=told)) + list(Customer.objects.filter(seal_key__in=known).exclude(pk__in=told))
    erased = set(Customer.objects.filter(pk__in=[one.pk for one in people], erased_at__isnull=False).values_list("pk", flat=True))
    secrets = _with_secrets([one.pk for one in people])
    back = [one for one in people if one.pk not in erased or one.pk in secrets]
    for one in back:
        erase(one, actor=actor, at=at, again=True)
    unmarked = [one for one in people if one.seal_key not in known]
    for one in unmarked:
        mark(one.seal_key, one.public_id, one.erased_at or at)
    return len(back), len(unmarked)


def _with_secrets(pks: Collection[int]) -> set[int]:
    return set(PersonKey.objects.filter(pk__in=pks, token__isnull=False).values_list("pk", flat=True))


# --- through four eyes ---------------------------------------------------------------------------------------------
def _standing(subject: str) -> dict[str, Any]:
    row = Customer.objects.filter(public_id=subject).values_list("erased_at", flat=True).first()
    return {"erased": row is not None}


def _validate(subject: str, after: dict[str, Any]) -> None:
    if not Customer.objects.filter(public_id=subject).exists():
        raise Invalid(_("There is no such customer."))


def _lines(before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    return [Line(_("Everything known of the person"), _("kept, sealed"), _("erased for good: nobody can bring it back"))]


def _make(subject: str, after: dict[str, Any], *, actor: User, at: datetime) -> Any:
    return erase(Customer.objects.get(public_id=subject), actor=actor, at=at)


changes.KINDS.register(
    KIND,
    Kind(
        label=_("Erasure of a person"), check=permissions.CHECK_ERASURE, standing=_standing, validate=_validate, lines=_lines, make=_make,
        name=lambda subject, _after: subject, url=lambda subject: reverse("customer", args=[subject]),
    ),
)  # fmt: skip


@sentence(EVENT, icon="lock", tone="bad")
def _erased(entry: Entry) -> Any:
    return _("The person was erased: nothing that was sealed for them opens any more")


def seed() -> None:
    """Make the rule of how long records are kept."""
    rules.put(
        KEEP_YEARS,
        value=10,
        unit=rules.COUNT,
        meaning_en="Years for which a customer's identity records and transactions are kept after the business ended",
        meaning_zh="业务关系结束后客户身份资料和交易记录的保存年数",
        citation="《中华人民共和国反洗钱法》（2024年修订，2025年1月1日起施行）：至少保存十年；条文未核对",
        verification=Rule.Verification.UNVERIFIED,
        effective_from=date(2020, 1, 1),
    )
