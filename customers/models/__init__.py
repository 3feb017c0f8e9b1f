from customers.models.consents import Consent, ConsentText, Purpose
from customers.models.notes import Note
from customers.models.person import Customer, CustomerQuerySet

__all__ = [
    "Consent",
    "ConsentText",
    "Customer",
    "CustomerQuerySet",
    "Note",
    "Purpose",
]
