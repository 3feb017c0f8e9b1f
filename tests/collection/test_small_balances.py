"""A remainder too small to call about: out of the queue of calls, reminded by messages, never given up."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.urls import reverse

from collection import cases, contacts, debts, places, queues, small_balances, treatment_runs
from collection.models import Case, CaseDebt, Place, TreatmentStep
from credit.models import Loan
from governance import rules
from governance.models import Rule
from tests.collection.conftest import AFTER, Floor
from tests.fixtures.cast import Cast

ON = date(2026, 4, 11)


@pytest.fixture
def case(floor: Floor) -> Case:
    found: Case = floor.case()
    return found


def left(case: Case, amount: str) -> Case:
    """Let so much of the case be overdue, and its place be read anew."""
    Case.objects.filter(pk=case.pk).update(overdue_amount=D(amount), claimed_by=None, claimed_until=None, claimed_at=None)
    CaseDebt.objects.filter(case=case).update(overdue_amount=D(amount))
    places.refresh([case.pk], on=ON, at=AFTER)
    case.refresh_from_db()
    return case


def ruled(value: dict[str, str]) -> None:
    Rule.objects.filter(code=small_balances.RULE).update(value=value)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("rule", "amount", "small"),
    [
        ({"": "1.00"}, "0.20", True),
        ({"": "1.00"}, "1.00", True),  # up to it
        ({"": "1.00"}, "1.01", False),
        ({"": "0.00"}, "0.01", False),  # no rule of this kind
        ({"": "1.00", "PRODUCT": "5.00"}, "4.00", True),  # the product's amount comes first
        ({"": "1.00", "PRODUCT": "0.10"}, "0.20", False),
        ({"": "1.00", "LENDER": "3.00"}, "2.50", True),
        ({"": "1.00", "LENDER": "3.00", "PRODUCT": "0.00"}, "0.50", False),
        ({"": "1.00", "somebody-else": "9.00"}, "2.00", False),
    ],
)
def test_how_small_is_said_by_product_then_lender_then_for_all(case: Case, rule: dict[str, str], amount: str, small: bool) -> None:
    loan = case.debts.select_related("loan__product", "loan__legal_entity").get().loan
    names = {"PRODUCT": loan.product.code, "LENDER": loan.legal_entity.code}
    ruled({names.get(key, key): value for key, value in rule.items()})
    assert small_balances.is_small(left(case, amount)) is small


@pytest.mark.django_db
def test_a_case_with_two_late_loans_takes_the_smaller_limit(case: Case, floor: Floor) -> None:
    other = floor.desk.loan(at=datetime(2026, 4, 11, 2, tzinfo=UTC))
    product = case.debts.get().loan.product
    Loan.objects.filter(pk=other.pk).update(product=product.__class__.objects.exclude(pk=product.pk).first() or product)
    ruled({"": "0.30", product.code: "9.00"})
    CaseDebt.objects.create(case=case, loan=other, overdue_amount=D("0.40"), dpd=1, bucket=1)
    assert small_balances.is_small(left(case, "0.40")) is (Loan.objects.get(pk=other.pk).product_id == product.pk)


@pytest.mark.django_db
def test_it_leaves_the_queue_and_comes_back_with_the_next_instalment(case: Case, cast: Cast) -> None:
    user = cast.collector
    assert queues.take_next(user, at=AFTER) == case
    left(case, "0.50")
    assert case.place == Place.SMALL and queues.take_next(user, at=AFTER) is None
    assert not queues.waiting(user, at=AFTER).exists()
    left(case, "1100.50")
    assert case.place != Place.SMALL and queues.take_next(user, at=AFTER) == case


@pytest.mark.django_db
def test_nobody_is_called_and_the_debt_stands(case: Case, cast: Cast, page_of: Any) -> None:
    left(case, "0.50")
    cases.claim(case, actor=cast.collector, at=AFTER)
    with pytest.raises(small_balances.SmallBalance, match=r"0\.50"):
        contacts.begin_call(case, actor=cast.collector, at=AFTER, key="k")
    case.refresh_from_db()
    assert case.is_open and debts.overdue([case.customer_id])  # nothing is written off
    shown = page_of(cast.collector).get(reverse("case", args=[case.public_id])).content.decode()
    assert "nobody is called for so little" in shown


@pytest.mark.django_db
def test_its_path_has_messages_only(case: Case) -> None:
    left(case, "0.50")
    treatment_runs.work([case.pk], at=AFTER)
    for day in range(1, 60):
        treatment_runs.work([case.pk], at=AFTER + timedelta(days=day))
    acts = set(TreatmentStep.objects.exclude(status__in=("skipped", "exited")).values_list("action", flat=True))
    assert acts and acts <= {"sms", "email", "app"}


@pytest.mark.django_db
def test_the_rule_has_a_beginning_and_says_that_it_is_our_own(floor: Floor) -> None:
    row = Rule.objects.get(code=small_balances.RULE)
    assert row.verification == Rule.Verification.POLICY and rules.value(small_balances.RULE, on=ON) == {"": "1.00"}
