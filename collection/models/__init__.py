from collection.models.absences import Absence, AbsencePiece, Reassignment
from collection.models.assignment import AssignmentMark, AssignmentPlan, AssignmentRule, AssignmentRun
from collection.models.calls import CallEvent, PhoneCall
from collection.models.case import ACTIVE, Case, CaseDebt, CaseQuerySet, Channel, Outcome, Place, Skip
from collection.models.checks import RightPartyCheck
from collection.models.contacts import CasePause, Contact
from collection.models.matters import Complaint, Dispute, Matter, MatterQuerySet
from collection.models.pay_links import PayLink
from collection.models.policies import PolicyDraft, PolicyReplay
from collection.models.promises import RUNNING, Promise, PromisePart, PromiseQuerySet
from collection.models.recordings import Recording
from collection.models.relief import BudgetLine, CareFlag, Hardship, HardshipPaper, ReliefPlan
from collection.models.scripts import CallScript, LineSaid
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
    "CallEvent",
    "CallScript",
    "CareFlag",
    "Case",
    "CaseDebt",
    "CasePause",
    "CaseQuerySet",
    "Channel",
    "Collector",
    "Complaint",
    "Contact",
    "Dispute",
    "Hardship",
    "HardshipPaper",
    "LineSaid",
    "Matter",
    "MatterQuerySet",
    "Outcome",
    "PayLink",
    "PhoneCall",
    "Place",
    "PolicyDraft",
    "PolicyReplay",
    "Promise",
    "PromisePart",
    "PromiseQuerySet",
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
