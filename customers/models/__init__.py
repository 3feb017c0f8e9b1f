from customers.models.activities import Activity, ActivityQuerySet
from customers.models.consents import Consent, ConsentText, Purpose
from customers.models.handovers import Handover
from customers.models.notes import Note
from customers.models.person import Customer, CustomerQuerySet
from customers.models.relations import Relation, RelationQuerySet

__all__ = [
    "Activity",
    "ActivityQuerySet",
    "Consent",
    "ConsentText",
    "Customer",
    "CustomerQuerySet",
    "Handover",
    "Note",
    "Purpose",
    "Relation",
    "RelationQuerySet",
]
