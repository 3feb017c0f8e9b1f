"""Applications and loans go with their customer when somebody else, or another branch, takes over."""

from credit.models import Application, Loan
from customers import handover
from ledger import log
from ledger.models import Entry


@log.on("customers.handover.moved")
def follow_customers(*, entry: Entry, **_: object) -> None:
    """Bring owner and branch of up to 500 customers' applications and loans in step, one statement each."""
    facts = entry.facts
    for model in (Application, Loan):
        handover.follow(model, facts)
