from customers.models.activities import Activity, ActivityQuerySet
from customers.models.consents import Consent, ConsentText, DataClass, Purpose
from customers.models.contact_rules import AgreedWindow, BarredNumber, ContactVerdict, Party
from customers.models.contacts import ContactAttempt, ContactBar, ContactChannel, OneTimeCode, RelationStop
from customers.models.documents import Document, DocumentQuerySet
from customers.models.handovers import Handover
from customers.models.messages import Message, MessageChannel, MessagePurpose, MessageQuerySet, MessageTemplate
from customers.models.notes import Note
from customers.models.person import Customer, CustomerQuerySet
from customers.models.relations import Relation, RelationQuerySet
from customers.models.replies import Reply, ReplyQuerySet
from customers.models.search import SearchKeys

__all__ = [
    "Activity",
    "ActivityQuerySet",
    "AgreedWindow",
    "BarredNumber",
    "Consent",
    "ConsentText",
    "ContactAttempt",
    "ContactBar",
    "ContactChannel",
    "ContactVerdict",
    "Customer",
    "CustomerQuerySet",
    "DataClass",
    "Document",
    "DocumentQuerySet",
    "Handover",
    "Message",
    "MessageChannel",
    "MessagePurpose",
    "MessageQuerySet",
    "MessageTemplate",
    "Note",
    "OneTimeCode",
    "Party",
    "Purpose",
    "Relation",
    "RelationQuerySet",
    "RelationStop",
    "Reply",
    "ReplyQuerySet",
    "SearchKeys",
]
