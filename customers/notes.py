"""Doors for notes by staff."""

from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import Invalid
from customers import mentions
from customers.models import Customer, Note
from governance import notices
from governance.models import User
from ledger import log

LONGEST = 2_000


class EmptyNote(Invalid):
    code = "empty_note"


@transaction.atomic
def add(customer: Customer, *, text: str, actor: User, at: datetime) -> Note:
    """Write a note into the customer's file; who is named in it is told.

    :raises EmptyNote: if it says nothing or more than 2,000 characters
    :raises mentions.CannotBeTold: if somebody named may not open the file
    """
    text = text.strip()
    if not text or len(text) > LONGEST:
        sentence = _("Write a note of at most 2,000 characters.")
        raise EmptyNote(sentence, fields={"text": sentence})
    named = mentions.people(text, customer)
    note = Note.objects.create(customer=customer, author=actor, text=text, at=at)
    log.record(
        "customers.note.added", note, actor=actor, at=at, customer_id=customer.pk, **({"named": mentions.codes(named)} if named else {})
    )
    notices.tell(
        named, code="customers.mention", key=f"note:{note.pk}", url=f"{reverse('customer', args=[customer.public_id])}#notes",
        actor=actor, at=at, where="note", customer=customer.public_id,
    )  # fmt: skip
    return note
