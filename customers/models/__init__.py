from customers.models.activities import Activity, ActivityQuerySet
from customers.models.consents import Consent, ConsentText, Purpose
from customers.models.documents import Document, DocumentQuerySet
from customers.models.handovers import Handover
from customers.models.notes import Note
from customers.models.person import Customer, CustomerQuerySet
from customers.models.relations import Relation, RelationQuerySet
from customers.models.search import SearchKeys

__all__ = [
    "Activity",
    "ActivityQuerySet",
    "Consent",
    "ConsentText",
    "Customer",
    "CustomerQuerySet",
    "Document",
    "DocumentQuerySet",
    "Handover",
    "Note",
    "Purpose",
    "Relation",
    "RelationQuerySet",
    "SearchKeys",
]
