"""What the page of a case shows of its script: the words filled in from the books, nothing of the debt before the person is confirmed."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import translation

from collection import cases, checks, owed, scripts
from collection.models import Case, RightPartyCheck
from credit import books
from crm.lib.money import total
from crm.lib.templatetags.crm import spoken
from customers import messages
from governance.models import User


def read(case: Case, *, user: User, at: datetime, check: RightPartyCheck | None, demand: Any = None) -> scripts.Reading:
    """Return the reading of `user`, who holds the case.

    :param demand: what may be asked for now, if the page has it already; read from the loans otherwise, once the person is confirmed
    """
    language = scripts.language_of(case)
    confirmed = check is not None and check.result == RightPartyCheck.Result.PASSED
    with translation.override(language):
        values = {"lender": messages.sender_name(case.customer, language), "collector": user.public_id}
        if confirmed:
            if demand is None:
                loans = [debt.loan for debt in case.debts.select_related("loan__product").order_by("loan_id")]
                demand = total([each.demand for each in owed.of_loans(loans, on=books.value_day(case.legal_entity, at))])
            values |= {"amount": spoken(demand), "days": str(case.dpd)}
    return scripts.reading(case, actor=user, at=at, check=check, values=values)


@transaction.atomic
def held(case: Case, *, user: User, at: datetime) -> scripts.Reading:
    """Return the reading of who holds the case.

    :raises NotHeld: if `user` does not
    """
    row = cases.held(case, actor=user, at=at)
    return read(row, user=user, at=at, check=checks.standing(row, actor=user, at=at))


def again(case: Case, *, user: User, at: datetime, back: str) -> dict[str, Any]:
    """Return what the part shows after a line was said."""
    check = checks.standing(case, actor=user, at=at)
    held = case.is_held_by(user, at)
    return {"case": case, "back": back, "reading": read(case, user=user, at=at, check=check) if held else None}
