"""Doors of tracing: ask with purpose and ground, look at a source, try what was found through the contact policy, confirm it or bar it.

References, family and employers are never asked: nobody is told of a debt, not even that somebody is a customer. A number that stands in the
file as a reference's is not taken either. What was found is nothing until it was tried; what proves to be somebody else's is barred for every file.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from collection import cases, contested, holds
from collection.holds import Name
from collection.models import Case, Channel, PreActionLetter, TraceFind, TraceLook, TraceRequest
from credit import books
from crm.lib.errors import DomainError, Invalid
from customers import contact_gate, contacts, identifiers
from customers.models import BarredNumber, ContactAttempt, Customer, Relation
from customers.models.relations import OBLIGORS
from governance import rules, uses, vault
from governance.lifecycle import move
from governance.models import LegalBasis, User
from governance.models.identity import chinese
from ledger import log

FILE = Path(__file__).parent / "data" / "trace_sources.json"
SILENT, AGAIN, A_DAY = "collections.trace.silent_attempts", "collections.trace.again_days", "collections.trace.per_day"
NUMBER = "customers.customer.mobile"
Status, Found = TraceRequest.Status, TraceFind.Status
SHOWN: Mapping[str, Any] = {
    "barred": _("The number on file is somebody else's"), "returned": _("A letter came back"), "silent": _("Nobody answers any more"),
}  # fmt: skip
LONGEST = 500


class NotLost(DomainError):
    """The debtor can be reached: nobody is traced who is not lost."""

    code = "trace_not_lost"


class TooOften(DomainError):
    """The limit on requests is reached."""

    code = "trace_too_often"


class TraceUnderWay(DomainError):
    """One request of a case at a time."""

    code = "trace_under_way"


class TraceOver(DomainError):
    """The request is over."""

    code = "trace_over"


class SourceOff(DomainError):
    """No gateway is connected for this source: nothing was asked."""

    code = "trace_source_off"


class ThirdParty(Invalid):
    """The number is a reference's: nobody beside the debtor is asked or told anything."""

    code = "trace_third_party"


class NotTried(DomainError):
    """What was never tried is neither right nor wrong."""

    code = "trace_not_tried"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a lost debtor may be looked for: its name, its ground of law, the gateway and the consent it needs."""

    code: str
    en: str
    zh: str
    basis: str
    port: str
    consent: str

    @property
    def name(self) -> str:
        return self.zh if chinese() else self.en

    @property
    def is_on(self) -> bool:
        return not self.port or bool(settings.PORTS.get(self.port))


@cache
def sources() -> Mapping[str, Source]:
    """Return the sources the house knows, by code."""
    return {row["code"]: Source(**row) for row in json.loads(FILE.read_text(encoding="utf-8"))["sources"]}


def lost_by(case: Case, *, at: datetime) -> str:
    """Return what shows that nobody reaches the debtor any more, as a code; "" where nothing does."""
    customer = case.customer
    if customer.mobile_key and BarredNumber.objects.filter(number_key=customer.mobile_key, lifted_at__isnull=True).exists():
        return "barred"
    if (
        PreActionLetter.objects.filter(case=case).order_by("-pk").values_list("status", flat=True).first()
        == PreActionLetter.Status.RETURNED
    ):
        return "returned"
    least = int(rules.value(SILENT, on=books.local_day(case.legal_entity, at)))
    calls = ContactAttempt.objects.filter(
        customer=customer, channel=Channel.CALL, relation__isnull=True, at__gt=at - timedelta(days=30), at__lte=at
    )
    tried = list(calls.values_list("connected", flat=True))
    return "silent" if len(tried) >= least and not any(tried) else ""


def facts(row: TraceRequest) -> dict[str, Any]:
    return {"customer_id": row.case.customer_id, "case": row.case.public_id, "purpose": row.purpose}


def locked(request: TraceRequest, *, actor: User) -> TraceRequest:
    rows = TraceRequest.objects.select_for_update(of=("self",)).select_related("case__legal_entity", "case__customer__legal_entity")
    row = rows.get(pk=request.pk)
    contested.refuse_frozen(row.case, actor)
    if not row.is_open:
        raise TraceOver(_("This request is over: “%(status)s”.") % {"status": row.get_status_display()})
    return row


@transaction.atomic
def ask(case: Case, *, purpose: str, basis: str, reason: str, actor: User, at: datetime) -> TraceRequest:
    """Ask to look for a debtor nobody reaches any more.

    :raises CaseClosed: if the case is closed
    :raises CaseFrozen: if a complaint keeps `actor` from it
    :raises NotLost: if nothing shows that the debtor is lost, or they have died
    :raises TraceUnderWay: if one of the case is open
    :raises TooOften: if the case was traced a while ago, or `actor` asked too often today
    :raises Invalid: with a sentence per wrong value
    """
    row = Case.objects.select_for_update(of=("self",)).select_related("legal_entity", "customer").get(pk=case.pk)
    if not row.is_open:
        raise cases.CaseClosed(_("Case %(case)s is closed.") % {"case": row.public_id})
    contested.refuse_frozen(row, actor)
    reason, problems = reason.strip(), dict[str, Any]()
    if purpose not in TraceRequest.Purpose.values:
        problems["purpose"] = _("Choose what the debtor is looked for.")
    if not LegalBasis.objects.filter(code=basis).exclude(code="not_personal").exists():
        problems["basis"] = _("Choose the ground of law.")
    if not 5 <= len(reason) <= LONGEST:
        problems["reason"] = _("Say why in 5 to 500 characters.")
    if problems:
        raise Invalid(_("Some values cannot be; see the fields."), fields=problems)
    if Name.DECEASED in holds.standing([row.customer_id]).get(row.customer_id, {}):
        raise NotLost(_("The customer has died: nobody looks for them."))
    shown = lost_by(row, at=at)
    if not shown:
        raise NotLost(_("Nothing shows that the debtor is lost: try to reach them first."))
    today = books.value_day(row.legal_entity, at)
    refuse_often(row, actor=actor, today=today)
    try:
        with transaction.atomic():
            made = TraceRequest(
                case=row, purpose=purpose, basis=basis, shown=shown, reason=reason, requested_by=actor, requested_at=at, requested_on=today
            )
            made.save(force_insert=True)
    except IntegrityError as error:
        if "trace_one_open_per_case" not in str(error):
            raise
        raise TraceUnderWay(_("This debtor is being traced already.")) from None
    log.record("collections.trace.asked", made, actor=actor, at=at, basis=basis, shown=shown, **facts(made))
    return made


def refuse_often(case: Case, *, actor: User, today: Any) -> None:
    days, most = int(rules.value(AGAIN, on=today)), int(rules.value(A_DAY, on=today))
    last = TraceRequest.objects.filter(case=case).exclude(status=Status.OPEN).order_by("-pk").first()
    if last is not None and today < last.requested_on + timedelta(days=days):
        words = {"day": (last.requested_on + timedelta(days=days)).isoformat()}
        raise TooOften(_("This debtor was traced a while ago: possible again from %(day)s.") % words)
    if TraceRequest.objects.filter(requested_by=actor, requested_on=today).count() >= most:
        raise TooOften(_("You asked %(most)s times today: that is the limit.") % {"most": most})


@transaction.atomic
def look(request: TraceRequest, *, source: str, actor: User, at: datetime) -> TraceLook:
    """Look at a source; what it tells of the debtor enters as not verified. Who looked and how much was seen is kept, not what.

    :raises CaseFrozen: if a complaint keeps `actor` from the case
    :raises TraceOver: if the request is over
    :raises SourceOff: if no gateway is connected for it
    :raises Invalid: if there is no such source
    """
    row = locked(request, actor=actor)
    known = sources().get(source)
    if known is None:
        raise Invalid(_("Choose the source."), fields={"source": _("Choose the source.")})
    if not known.is_on:
        raise SourceOff(_("No gateway is connected for “%(source)s”: nothing was asked.") % {"source": known.name})
    seen: dict[str, int] = {}
    if source == "own_files":
        seen = _own_files(row, actor=actor, at=at)
    elif source == "obligors":
        seen = {"obligors": Relation.objects.contactable().filter(customer=row.case.customer_id).count()}
    made = TraceLook.objects.create(request=row, source=source, seen=seen, actor=actor, at=at)
    log.record("collections.trace.looked", row, actor=actor, at=at, source=source, seen=seen, **facts(row))
    return made


def _own_files(row: TraceRequest, *, actor: User, at: datetime) -> dict[str, int]:
    """Take over what other files of the same person say, within the group of lenders; return how many of each kind."""
    customer = row.case.customer
    others = (
        Customer.objects.filter(id_number_key=customer.id_number_key).exclude(pk=customer.pk).exclude(id_number_key=None).order_by("pk")
    )
    seen = {"files": 0, "mobile": 0, "address": 0}
    for other in others[:10]:
        told = uses.reading(other, "collections", actor=actor, at=at)
        seen["files"] += 1
        for kind, value in ((TraceFind.Kind.MOBILE, told.mobile), (TraceFind.Kind.ADDRESS, told.address)):
            if value and not refused(row, kind, value):
                seen[kind] += _find(row, kind=kind, value=value, source="own_files", actor=actor, at=at) is not None
    return seen


def refused(row: TraceRequest, kind: str, value: str) -> Any:
    """Return the sentence that says why a detail is not taken; "" where it is."""
    customer = row.case.customer
    if kind == TraceFind.Kind.ADDRESS:
        return _("This address is on file already.") if value == customer.address else ""
    key = vault.fingerprint(value, label=NUMBER)
    if key == customer.mobile_key:
        return _("This number is on file already.")
    if BarredNumber.objects.filter(number_key=key, lifted_at__isnull=True).exists():
        return _("This number is somebody else's: it is barred everywhere.")
    return ""


def _find(row: TraceRequest, *, kind: str, value: str, source: str, actor: User, at: datetime) -> TraceFind | None:
    if TraceFind.objects.filter(request=row, value_key=vault.fingerprint(value, label=NUMBER)).exists():
        return None
    made = TraceFind(request=row, kind=kind, value=value, source=source, found_by=actor, found_at=at)
    made.save(force_insert=True)
    log.record("collections.trace.found", made, actor=actor, at=at, kind=kind, source=source, **facts(row))
    return made


@transaction.atomic
def add(request: TraceRequest, *, kind: str, value: str, source: str, actor: User, at: datetime) -> TraceFind:
    """Enter a detail that a source told; it is not verified.

    :raises CaseFrozen: if a complaint keeps `actor` from the case
    :raises TraceOver: if the request is over
    :raises SourceOff: if no gateway is connected for the source
    :raises ThirdParty: if the number is a reference's of the customer
    :raises NotAMobile: if it is no mobile number
    :raises Invalid: with a sentence per wrong value
    """
    row, value = locked(request, actor=actor), value.strip()
    known = sources().get(source)
    if known is None:
        raise Invalid(_("Choose the source."), fields={"source": _("Choose the source.")})
    if not known.is_on:
        raise SourceOff(_("No gateway is connected for “%(source)s”: nothing was asked.") % {"source": known.name})
    if kind not in TraceFind.Kind.values:
        raise Invalid(_("Choose what was found."), fields={"kind": _("Choose what was found.")})
    if kind == TraceFind.Kind.MOBILE:
        try:
            value = identifiers.mobile(value)
        except Invalid as wrong:
            raise Invalid(wrong.message, fields={"value": wrong.message}) from None
        key = vault.fingerprint(value, label=NUMBER)
        beside = Relation.objects.live().filter(customer=row.case.customer_id, mobile_key=key).exclude(kind__in=OBLIGORS)
        if beside.exists():
            sentence = _("This is a reference's number: references are never asked, and told nothing.")
            raise ThirdParty(sentence, fields={"value": sentence})
    elif not 4 <= len(value) <= 200:
        raise Invalid(_("Enter the address in 4 to 200 characters."), fields={"value": _("Enter the address in 4 to 200 characters.")})
    sentence = refused(row, kind, value)
    made = None if sentence else _find(row, kind=kind, value=value, source=source, actor=actor, at=at)
    if made is None:
        sentence = sentence or _("This was found already.")
        raise Invalid(sentence, fields={"value": sentence})
    return made


def locked_find(find: TraceFind, *, actor: User) -> TraceFind:
    rows = TraceFind.objects.select_for_update(of=("self",)).select_related(
        "request__case__customer__legal_entity", "request__case__legal_entity"
    )
    row = rows.get(pk=find.pk)
    contested.refuse_frozen(row.request.case, actor)
    return row


@transaction.atomic
def try_it(find: TraceFind, *, actor: User, at: datetime) -> str:
    """Open a found number to call it: the contact policy is asked and counts the call, under the debtor's own count. An address is tried by a
    visit or a letter, so it is only opened.

    :raises CaseFrozen: if a complaint keeps `actor` from the case
    :raises NotNow: if the contact policy refuses
    :raises CasePaused: if the work on the case waits
    :raises CaseClosed: if the case is closed
    :raises TraceOver: if it is barred
    """
    from collection.contacts import in_work  # it builds on much that this module does not need

    row = locked_find(find, actor=actor)
    case = row.request.case
    if not case.is_open:
        raise cases.CaseClosed(_("Case %(case)s is closed.") % {"case": case.public_id})
    in_work(case)
    if row.status == Found.BARRED:
        raise TraceOver(_("This proved to be somebody else's: it is barred."))
    if row.kind == TraceFind.Kind.MOBILE:
        row.attempt = contact_gate.reserve(
            case.customer, channel=Channel.CALL, key=f"trace:{row.public_id}:{row.version}", at=at, actor=actor, subject=case.public_id,
            under_way=True, number_key=row.value_key or "",
        )  # fmt: skip
    row.tried_at, row.tried_by = at, actor
    row.version += 1
    row.save(update_fields=["attempt", "tried_at", "tried_by", "version"])
    log.record("collections.trace.tried", row, actor=actor, at=at, kind=row.kind, **facts(row.request))
    return row.value


@transaction.atomic
def decide(find: TraceFind, *, right: bool, actor: User, at: datetime) -> TraceFind:
    """Say what trying it came to: the debtor's, or somebody else's, which bars a number for every file.

    :raises CaseFrozen: if a complaint keeps `actor` from the case
    :raises NotTried: if it was never tried
    :raises IllegalMove: if it is decided
    """
    row = locked_find(find, actor=actor)
    if row.tried_at is None:
        raise NotTried(_("Try it first: what was never tried is neither right nor wrong."))
    if row.attempt is not None:
        contact_gate.settle(row.attempt, connected=True)
    if not right and row.kind == TraceFind.Kind.MOBILE:
        contacts.bar_number(row.request.case.customer, actor=actor, at=at, number_key=row.value_key or "")
    to = Found.CONFIRMED if right else Found.BARRED
    told = facts(row.request) | {"kind": row.kind}
    return move(row, to, event=f"collections.trace.{to}", actor=actor, at=at, facts=told, decided_by=actor, decided_at=at)


@transaction.atomic
def end(request: TraceRequest, *, actor: User, at: datetime) -> TraceRequest:
    """End a request: found if something was confirmed, else nothing found.

    :raises CaseFrozen: if a complaint keeps `actor` from the case
    :raises TraceOver: if it is over
    """
    row = locked(request, actor=actor)
    to = Status.FOUND if row.finds.filter(status=Found.CONFIRMED).exists() else Status.NOTHING
    return move(row, to, event="collections.trace.ended", actor=actor, at=at, facts=facts(row) | {"outcome": to}, ended_at=at)


@transaction.atomic
def stop_with_case(case: Case, *, actor: User, at: datetime) -> None:
    """Stop looking for somebody whose case is over."""
    for row in TraceRequest.objects.select_for_update(of=("self",)).select_related("case").filter(case=case, status=Status.OPEN):
        move(
            row, Status.STOPPED, event="collections.trace.ended", actor=actor, at=at, facts=facts(row) | {"outcome": "stopped"}, ended_at=at
        )
