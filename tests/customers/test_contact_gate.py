"""The gate as a door: one place is given once, verdicts are kept, third parties and wrong numbers are closed, agreements need evidence."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from threading import Barrier, Thread
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.utils.timezone import override as override_zone

from crm.lib.errors import Invalid
from customers import contact_gate, contact_windows, contacts, messages, messages_seeds, outbox, relations, templates
from customers.contacts import NotNow
from customers.models import BarredNumber, ContactAttempt, ContactVerdict, Relation
from governance import rules
from tests.credit.test_races import together
from tests.fixtures.cast import NOON, Cast

MINUTE = timedelta(minutes=1)
ROBOT = templates.declare("test.robot", label="An automatic call", purpose="collection", samples={})


def call(customer: Any, actor: Any, number: int, **more: Any) -> ContactAttempt:
    return contact_gate.reserve(
        customer, channel="call", key=f"call-{number}", at=NOON + number * MINUTE, actor=actor, under_way=True, **more
    )


def talked(customer: Any, actor: Any, number: int) -> None:
    contact_gate.settle(call(customer, actor, number), connected=True)


def test_the_fourth_talk_of_a_day_is_refused_and_the_refusal_is_kept(cast: Cast, make_customer: Callable[..., Any]) -> None:
    customer = make_customer()
    for number in range(3):
        talked(customer, cast.collector, number)
    with pytest.raises(NotNow, match="answered calls of this day") as refused, transaction.atomic():
        call(customer, cast.collector, 3, subject="K-1")
    assert refused.value.extra["rule"] == "contact.connected_calls_per_day"
    refused.value.remember()
    refused.value.remember()
    kept = ContactVerdict.objects.exclude(verdict="allow").get()
    assert (kept.verdict, kept.rule, kept.pack, kept.subject, kept.actor) == (
        "wait",
        refused.value.extra["rule"],
        "cn",
        "K-1",
        cast.collector,
    )
    assert kept.opens_at is not None
    assert kept.inputs["counts"]["connects_today"] == 3
    assert kept.inputs["limits"]["connected_calls_per_day"] == 3
    assert kept.inputs["sources"]["connected_calls_per_day"] == "contact.connected_calls_per_day"
    assert [row.attempt_id is not None for row in ContactVerdict.objects.filter(verdict="allow")] == [True] * 3


def test_a_call_nobody_answered_gives_its_place_back(cast: Cast, make_customer: Callable[..., Any]) -> None:
    customer = make_customer()
    for number in range(2):
        talked(customer, cast.collector, number)
    third = call(customer, cast.collector, 2)
    with pytest.raises(NotNow):
        call(customer, cast.second_collector, 3)
    contact_gate.settle(third, connected=False)
    contact_gate.settle(third, connected=True)
    assert ContactAttempt.objects.get(pk=third.pk).connected is False, "the first word stays"
    assert call(customer, cast.second_collector, 4).open_until == NOON + 34 * MINUTE
    assert ContactAttempt.objects.filter(customer=customer).count() == 4, "attempts and connects are counted apart"


@pytest.mark.django_db(transaction=True)
def test_of_two_who_would_make_the_third_call_one_does(cast: Cast, make_customer: Callable[..., Any]) -> None:
    """Both ask at the same moment, again and again: never do four calls connect, or could."""
    for _round in range(5):
        customer = make_customer()
        for number in range(2):
            contact_gate.settle(
                contact_gate.reserve(
                    customer, channel="call", key=f"{customer.pk}-{number}", at=NOON, actor=cast.collector, under_way=True
                ),
                connected=True,
            )
        gate, said = Barrier(2), []

        def third(actor: Any, who: Any = customer, start: Barrier = gate, results: list[str] = said) -> None:
            try:
                start.wait()
                contact_gate.reserve(who, channel="call", key=f"{who.pk}-{actor.pk}", at=NOON + MINUTE, actor=actor, under_way=True)
                results.append("calls")
            except NotNow as refused:
                refused.remember()
                results.append(refused.extra["rule"])
            finally:
                connection.close()

        threads = [Thread(target=third, args=(actor,)) for actor in (cast.collector, cast.second_collector)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(said) == ["calls", "contact.connected_calls_per_day"]
        assert ContactAttempt.objects.filter(customer=customer).count() == 3
        assert sorted(ContactVerdict.objects.filter(customer=customer).values_list("verdict", flat=True)) == [
            "allow",
            "allow",
            "allow",
            "wait",
        ]


def guarantor(customer: Any, cast: Cast, **changes: Any) -> Relation:
    values: dict[str, Any] = {
        "kind": "guarantor", "name": "王芳", "mobile": "13911112222", "source": "document", "consent": "given", "actor": cast.loan_officer,
        "at": NOON,
    }  # fmt: skip
    return relations.add(customer, **(values | changes))


def test_a_guarantor_is_counted_by_themselves_and_only_once_opened(cast: Cast, make_customer: Callable[..., Any]) -> None:
    customer = make_customer()
    found = guarantor(customer, cast)
    assert contacts.may_contact(customer, "call", NOON, relation=found).rule == "contact.obligors_only"
    Relation.objects.filter(pk=found.pk).update(may_contact=True)
    found.refresh_from_db()
    for number in range(3):
        talked(customer, cast.collector, number)
    assert contacts.may_contact(customer, "call", NOON + 5 * MINUTE).rule == "contact.connected_calls_per_day"
    assert contacts.may_contact(customer, "call", NOON + 5 * MINUTE, relation=found).allowed
    call(customer, cast.collector, 6, relation=found)
    assert ContactVerdict.objects.latest("pk").party == "guarantor"


@pytest.mark.parametrize("kind", ["family", "emergency_contact", "same_employer", "referral"])
def test_third_parties_are_refused_by_name(cast: Cast, make_customer: Callable[..., Any], kind: str) -> None:
    customer = make_customer()
    found = guarantor(customer, cast, kind=kind)
    with pytest.raises(NotNow, match="Only the debtor") as refused, transaction.atomic():
        call(customer, cast.collector, 1, relation=found)
    refused.value.remember()
    kept = ContactVerdict.objects.get()
    assert (kept.verdict, kept.rule, kept.party, kept.relation_id) == ("block", "contact.obligors_only", "third", found.pk)


def test_a_wrong_number_is_barred_in_every_file(cast: Cast, make_customer: Callable[..., Any]) -> None:
    customer, other = make_customer(mobile="13800001234"), make_customer(mobile="13800001234")
    contacts.bar_number(customer, actor=cast.collector, at=NOON)
    contacts.bar_number(other, actor=cast.collector, at=NOON)
    assert BarredNumber.objects.count() == 1
    assert {way: contacts.may_contact(other, way, NOON).rule for way in ("call", "sms", "letter")} == {
        "call": "contact.stop", "sms": "contact.stop", "letter": "",
    }  # fmt: skip
    outside = guarantor(make_customer(), cast, mobile="13800001234")
    Relation.objects.filter(pk=outside.pk).update(may_contact=True)
    outside.refresh_from_db()
    assert contacts.may_contact(outside.customer, "call", NOON, relation=outside).rule == "contact.stop"
    other.mobile = "13800005678"
    other.save()
    assert contacts.may_contact(other, "call", NOON).allowed, "the number is barred, not the person"
    assert contacts.lift_number(customer, actor=cast.collections_supervisor, at=NOON) == 1
    assert contacts.may_contact(customer, "call", NOON).allowed


def agreed(customer: Any, cast: Cast, **changes: Any) -> Any:
    values: dict[str, Any] = {
        "kind": "agreed", "opens": time(22), "closes": time(23), "since": NOON.date(), "source": "recording",
        "evidence": "Call of 2 March, 12:04", "actor": cast.collector, "at": NOON,
    }  # fmt: skip
    return contact_windows.agree(customer, **(values | changes))


def test_agreed_hours_hold_while_they_stand(cast: Cast, make_customer: Callable[..., Any]) -> None:
    customer, late = make_customer(), NOON + timedelta(hours=10, minutes=30)
    assert not contacts.may_contact(customer, "call", late).allowed
    window = agreed(customer, cast, until=NOON.date())
    assert contacts.may_contact(customer, "call", late).allowed
    assert not contacts.may_contact(customer, "call", late + timedelta(days=1)).allowed
    contact_windows.end(window, actor=cast.collector, at=NOON)
    assert not contacts.may_contact(customer, "call", late).allowed
    assert contact_windows.standing(customer) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"evidence": "  "}, "evidence"),
        ({"evidence": "x" * 201}, "evidence"),
        ({"closes": time(22)}, "closes"),
        ({"kind": "other"}, "kind"),
        ({"source": "hearsay"}, "source"),
        ({"until": date(2026, 3, 1)}, "until"),
    ],
)
def test_an_agreement_without_evidence_or_sense_is_refused(
    cast: Cast, make_customer: Callable[..., Any], changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        agreed(make_customer(), cast, **changes)
    assert set(refused.value.fields) == {field}
    assert refused.value.code == ("no_evidence" if changes.get("evidence") == "  " else "invalid")


def test_an_unknown_channel_is_a_mistake_of_the_caller(cast: Cast, make_customer: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="no channel"):
        contact_gate.reserve(make_customer(), channel="pigeon", key="x", at=NOON, actor=cast.collector)


# --- whose number is barred -------------------------------------------------------------------------------------------------
def test_a_wrong_number_at_a_guarantor_with_a_file_bars_theirs_and_leaves_the_debtors(
    cast: Cast, make_customer: Callable[..., Any]
) -> None:
    debtor, other = make_customer(mobile="13800001111"), make_customer(mobile="13800002222")
    beside = guarantor(debtor, cast, other=other, name="", mobile="")
    found = contacts.bar_number(debtor, actor=cast.collector, at=NOON, relation=beside)
    assert found is not None
    assert (found.number_key, found.customer) == (other.mobile_key, other)
    assert contacts.may_contact(debtor, "call", NOON).allowed
    assert contacts.may_contact(other, "call", NOON).rule == "contact.stop"


def test_the_number_that_was_dialled_is_kept_with_the_call(cast: Cast, make_customer: Callable[..., Any]) -> None:
    debtor, other = make_customer(mobile="13800001111"), make_customer(mobile="13800002222")
    outside, filed = guarantor(debtor, cast), guarantor(debtor, cast, other=other, name="", mobile="")
    Relation.objects.filter(pk__in=[outside.pk, filed.pk]).update(may_contact=True)
    rows = [Relation.objects.get(pk=row.pk) for row in (outside, filed)]
    kept = [call(debtor, cast.collector, n, relation=row).number_key for n, row in enumerate([None, *rows])]
    assert kept == [debtor.mobile_key, outside.mobile_key, other.mobile_key]
    assert call(debtor, cast.collector, 8, number_key="traced").number_key == "traced"
    letter = contact_gate.reserve(debtor, channel="letter", key="letter", at=NOON, actor=cast.collector)
    assert letter.number_key == ""


# --- what nobody told -------------------------------------------------------------------------------------------------------
def test_a_call_nobody_told_of_counts_as_answered_until_its_day_is_over(cast: Cast, make_customer: Callable[..., Any]) -> None:
    customer = make_customer()
    talked(customer, cast.collector, 0)
    talked(customer, cast.collector, 1)
    third = call(customer, cast.collector, 2)
    later = NOON + timedelta(hours=3)
    assert third.open_until is not None and third.open_until < later
    refused = contacts.may_contact(customer, "call", later)
    assert (refused.rule, refused.opens_at) == ("contact.connected_calls_per_day", (NOON + timedelta(days=1)).replace(hour=0))
    assert contacts.judged(customer, "call", later).answer.allowed is False
    assert contacts.may_contact(customer, "call", NOON + timedelta(days=1)).allowed
    contact_gate.settle(third, connected=False)
    assert contacts.may_contact(customer, "call", later).allowed, "told at last: nobody answered"


def regulation_f(cast: Cast) -> None:
    rules.put(
        f"contact.pack.{cast.entity.code}", value="us_reg_f", unit=rules.TEXT, meaning_en="x", meaning_zh="x", citation="", verification="policy",
        effective_from=date(2020, 1, 1),
    )  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_of_two_calls_at_once_the_second_waits_for_the_quiet_days(cast: Cast, make_customer: Callable[..., Any]) -> None:
    """12 CFR 1006.14(b)(2)(i)(B): both may be talks; the second would fall into the seven days after the first."""
    regulation_f(cast)
    customer = make_customer()
    callers = [cast.collector, cast.second_collector]
    found = together(
        *[
            lambda n=n, actor=actor: contact_gate.reserve(customer, channel="call", key=f"quiet-{n}", at=NOON, actor=actor, under_way=True)
            for n, actor in enumerate(callers)
        ]
    )
    rang, refused = sorted(found, key=lambda one: isinstance(one, NotNow))
    assert isinstance(rang, ContactAttempt)
    assert refused.extra["rule"] == "contact.quiet_days"
    contact_gate.settle(rang, connected=False)
    assert contacts.may_contact(customer, "call", NOON + MINUTE).allowed
    contact_gate.answered(rang)
    assert contacts.may_contact(customer, "call", NOON + timedelta(days=6)).rule == "contact.quiet_days"
    assert contacts.may_contact(customer, "call", NOON + timedelta(days=7)).allowed


def test_an_automatic_call_counts_what_was_let_through_since_its_batch_began(cast: Cast, make_customer: Callable[..., Any]) -> None:
    """A batch reads its clock before it holds its customers: the third call a collector was let through for in between is no past one."""
    customer = make_customer()
    for number in range(3):
        talked(customer, cast.collector, number)
    messages_seeds.words(ROBOT, "ivr", body_en="Call us", body_zh="请回电")
    message = messages.send(
        customer=customer, template=ROBOT, channel="ivr", purpose="collection", key="robot", values={}, actor=cast.collector,
        at=NOON - MINUTE / 2,
    )  # fmt: skip
    assert outbox.claim("ivr", at=NOON + 1.9 * MINUTE, limit=5, count=outbox.Count()) == []
    message.refresh_from_db()
    assert (message.status, message.problem) == ("waiting", "contact.connected_calls_per_day")
    assert ContactAttempt.objects.filter(channel="call").count() == 3


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("zone", "server"),
    [("America/New_York", "Asia/Shanghai"), ("Pacific/Auckland", "Asia/Shanghai"), ("Asia/Urumqi", "UTC"), ("", "America/New_York")],
)
def test_the_natural_day_is_that_of_the_persons_own_clock(cast: Cast, make_customer: Callable[..., Any], zone: str, server: str) -> None:
    """Three talks in the last half hour of an evening close the day; the next morning at eight is open, wherever lender and server are."""
    customer, clock = make_customer(), ZoneInfo(zone or "Asia/Shanghai")
    customer.zone = zone
    customer.save(update_fields=["zone"])
    evening, morning = datetime(2026, 4, 14, 21, 59, 59, tzinfo=clock), datetime(2026, 4, 15, 8, tzinfo=clock)
    with override_zone(server):
        for number in range(3):
            at = evening - (30 - number) * MINUTE
            made = contact_gate.reserve(customer, channel="call", key=f"c{number}", at=at, actor=cast.collector, under_way=True)
            contact_gate.settle(made, connected=True)
        refused = contacts.may_contact(customer, "call", evening)
        assert (refused.rule, refused.opens_at) == ("contact.connected_calls_per_day", morning)
        assert contacts.may_contact(customer, "call", morning).allowed
        assert contacts.may_contact(customer, "call", morning - timedelta(microseconds=1)).rule == "contact.hours"
        assert contacts.may_contact(customer, "call", morning + timedelta(hours=14)).rule == "contact.hours"
