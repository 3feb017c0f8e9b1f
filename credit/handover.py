"""Applications and loans go with their customer when somebody else, or another branch, takes over."""

from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from credit.models import Application, Loan
from customers import handover
from governance import offboarding
from governance.models import User
from ledger import log
from ledger.models import Entry


@log.on("customers.handover.moved")
def follow_customers(*, entry: Entry, **_: object) -> None:
    """Bring owner and branch of up to 500 customers' applications and loans in step, one statement each."""
    facts = entry.facts
    for model in (Application, Loan):
        handover.follow(model, facts)


def owned_by(model: Any, user: User) -> QuerySet[Any]:
    rows: QuerySet[Any] = model._base_manager.filter(owner=user)
    return rows


for name, label, model in (("applications", gettext_lazy("Applications"), Application), ("loans", gettext_lazy("Loans"), Loan)):
    offboarding.HOLDINGS.register(
        name,
        offboarding.Holding(
            label=label, rows=partial(owned_by, model), hand_on=partial(handover.hand_on_owned, model), beyond=partial(handover.owned_beyond, model),
        ),
    )  # fmt: skip
