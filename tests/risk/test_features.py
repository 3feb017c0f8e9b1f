"""Features: one customer and all customers say the same, what comes later changes no past answer, in few statements."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal as D
from random import Random
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.lib import features
from risk import facts, feature_values
from tests.credit.conftest import Desk
from tests.fixtures.cast import NOON, Cast

KINDS = {"money": D, "decimal": D, "integer": int, "category": str, "boolean": bool}


@pytest.fixture
def desk(cast: Cast, make_customer: Callable[..., Any]) -> Desk:
    return Desk(cast, make_customer)


def house(desk: Desk) -> list[Any]:
    """Return customers with all kinds of pasts: nothing, a refusal, a loan that pays, one that is late, one with a promise."""
    from customers import consents, relations
    from customers.models import Purpose, Relation

    cast = desk.cast
    blank = desk.make_customer()
    declined = desk.concluded("decline", verdict={"reasons": ["credit.affordability"]}).customer
    good, late = desk.loan(), desk.loan()
    consents.give(good.customer, purpose=Purpose.MARKETING, actor=cast.loan_officer, at=NOON)
    consents.withdraw(good.customer, purpose=Purpose.MARKETING, actor=cast.loan_officer, at=NOON + timedelta(days=20))
    relations.add(
        good.customer, kind=Relation.Kind.EMPLOYER, source=Relation.Source.STAFF, other=late.customer, actor=cast.loan_officer, at=NOON
    )
    first = good.installments.get(seq=1)
    desk.close_to(first.due_on - timedelta(days=1))
    paid = desk.pay(good, first.payment, on=first.due_on)
    desk.close_to(first.due_on + timedelta(days=45))
    assert paid
    return [blank, declined, good.customer, late.customer]


def test_each_declaration_is_whole_and_its_statement_has_its_columns(db: None) -> None:
    assert features.TYPES == facts.TYPES
    for source in features.SOURCES.values():
        with connection.cursor() as cursor:
            cursor.execute(feature_values.statement(source), {"customers": [], "moments": []})
            assert cursor.description is not None and len(cursor.description) == 1 + len(source.features), source.name
    assert len(features.names()) == len(set(features.names())) >= 40
    assert all(str(feature.meaning) and str(source.lineage) for feature, source in features.every())


def test_online_and_bulk_say_the_same_of_random_customers_at_random_moments(desk: Desk) -> None:
    people = house(desk)
    rng = Random(6)
    for _ in range(6):
        as_of = NOON + timedelta(days=rng.randint(-1, 90), minutes=rng.randint(0, 1_400))
        everybody = dict(feature_values.bulk(as_of=as_of))
        chosen = dict(feature_values.bulk(as_of=as_of, customer_ids=[person.pk for person in people]))
        for person in people:
            alone = feature_values.online(person.pk, as_of=as_of)
            assert alone == chosen[person.pk]
            assert alone == everybody.get(person.pk, alone)
            for name, value in alone.items():
                declared = features.find(name)
                assert declared is not None
                assert value is None or type(value) is KINDS[declared[0].type], name


def test_what_is_known_of_four_pasts(desk: Desk) -> None:
    blank, declined, good, late = house(desk)
    as_of = NOON + timedelta(days=75)
    said = {person.pk: feature_values.online(person.pk, as_of=as_of) for person in (blank, declined, good, late)}
    assert said[blank.pk]["loans_ever"] == 0
    assert said[blank.pk]["days_late"] is None
    assert said[blank.pk]["home_branch"] == "EAST"
    assert (said[declined.pk]["applications_90d"], said[declined.pk]["declined_365d"], said[declined.pk]["approved_365d"]) == (1, 1, 0)
    assert said[declined.pk]["applications_handed_in_30d"] == 0
    assert (said[good.pk]["repayments_90d"], said[good.pk]["on_time_share_12m"]) == (1, D("1.000000"))
    assert said[good.pk]["consents_withdrawn_12m"] == 1
    assert said[good.pk]["same_employer"] == said[late.pk]["same_employer"] == 1
    assert said[good.pk]["outstanding"] < said[late.pk]["outstanding"] == said[late.pk]["largest_loan"]
    assert said[late.pk]["days_late"] > 30
    assert said[late.pk]["days_late_worst_3m"] >= said[late.pk]["days_late"]
    assert said[late.pk]["on_time_share_12m"] is None


def test_what_comes_later_changes_no_past_answer(desk: Desk) -> None:
    from credit import reversals
    from credit.models import Transaction
    from customers import handover

    people = house(desk)
    moments = [NOON + timedelta(hours=1), NOON + timedelta(days=25), NOON + timedelta(days=70)]
    before = {(person.pk, moment): feature_values.online(person.pk, as_of=moment) for person in people for moment in moments}
    good, late = people[2], people[3]
    loan = late.loans.get()
    for seq in (1, 2):
        desk.pay(loan, loan.installments.get(seq=seq).owed, on=(NOON + timedelta(days=77)).date())
    moved = Transaction.objects.get(loan__customer=good, kind="repayment")
    reversals.reverse(moved, reason="mistake", actor=desk.cast.loan_operations, at=NOON + timedelta(days=78), key="back")
    desk.draft(customer=late, at=NOON + timedelta(days=79))
    handover.give(people[0], taker=desk.cast.outsider, branch=desk.cast.west, actor=desk.cast.risk_manager, at=NOON + timedelta(days=79))
    desk.close_to((NOON + timedelta(days=100)).date())
    for (person, moment), said in before.items():
        assert feature_values.online(person, as_of=moment) == said
    now = NOON + timedelta(days=101)
    assert feature_values.online(good.pk, as_of=now)["taken_back_365d"] == 1
    assert feature_values.online(people[0].pk, as_of=now)["home_branch"] == "WEST"


def test_a_training_set_has_each_row_as_of_its_own_moment(desk: Desk) -> None:
    people = house(desk)
    rows = [(person.pk, moment) for moment in (NOON + timedelta(days=10), NOON + timedelta(days=76)) for person in reversed(people)]
    assert list(feature_values.training_set(rows)) == [feature_values.online(pk, as_of=moment) for pk, moment in rows]


def test_the_whole_set_takes_one_statement_a_source_and_names_take_fewer(desk: Desk) -> None:
    person, at = desk.make_customer(), NOON
    with CaptureQueriesContext(connection) as found:
        said = feature_values.online(person.pk, as_of=at)
    assert len(found) == len(list(features.SOURCES)) <= 12
    assert set(said) == set(features.names())
    with CaptureQueriesContext(connection) as found:
        assert set(feature_values.online(person.pk, as_of=at, names=["loans_ever", "days_late", "nobody_declared_this"])) == {
            "loans_ever", "days_late",
        }  # fmt: skip
    assert len(found) == 1
    customers = [desk.make_customer().pk for _ in range(12)]
    with CaptureQueriesContext(connection) as many:
        assert len(list(feature_values.bulk(as_of=at, customer_ids=customers))) == 12
    assert len(many) == len(list(features.SOURCES))


def test_before_the_file_and_after_erasure_nothing_is_known(desk: Desk) -> None:
    person = desk.make_customer()
    early: datetime = person.created_at - timedelta(days=1)
    assert set(feature_values.online(person.pk, as_of=early).values()) == {None}
    assert person.pk not in dict(feature_values.bulk(as_of=early))
    person.erased_at = NOON
    person.save(update_fields=["erased_at"])
    assert set(feature_values.online(person.pk, as_of=NOON).values()) == {None}


def test_a_feature_has_one_home_and_a_fitting_declaration() -> None:
    known = next(iter(features.SOURCES.values()))
    with pytest.raises(ValueError, match="twice"):
        features.register(features.Source("tests.other", "", "", "SELECT 1", known.features[:1]))
    with pytest.raises(ValueError, match="percent"):
        features.Source("tests.percent", "", "", "SELECT 1 LIKE '%'", ())
    with pytest.raises(ValueError, match="not declared"):
        features.Source("tests.type", "", "", "SELECT 1", (features.Feature("one", "", "float"),))
