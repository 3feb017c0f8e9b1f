from collection.models.absences import Absence, AbsencePiece, Reassignment
from collection.models.agencies import Agency, AgencyFile, Placement, PlacementFee, PlacementOrder
from collection.models.assignment import AssignmentMark, AssignmentPlan, AssignmentRule, AssignmentRun
from collection.models.calls import CallEvent, PhoneCall
from collection.models.capacity import CapacityDay
from collection.models.case import ACTIVE, Case, CaseDebt, CaseQuerySet, Channel, Outcome, Place, Skip
from collection.models.checks import RightPartyCheck
from collection.models.contacts import CasePause, Contact
from collection.models.dry_runs import TreatmentDryRun, TreatmentDryRunCase
from collection.models.legal import FilingPack, LegalAction, LegalCost, LegalDiary, PreActionLetter
from collection.models.limitation import LimitationClock, LimitationMark
from collection.models.matters import Complaint, Dispute, Matter, MatterQuerySet
from collection.models.pay_links import PayLink
from collection.models.policies import PolicyDraft, PolicyReplay
from collection.models.promises import RUNNING, Promise, PromisePart, PromiseQuerySet
from collection.models.quality import ContactFlag, QualityForm, QualityReview
from collection.models.recordings import Recording
from collection.models.relief import BudgetLine, CareFlag, Hardship, HardshipPaper, ReliefPlan
from collection.models.scores import CaseScore, QueueBacktest
from collection.models.scripts import CallScript, LineSaid
from collection.models.settlements import Settlement, SettlementPart
from collection.models.traces import TraceFind, TraceLook, TraceRequest
from collection.models.treatments import ARMS, TreatmentEntry, TreatmentExperiment, TreatmentStep
from collection.models.visits import FieldVisit, VisitPhoto
from collection.models.workers import Collector

__all__ = [
    "ACTIVE",
    "ARMS",
    "RUNNING",
    "Absence",
    "AbsencePiece",
    "Agency",
    "AgencyFile",
    "AssignmentMark",
    "AssignmentPlan",
    "AssignmentRule",
    "AssignmentRun",
    "BudgetLine",
    "CallEvent",
    "CallScript",
    "CapacityDay",
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
    "ContactFlag",
    "Dispute",
    "FieldVisit",
    "FilingPack",
    "Hardship",
    "HardshipPaper",
    "LegalAction",
    "LegalCost",
    "LegalDiary",
    "LimitationClock",
    "LimitationMark",
    "LineSaid",
    "Matter",
    "MatterQuerySet",
    "Outcome",
    "PayLink",
    "PhoneCall",
    "Place",
    "Placement",
    "PlacementFee",
    "PlacementOrder",
    "PolicyDraft",
    "PolicyReplay",
    "PreActionLetter",
    "Promise",
    "PromisePart",
    "PromiseQuerySet",
    "QualityForm",
    "QualityReview",
    "QueueBacktest",
    "Reassignment",
    "Recording",
    "ReliefPlan",
    "RightPartyCheck",
    "Settlement",
    "SettlementPart",
    "Skip",
    "TraceFind",
    "TraceLook",
    "TraceRequest",
    "TreatmentDryRun",
    "TreatmentDryRunCase",
    "TreatmentEntry",
    "TreatmentExperiment",
    "TreatmentStep",
    "VisitPhoto",
]
