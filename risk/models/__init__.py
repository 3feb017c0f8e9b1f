"""What judges and what was judged: versions of strategies and scorecards, and decisions that nobody can change."""

# Each noun keeps its own lines here.
from risk.models.backtests import Backtest, BacktestArm, BacktestChunk, BacktestQuerySet
from risk.models.behaviour import BehaviourScore, LimitProposal, ProposalQuerySet
from risk.models.bureau import BureauCircuit, BureauQuery, BureauQueryQuerySet, BureauReport
from risk.models.data_sets import DataSet, DataSetQuerySet, Training, TrainingQuerySet
from risk.models.decisions import Decision, DecisionQuerySet
from risk.models.features import FeatureStat
from risk.models.lists import ListEntry, ListEntryQuerySet
from risk.models.monitoring import AlertQuerySet, MonitorRun, RiskAlert
from risk.models.proofs import ModelProof, ModelProofQuerySet
from risk.models.scorecards import ModelAct, ModelKind, ModelStatus, Scorecard, ScorecardVersion
from risk.models.strategies import Strategy, StrategyCase, StrategyNote, StrategyStatus, StrategyVersion, StrategyVersionQuerySet
from risk.models.trials import ShadowDecision, Trial, TrialQuerySet
from risk.models.versions import MOVES, STATUS_KNOWN, TONES, VersionStatus

__all__ = [
    "MOVES",
    "STATUS_KNOWN",
    "TONES",
    "AlertQuerySet",
    "Backtest",
    "BacktestArm",
    "BacktestChunk",
    "BacktestQuerySet",
    "BehaviourScore",
    "BureauCircuit",
    "BureauQuery",
    "BureauQueryQuerySet",
    "BureauReport",
    "DataSet",
    "DataSetQuerySet",
    "Decision",
    "DecisionQuerySet",
    "FeatureStat",
    "LimitProposal",
    "ListEntry",
    "ListEntryQuerySet",
    "ModelAct",
    "ModelKind",
    "ModelProof",
    "ModelProofQuerySet",
    "ModelStatus",
    "MonitorRun",
    "ProposalQuerySet",
    "RiskAlert",
    "Scorecard",
    "ScorecardVersion",
    "ShadowDecision",
    "Strategy",
    "StrategyCase",
    "StrategyNote",
    "StrategyStatus",
    "StrategyVersion",
    "StrategyVersionQuerySet",
    "Training",
    "TrainingQuerySet",
    "Trial",
    "TrialQuerySet",
    "VersionStatus",
]
