"""What the page of a case shows of its script: the words filled in from the books, nothing of the debt before the person is confirmed."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from collection import cases, checks, owed, scripts
from collection.models import CallScript, Case, Placement, RightPartyCheck
from credit import books
from crm.lib.money import total
from crm.lib.templatetags.crm import spoken
from customers import messages
from governance.models import User


def read(case: Case, *, user: User, at: datetime, check: RightPartyCheck | None, demand: Any = None) -> scripts.Reading:
    """Return the reading of `user`, who holds the case.

    :param demand: what may be asked for now, if the page has it already; read from the loans otherwise, once the person is confirmed
    """
    language = scripts.language_of(case, check.relation if check is not None else None)
    confirmed = check is not None and check.result == RightPartyCheck.Result.PASSED
    with translation.override(language):
        values = {"lender": messages.sender_name(case.customer, language), "collector": user.public_id}
        if confirmed:
            values |= of_debt(case, demanded(case, at) if demand is None else demand)
    return scripts.reading(case, actor=user, at=at, check=check, values=values)


def demanded(case: Case, at: datetime) -> Decimal:
    """Return what may be asked for now on all loans of a case, contested amounts left out."""
    loans = [debt.loan for debt in case.debts.select_related("loan__product").order_by("loan_id")]
    return total([each.demand for each in owed.of_loans(loans, on=books.value_day(case.legal_entity, at))])


def of_debt(case: Case, demand: Decimal) -> dict[str, str]:
    return {"amount": spoken(demand), "days": str(case.dpd)}


def placed(placement: Placement, *, user: User, at: datetime) -> tuple[str, list[dict[str, Any]]]:
    """Return the language of a placed case's talk and its lines: `party`, `text`, `must`.

    Those of party `unknown` are for whoever answers; what speaks of the debt is for the debtor alone (party `confirmed`), or for who answers
    beside them (party `obligor`).
    """
    case = placement.case
    language = scripts.language_of(case)
    with translation.override(language):
        lender = messages.sender_name(case.customer, language)
        values = {"lender": lender, "collector": user.public_id} | of_debt(case, demanded(case, at))
        # Who calls says whose agency it is: to nobody may it seem that the lender itself is calling.
        first = values | {"lender": _("%(agency)s, for %(lender)s") % {"agency": placement.agency, "lender": lender}}
    parties = [CallScript.Party.UNKNOWN, CallScript.Party.CONFIRMED, CallScript.Party.OBLIGOR]
    return language, [
        {
            "party": script.party,
            "text": scripts.filled(line["text"], first if script.party == CallScript.Party.UNKNOWN else values),
            "must": line["must"],
        }
        for script in scripts.live(case, parties)
        for line in script.lines
    ]


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
