"""A small behaviour card made by hand, so that each probability can be worked out; and what hangs on a customer."""

from decimal import Decimal as D
from typing import Any

from risk import registry, scorecards
from risk.models import BehaviourScore, LimitProposal, ScorecardVersion
from tests.fixtures.cast import NOON

SCALE = scorecards.Scale()
INTERCEPT = -1.0
# days late now: 0 → WOE 2, 1 to 29 → 0, from 30 on → -2; months here: under 6 → -1, from 6 on → 1
BINS = {"days_late": ((None, 1, 2.0), (1, 30, 0.0), (30, None, -2.0)), "months_on_book": ((None, 6, -1.0), (6, None, 1.0))}


def content() -> dict[str, Any]:
    def cell(woe: float) -> dict[str, Any]:
        value = scorecards.points(SCALE, intercept=INTERCEPT, coefficient=-1.0, woe=woe, features=len(BINS))
        return {"woe": woe, "points": value, "count": 10, "bad": 1}

    features = [
        {
            "name": name, "kind": "numeric", "coefficient": -1.0, "mean_points": cell(1.0)["points"], "reason": f"behaviour_{name}", "iv": 1.0,
            "bins": [{"low": low, "high": high} | cell(woe) for low, high, woe in bins], "missing": cell(0.0), "special": {"values": []} | cell(0.0),
            "unseen": cell(0.0),
        }
        for name, bins in BINS.items()
    ]  # fmt: skip
    texts = {
        "en": "Lateness.",
        "zh": "逾期。",
        "customer_en": "Lateness.",
        "customer_zh": "逾期。",
        "label_en": "Lateness",
        "label_zh": "逾期",
    }
    scale = {"base_score": SCALE.base_score, "base_odds": SCALE.base_odds, "pdo": SCALE.pdo}
    reasons = {f"behaviour_{name}": texts for name in BINS}
    return {
        "v": 1,
        "code": "behaviour",
        "scale": scale,
        "intercept": INTERCEPT,
        "reference": "mean",
        "features": features,
        "reasons": reasons,
    }


def live_behaviour(actor: Any) -> ScorecardVersion:
    """Register the card and make it live."""
    version = registry.add_scorecard_version(
        code="behaviour", name_en="Behaviour score", name_zh="行为评分", content=content(), data_sha256="0" * 64, actor=actor, at=NOON,
        metrics={"proof": {"rows": 1, "max_abs_diff": 0.0}},
    )  # fmt: skip
    registry.make_live(version, actor=actor, at=NOON)
    return version


def score_of(customer: Any, version: ScorecardVersion, **changes: Any) -> BehaviourScore:
    values = {"score": 500, "pd": D("0.400000"), "reasons": ["behaviour_days_late"], "features": {"months_on_book": 12}, "as_of": NOON}
    return BehaviourScore.objects.create(customer=customer, scorecard_version=version, cause="fact", made_at=NOON, **values | changes)


def limit_proposal(actor: Any, customer: Any) -> LimitProposal:
    """Return an open proposal to lower a line of `customer`."""
    score = score_of(customer, live_behaviour(actor))
    return LimitProposal.objects.create(
        customer=customer,
        line="credit.loan:L-X",
        score=score,
        direction="down",
        limit_now=D("20000"),
        limit_proposed=D("10000"),
        made_at=NOON,
    )
