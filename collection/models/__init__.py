from collection.models.case import Case, CaseDebt, CaseQuerySet, Channel, Contact, Outcome, Place, Skip
from collection.models.checks import RightPartyCheck
from collection.models.matters import Complaint, Dispute, Matter, MatterQuerySet
from collection.models.policies import PolicyDraft, PolicyReplay
from collection.models.promises import RUNNING, Promise, PromisePart, PromiseQuerySet

__all__ = [
    "RUNNING",
    "Case",
    "CaseDebt",
    "CaseQuerySet",
    "Channel",
    "Complaint",
    "Contact",
    "Dispute",
    "Matter",
    "MatterQuerySet",
    "Outcome",
    "Place",
    "PolicyDraft",
    "PolicyReplay",
    "Promise",
    "PromisePart",
    "PromiseQuerySet",
    "RightPartyCheck",
    "Skip",
]
