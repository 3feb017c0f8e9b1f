"""A whole portfolio at once says of each what is said of one alone."""

import json
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from risk import behaviour, portfolio
from risk.models import BehaviourScore, RiskAlert, ScorecardVersion
from tests.credit.conftest import Desk
from tests.credit.conftest import desk as desk  # noqa: PLC0414  the fixture
from tests.fixtures.cast import NOON, Cast
from tests.risk.behaviours import live_behaviour
from tests.risk.support import live_scorecard

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(days=40)


@pytest.fixture
def version(cast: Cast) -> ScorecardVersion:
    live_behaviour(cast.system)
    return ScorecardVersion.objects.select_related("scorecard").get(scorecard__code="behaviour")


def test_bulk_equals_one_by_one(version: ScorecardVersion, desk: Desk, cast: Cast, make_customer: Any) -> None:
    loans = [desk.loan() for _ in range(3)]
    make_customer()
    desk.pay(loans[0], "500.00")
    done = portfolio.score(version, as_of=LATER, at=LATER, actor=cast.system)
    bulk = {row.customer_id: (row.score, row.pd, row.features["outstanding"]) for row in BehaviourScore.objects.all()}
    assert done.rows == 3 and set(bulk) == {loan.customer_id for loan in loans}
    after = LATER + timedelta(seconds=1)
    for loan in loans:
        one = behaviour.after_fact(loan.customer_id, since=after, at=after, actor=cast.system)
        assert one is not None and bulk[loan.customer_id] == (one.score, one.pd, one.features["outstanding"])


def test_twice_is_once_and_more_rows_cost_no_more_statements(version: ScorecardVersion, desk: Desk, cast: Cast) -> None:
    desk.loan()

    def cost(days: int) -> int:
        with CaptureQueriesContext(connection) as caught:
            portfolio.score(version, as_of=LATER + timedelta(days), at=LATER + timedelta(days), actor=cast.system)
        return len(caught)

    first = cost(0)
    portfolio.score(version, as_of=LATER, at=LATER, actor=cast.system)
    assert BehaviourScore.objects.count() == 1
    for _ in range(3):
        desk.loan()
    assert cost(1) <= first and BehaviourScore.objects.count() == 5


def test_warnings_follow(version: ScorecardVersion, desk: Desk, cast: Cast) -> None:
    """Nobody paid for forty days: with the card of the tests the probability is above the bound for those of no month-end on file."""
    desk.loan()
    portfolio.score(version, as_of=LATER, at=LATER, actor=cast.system)
    score = BehaviourScore.objects.get()
    assert RiskAlert.objects.exists() is (score.pd >= D("0.30"))


def test_the_command_tells_and_refuses(version: ScorecardVersion, desk: Desk, cast: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    desk.loan_now()
    call_command("score_portfolio")
    told = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert told["rows"] == 1 and told["model"].endswith("v1")
    with pytest.raises(CommandError, match="no such model"):
        call_command("score_portfolio", model="M-22222222X")
    live_scorecard(cast.system)
    retail = ScorecardVersion.objects.get(scorecard__code="retail").scorecard.public_id
    with pytest.raises(CommandError, match="checking_status"):
        call_command("score_portfolio", model=retail)
