"""The contact policy, as collections asks it: the one gate of `customers.contacts`, and what counts as an attempt."""

from datetime import datetime

from collection.models import Case, Channel, Contact, Outcome
from customers import contacts
from customers.contacts import Answer
from governance.models import User

NOT_ANSWERED = (Outcome.NO_ANSWER, Outcome.BUSY, Outcome.RETURNED, Outcome.NOT_MET, Outcome.SENT)


def answer(case: Case, *, channel: str, at: datetime) -> Answer:
    """Return whether the debtor may be reached by a channel now, and the rule in words if not."""
    return contacts.may_contact(case.customer, channel, at)


def ask(case: Case, *, channel: str, at: datetime) -> None:
    """Go on only if the contact is allowed; who calls in by themselves is always heard.

    :raises NotNow: with the rule and the moment from which it is allowed
    """
    if channel != Channel.INBOUND:
        contacts.demand(case.customer, channel, at)


def count(contact: Contact, *, actor: User) -> None:
    """Count a contact among the attempts of the limits; the caller's door records it."""
    if contact.channel != Channel.INBOUND:
        contacts.record(
            contact.case.customer,
            channel=contact.channel,
            at=contact.at,
            key=f"case-contact:{contact.public_id}",
            connected=contact.outcome not in NOT_ANSWERED,
            actor=actor,
        )
