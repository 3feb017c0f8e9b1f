from collection.models.case import Case, CaseDebt, CaseQuerySet, Channel, Contact, Outcome, Place, Skip
from collection.models.checks import RightPartyCheck
from collection.models.promises import RUNNING, Promise, PromisePart, PromiseQuerySet

__all__ = [
    "RUNNING",
    "Case",
    "CaseDebt",
    "CaseQuerySet",
    "Channel",
    "Contact",
    "Outcome",
    "Place",
    "Promise",
    "PromisePart",
    "PromiseQuerySet",
    "RightPartyCheck",
    "Skip",
]
