"""The demonstration's collection work goes through the doors and leaves every kind of promise behind."""

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal as D
from random import Random

from collection import cases, checks, promises
from collection.judgement import Part
from collection.models import Case, Contact, Promise, RightPartyCheck
from crm.demo import desk_collections
from crm.demo.play import House
from tests.collection.conftest import LATE, Floor


def test_a_month_of_calls_brings_promises_in_every_state(floor: Floor) -> None:
    cast = floor.cast
    for amount in range(7):
        floor.desk.loan(amount=D(5_000 + 1_500 * amount))
    floor.close(LATE)
    staff = {
        "collector": cast.collector, "collector2": cast.second_collector, "supervisor": cast.collections_supervisor,
        "operations": cast.loan_operations, "officer": cast.loan_officer,
    }  # fmt: skip
    cast.entity.refresh_from_db()
    last = date(2026, 5, 1)  # a Friday
    house = House(cast.entity, floor.desk.product, staff, {}, Random(4), last, lambda text: None)
    day = LATE + timedelta(days=1)
    while day <= last:
        desk_collections.keep_promises(house, day)
        floor.deliver()
        desk_collections.work(house, day)
        if day < last:
            floor.close(day)
        day += timedelta(days=1)
    # The draw of a month may leave few promises running: some call in that afternoon and promise, so that the last day has what to end.
    at = house.at(last, 15, 0)
    free = (
        Case.objects.open().filter(claimed_by__isnull=True, overdue_amount__gt=20).exclude(pk__in=Promise.objects.running().values("case"))
    )
    for case in free.select_related("customer").order_by("pk")[:6]:
        who = {"actor": cast.collector, "at": at}
        cases.claim(case, **who)
        checks.confirm(case, answers={"id_last4": case.customer.id_number[-4:], "birth_year": str(case.customer.born_on.year)}, **who)
        promises.take(case, parts=[Part(last + timedelta(days=5), D("20.00"))], channel="inbound", **who)
        cases.release(case, **who)
        at += timedelta(minutes=9)
    desk_collections.last_day(house)
    floor.deliver()
    beside = Contact.objects.get(relation__isnull=False)
    assert (beside.channel, beside.outcome, beside.attempt, beside.relation.kind) == ("inbound", "obligor_pays", None, "guarantor")
    states = Counter(Promise.objects.values_list("status", flat=True))
    assert {"kept", "broken", "open"} <= set(states), states
    assert {"replaced", "cancelled"} & set(states), states
    assert Contact.objects.count() > 20
    assert RightPartyCheck.objects.filter(result="passed").count() >= Promise.objects.count()
    assert Case.objects.open().filter(assigned_to__isnull=False).exists()
