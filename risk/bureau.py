"""Doors of the credit bureau: ask for a report, fetch it, say what is on file.

`request` notes a question under a running consent and a legal reason, in a transaction; `fetch` carries it out, outside any. A question asked
by a person is fetched by a worker; that of an application by the worker that evaluates it. Whatever fails leaves its name on the question.
"""

import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.timezone import localdate, now
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError
from crm.lib.ports import bureau as port
from crm.lib.ports.http import PortOff, PortRefused
from customers import consents
from customers.models import Consent, Customer, Purpose
from governance import uses
from governance.lifecycle import MovedMeanwhile, move
from governance.models import User
from ledger import log
from risk import bureau_circuit, bureau_report, bureau_rules
from risk.models import BureauQuery, BureauReport

Status, Cause, Reason = BureauQuery.Status, BureauQuery.Cause, BureauQuery.Reason
PURPOSE = "bureau"
LOST = timedelta(minutes=10)  # no query takes this long: its worker died


class AlreadyAsking(DomainError):
    """A query about the person is on its way."""

    code = "already_asking"


def request(customer: Customer, *, reason: str, actor: User, at: datetime, subject: str = "", at_once: bool = False) -> BureauQuery:
    """Note a question to the bureau; a worker carries it out, or the caller itself with `at_once`.

    The same `subject` asked again while its question is open gets that question back, so that its repetition is the same query.

    :raises PortOff: if no bureau is connected
    :raises NoLegalReason: if no legal reason of this name holds
    :raises UnlawfulUse: if the person has no running consent to bureau queries; it is on the record
    :raises AlreadyAsking: if another question about the person is open
    """
    if not port.is_on():
        raise PortOff(_("No credit bureau is connected."), port=port.NAME)
    on = localdate(at)
    rule = bureau_rules.reason(reason, on=on)
    uses.reading(customer, PURPOSE, actor=actor, at=at)
    consent = running_consent(customer, at=at)
    open_one = BureauQuery.objects.filter(customer=customer, status=Status.ASKED).first()
    if open_one is not None and open_one.asked_at < at - LOST:
        give_up(open_one, cause=Cause.LOST, at=at)
        open_one = None
    if open_one is None:
        query = BureauQuery(
            customer=customer, reason=reason, consent=consent, subject=subject, asked_by=actor, asked_at=at,
        )  # fmt: skip
        try:
            with transaction.atomic():
                query.save(force_insert=True)
                log.record(
                    "risk.bureauquery.asked", query, actor=actor, at=at, customer_id=customer.pk, reason=reason, rule=rule.pk,
                    consent=consent.text_version, consent_on=localdate(consent.given_at), about=subject, at_once=at_once,
                )  # fmt: skip
            return query
        except IntegrityError as error:
            if "bureau_query_one_open" not in str(error):
                raise
            open_one = BureauQuery.objects.filter(customer=customer, status=Status.ASKED).first()
    if open_one is not None and subject and open_one.subject == subject:
        return open_one
    raise AlreadyAsking(_("A query about this person is on its way. Its answer comes within a minute."))


def fetch(
    query: BureauQuery, *, at: datetime, clock: Callable[[], datetime] = now, sleep: Callable[[float], None] = time.sleep,
    headers: dict[str, str] | None = None,
) -> BureauQuery:  # fmt: skip
    """Carry an open question out and keep the report, or the reason why there is none. May run twice; call it outside transactions.

    :param at: the moment as of which the answer counts as known
    :param clock: real time, by which the breaker counts; `at` may lie in the past
    """
    if query.status != Status.ASKED:
        return query
    calls = bureau_rules.calls(on=localdate(clock()))
    try:
        person = uses.reading(query.customer, PURPOSE, actor=query.asked_by, at=at)
        identity = {"name": person.name, "id_number": person.id_number, "mobile": person.mobile}
    except uses.UnlawfulUse:
        return give_up(query, cause=Cause.CONSENT, at=at)
    try:
        bureau_circuit.enter(calls, at=clock())
    except bureau_circuit.BureauPaused:
        return give_up(query, cause=Cause.PAUSED, at=at)
    try:
        answer = port.ask(
            key=query.public_id, purpose=query.reason, consent=query.consent.text_version, consent_on=localdate(query.consent.given_at),
            person=identity, at=at, tries=calls.tries, read_seconds=calls.seconds, sleep=sleep, headers=headers,
        )  # fmt: skip
    except PortOff:
        return give_up(query, cause=Cause.LOST, at=at)
    except PortRefused as refusal:
        bureau_circuit.succeeded(at=clock())
        return give_up(query, cause=Cause.REFUSED, at=at, tries=1, code=str(refusal.extra.get("their_code", ""))[:40])
    except port.Tired as failure:
        bureau_circuit.failed(calls, at=clock())
        return give_up(query, cause=Cause.SILENT, at=at, tries=failure.extra["tries"], code=str(failure.extra.get("cause", ""))[:40])
    try:
        report = None if answer.body is None else bureau_report.read(answer.body, key=query.public_id)
    except bureau_report.NotAReport as problem:
        bureau_circuit.failed(calls, at=clock())
        return give_up(query, cause=Cause.GARBLED, at=at, tries=answer.tries, code=str(problem)[:40])
    bureau_circuit.succeeded(at=clock())
    return keep(query, report, answer.body, tries=answer.tries, at=at)


def keep(query: BureauQuery, report: bureau_report.Report | None, body: dict[str, Any] | None, *, tries: int, at: datetime) -> BureauQuery:
    """File a report: sealed as it came, its figures beside it."""
    standing = BureauReport.Standing.UNKNOWN if report is None else report.standing
    read = bureau_report.figures(report) if report else {}
    try:
        with transaction.atomic():
            move(query, Status.ANSWERED, actor=query.asked_by, at=at, answered_at=at, tries=tries, facts={"standing": str(standing)})
            BureauReport(
                query=query, customer_id=query.customer_id, standing=standing, disputed=bool(report and report.disputed), as_of=at,
                content=json.dumps(body, ensure_ascii=False, separators=(",", ":")) if body is not None else None, **read,
            ).save(force_insert=True)  # fmt: skip
    except MovedMeanwhile:  # another worker carried the same query out
        query.refresh_from_db()
    return query


def give_up(query: BureauQuery, *, cause: str, at: datetime, tries: int = 0, code: str = "") -> BureauQuery:
    """End a question without a report; `cause` says why, `code` what the bureau said."""
    told = {"cause": str(cause)} | ({"code": code} if code else {})
    try:
        return move(query, Status.FAILED, actor=query.asked_by, at=at, answered_at=at, cause=cause, tries=tries, facts=told)
    except MovedMeanwhile:
        query.refresh_from_db()
        return query


def ensure(customer: Customer, *, reason: str, subject: str, actor: User, at: datetime) -> BureauReport | None:
    """Return a report that counts for `reason` at `at`, asking for one where none is fresh; None where there is none to be had.

    Never raises for what the bureau does: who decides is told by `bureau_facts` what is missing. Call it outside transactions.
    """
    if not port.is_on():
        return None
    found = fresh(customer.pk, reason=reason, at=at)
    if found is not None:
        return found
    if not consents.holds(customer, Purpose.BUREAU, on=localdate(at)):
        return None
    try:
        query = request(customer, reason=reason, actor=actor, at=at, subject=subject, at_once=True)
    except (AlreadyAsking, PortOff, bureau_rules.NoLegalReason):
        return None
    fetch(query, at=at)
    return fresh(customer.pk, reason=reason, at=at)


def running_consent(customer: Customer, *, at: datetime) -> Consent:
    """Return the consent to bureau queries that holds; the caller has asked whether one does."""
    rows = Consent.objects.filter(consents.live(localdate(at)), customer=customer, purpose=Purpose.BUREAU)
    return rows.order_by("-given_at", "-pk")[0]


def latest(customer_id: int, *, at: datetime) -> BureauReport | None:
    """Return the newest report known at `at`, its content left sealed."""
    rows = BureauReport.objects.filter(customer=customer_id, as_of__lte=at).defer("content")
    return rows.order_by("-as_of", "-pk").first()


def fresh(customer_id: int, *, reason: str, at: datetime) -> BureauReport | None:
    """Return the newest report if it still counts for `reason`."""
    found = latest(customer_id, at=at)
    return found if found is not None and counts(found, reason=reason, at=at) else None


def counts(report: BureauReport, *, reason: str, at: datetime) -> bool:
    """Return whether a report is young enough for `reason`."""
    return at - report.as_of <= timedelta(days=bureau_rules.fresh_days(reason, on=localdate(at)))


def lost(*, before: datetime) -> int:
    """End the questions whose worker died; return how many."""
    rows = list(BureauQuery.objects.filter(status=Status.ASKED, asked_at__lt=before).order_by("pk")[:1_000])
    for query in rows:
        give_up(query, cause=Cause.LOST, at=max(before + LOST, query.asked_at))
    return len(rows)


@transaction.atomic
def opened(report: BureauReport, *, actor: User, at: datetime) -> None:
    """Note that a person read a report: whoever's it is can be told who did."""
    log.record("risk.bureaureport.opened", report, actor=actor, at=at, customer_id=report.customer_id)
