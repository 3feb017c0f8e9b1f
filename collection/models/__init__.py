from collection.models.absences import Absence, AbsencePiece, Reassignment
from collection.models.assignment import AssignmentMark, AssignmentPlan, AssignmentRule, AssignmentRun
from collection.models.case import ACTIVE, Case, CaseDebt, CaseQuerySet, Channel, Outcome, Place, Skip
from collection.models.checks import RightPartyCheck
from collection.models.contacts import CasePause, Contact
from collection.models.matters import Complaint, Dispute, Matter, MatterQuerySet
from collection.models.policies import PolicyDraft, PolicyReplay
from collection.models.promises import RUNNING, Promise, PromisePart, PromiseQuerySet
from collection.models.recordings import Recording
from collection.models.relief import BudgetLine, CareFlag, Hardship, HardshipPaper, ReliefPlan
from collection.models.scores import CaseScore, QueueBacktest
from collection.models.settlements import Settlement, SettlementPart
from collection.models.treatments import ARMS, TreatmentEntry, TreatmentExperiment, TreatmentStep
from collection.models.workers import Collector

__all__ = [
    "ACTIVE",
    "ARMS",
    "RUNNING",
    "Absence",
    "AbsencePiece",
    "AssignmentMark",
    "AssignmentPlan",
    "AssignmentRule",
    "AssignmentRun",
    "BudgetLine",
    "CareFlag",
    "Case",
    "CaseDebt",
    "CasePause",
    "CaseQuerySet",
    "CaseScore",
    "Channel",
    "Collector",
    "Complaint",
    "Contact",
    "Dispute",
    "Hardship",
    "HardshipPaper",
    "Matter",
    "MatterQuerySet",
    "Outcome",
    "Place",
    "PolicyDraft",
    "PolicyReplay",
    "Promise",
    "PromisePart",
    "PromiseQuerySet",
    "QueueBacktest",
    "Reassignment",
    "Recording",
    "ReliefPlan",
    "RightPartyCheck",
    "Settlement",
    "SettlementPart",
    "Skip",
    "TreatmentEntry",
    "TreatmentExperiment",
    "TreatmentStep",
]
