"""What judges and what was judged: versions of strategies and scorecards, and decisions that nobody can change."""

# Each noun keeps its own lines here.
from risk.models.decisions import Decision, DecisionQuerySet
from risk.models.scorecards import Scorecard, ScorecardVersion
from risk.models.strategies import Strategy, StrategyVersion
from risk.models.versions import MOVES, STATUS_KNOWN, TONES, VersionStatus

__all__ = [
    "MOVES",
    "STATUS_KNOWN",
    "TONES",
    "Decision",
    "DecisionQuerySet",
    "Scorecard",
    "ScorecardVersion",
    "Strategy",
    "StrategyVersion",
    "VersionStatus",
]
