"""The rule of classification and the ranges of days late: previewed, proposed, confirmed by another person; a loan's way through its ranges."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse

from tests.credit.conftest import Desk
from tests.fixtures.cast import NOON, TODAY

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
NAMED = [["EARLY", 1, 5], ["LATER", 6, None]]


@pytest.fixture
def late(desk: Desk) -> Any:
    """Return a loan forty days late."""
    loan = desk.loan()
    desk.close_to(loan.installments.get(seq=1).due_on + timedelta(days=40))
    loan.refresh_from_db()
    desk.cast.entity.refresh_from_db()
    return loan


def rule(desk: Desk, **changed: int) -> dict[str, int]:
    from credit import class_rules

    return class_rules.standing(desk.cast.entity.business_date) | changed


def test_the_preview_says_what_the_next_close_then_does(desk: Desk, late: Any) -> None:
    from credit import class_rules
    from governance import changes
    from governance.models import Rule

    desk.loan()  # nobody is late with it: it stays
    assert late.risk_class == 2
    values = rule(desk, substandard=30)
    found = class_rules.preview(desk.cast.entity, values)
    assert [(str(each["was"]), str(each["now"]), each["loans"], each["worse"]) for each in found["moves"]] == [
        ("Special mention", "Substandard", 1, True)
    ]
    assert class_rules.preview(desk.cast.entity, rule(desk))["moves"] == []
    since = desk.cast.entity.business_date
    change = class_rules.propose(values, since=since, reason="stricter", actor=desk.cast.risk_manager, at=NOON)
    with pytest.raises(changes.NotAllowed):
        changes.confirm(change, actor=desk.cast.risk_manager, at=NOON)
    desk.close_to(since - DAY)
    late.refresh_from_db()
    assert late.risk_class == 2  # nothing changes until another person agrees
    changes.confirm(change, actor=desk.cast.compliance, at=NOON)
    rows = list(Rule.objects.filter(code="credit.class.substandard_above").order_by("effective_from"))
    assert [(row.value, row.effective_to) for row in rows] == [(90, since), (30, None)]
    desk.close_to(since)
    late.refresh_from_db()
    assert (late.risk_class, late.stage) == (3, 3)


def test_a_rule_laxer_than_the_law_or_of_a_closed_day_is_refused(desk: Desk, late: Any) -> None:
    from credit import class_rules
    from crm.lib.errors import Invalid

    since = desk.cast.entity.business_date
    told: dict[str, Any] = {"reason": "x", "actor": desk.cast.risk_manager, "at": NOON}
    for changed, day, field in (
        ({"substandard": 91}, since, "substandard"),
        ({"upgrade_months": 5}, since, "upgrade_months"),
        ({"doubtful": 80}, since, "doubtful"),
        ({"restructured_floor": 6}, since, "restructured_floor"),
        ({"substandard": 60}, since - DAY, "since"),
    ):
        with pytest.raises(Invalid) as refusal:
            class_rules.propose(rule(desk, **changed), since=day, **told)
        assert field in refusal.value.fields, field
    with pytest.raises(Invalid):
        class_rules.propose(rule(desk), since=since, **told)


def test_the_page_of_the_rule_previews_and_proposes(desk: Desk, late: Any, client: Any) -> None:
    from governance.models import ChangeRequest

    client.force_login(desk.cast.risk_manager)
    url, values = reverse("class-rule-new"), rule(desk, substandard=30)
    seen = client.get(url, values, headers={"HX-Request": "true", "HX-Target": "preview"}).content.decode()
    assert "Substandard" in seen and "<form" not in seen
    answer = client.post(url, values | {"since": desk.cast.entity.business_date, "reason": "stricter", "form_key": "k"})
    assert answer.status_code == 303
    assert ChangeRequest.objects.get(kind="credit.class_rule").after["values"]["substandard"] == 30
    assert ChangeRequest.objects.get().public_id in client.get(reverse("class-rule")).content.decode()
    assert client.post(url, rule(desk, substandard=95) | {"since": TODAY, "reason": "x", "form_key": "j"}).status_code == 422


# --- ranges --------------------------------------------------------------------------------------------------------
def named(desk: Desk, rows: Any = NAMED, since: Any = None) -> Any:
    from credit import ranges
    from governance import changes

    desk.cast.entity.refresh_from_db()
    day = since or desk.cast.entity.business_date
    change = ranges.propose(
        desk.cast.entity, desk.product.code, ranges=rows, since=day, reason="work by span", actor=desk.cast.risk_manager, at=NOON
    )
    return changes.confirm(change, actor=desk.cast.compliance, at=NOON)


def test_a_loan_comes_into_ranges_and_leaves_them_and_a_pause_stands_between(desk: Desk) -> None:
    from credit import pauses, payoffs, ranges
    from credit.models import Loan, RangeMove

    loan = desk.loan()
    due = loan.installments.get(seq=1).due_on
    named(desk)
    begins = due + timedelta(days=loan.grace_days + 1)
    desk.close_to(begins + timedelta(days=2))
    loan.refresh_from_db()
    assert loan.delinquency_range == "EARLY"
    opened = begins + timedelta(days=3)
    loan = Loan.objects.select_related("legal_entity").get(pk=loan.pk)
    pauses.pause(loan, from_on=opened, until_on=opened + timedelta(days=4), reason="illness", actor=desk.cast.loan_operations, at=NOON)
    desk.close_to(opened + timedelta(days=6))
    moves = list(RangeMove.objects.filter(loan=loan).order_by("pk").values_list("business_date", "was", "now", "treatment_dpd"))
    assert moves == [(begins, "", "EARLY", 1), (opened + timedelta(days=6), "EARLY", "LATER", 6)]
    loan = Loan.objects.select_related("legal_entity").get(pk=loan.pk)
    kinds = [("pause" in each, "resumed" in each, each.get("now")) for each in ranges.history(loan)]
    assert kinds == [(False, False, "LATER"), (False, True, None), (True, False, None), (False, False, "EARLY")]
    # paid off: it is out at once
    on = opened + timedelta(days=7)
    quote = payoffs.issue(loan, settles_on=on, actor=desk.cast.loan_officer, at=datetime.combine(on, NOON.timetz()))
    desk.pay(loan, quote.total, on=on)
    loan.refresh_from_db()
    last = RangeMove.objects.filter(loan=loan).latest("pk")
    assert (loan.status, loan.delinquency_range, last.was, last.now) == ("settled", "", "LATER", "")


def test_without_names_ranges_go_by_month_and_other_names_hold_from_their_day(desk: Desk, late: Any) -> None:
    from credit.models import RangeMove

    assert late.delinquency_range == "M2"
    named(desk)
    desk.close_to(desk.cast.entity.business_date)
    late.refresh_from_db()
    assert late.delinquency_range == "LATER"
    assert RangeMove.objects.filter(loan=late).latest("pk").was == "M2"


@pytest.mark.parametrize(
    "rows",
    [
        [["A", 2, 5]], [["A", 1, 5], ["B", 7, None]], [["A", 1, 5], ["A", 6, None]], [["A", 1, None], ["B", 2, None]], [["a b", 1, 2]],
        [["A", 1, 0]], [[f"R{n}", n, n] for n in range(1, 14)],
    ],
)  # fmt: skip
def test_ranges_that_leave_a_day_out_or_repeat_a_name_are_refused(rows: Any) -> None:
    from credit import ranges

    assert ranges.problem_of(rows)
    assert not ranges.problem_of(NAMED) and not ranges.problem_of([])


def test_the_form_takes_lines_and_says_which_one_is_wrong(desk: Desk, client: Any) -> None:
    from governance.models import ChangeRequest

    client.force_login(desk.cast.risk_manager)
    url = reverse("delinquency-range-edit", args=[desk.product.code])
    told = {"since": desk.cast.entity.business_date, "reason": "work by span"}
    answer = client.post(url, told | {"ranges": "EARLY 1 5\nLATER x", "form_key": "a"})
    assert answer.status_code == 422 and "EARLY 1 5" in answer.content.decode()
    assert client.post(url, told | {"ranges": "EARLY, 1, 5\nlater 6", "form_key": "b"}).status_code == 303
    assert ChangeRequest.objects.get().after["ranges"] == NAMED
    assert "EARLY" not in client.get(reverse("delinquency-range-list")).content.decode()  # it waits
