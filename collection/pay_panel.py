"""What the page of a case shows of its payment link, and of the debts once it is paid; the same whole page and part."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from collection import checks, owed, pay_links, settlements
from collection.models import Case, PayLink
from credit import books
from crm.lib.money import total
from crm.lib.ports import checkout
from governance.models import User


def read(case: Case, *, at: datetime, confirmed: bool, live: Iterable[owed.Owed] = ()) -> dict[str, Any]:
    """Return the latest link of a case, and whether it may be paid now.

    :param live: what the open loans owe today; where there are several one chooses which a new link pays
    """
    link = PayLink.objects.filter(case=case).select_related("loan").order_by("-pk").first() if confirmed else None
    loans = list(live)
    standing = link is not None and pay_links.may_be_paid(link, at=at)
    return {
        "pay_link": link,
        "pay_standing": standing,
        "pay_address": pay_links.address_of(link) if link is not None and standing else "",
        "pay_on": checkout.is_on(),
        "may_link": confirmed and case.is_open,
        "pay_loans": loans if len(loans) > 1 else [],
        "pay_settlement": settlements.next_payment(case) if confirmed else None,
    }


def again(case: Case, *, user: User, at: datetime, was: str) -> dict[str, Any]:
    """Return the same for the part asked for again; with the debts where the link is another than it `was`."""
    held = case.is_held_by(user, at)
    # a payment may have closed the case, and the hold with it: who made the link sees what became of it
    mine = held and checks.confirmed(case, actor=user, at=at)
    shown = read(case, at=at, confirmed=mine or PayLink.objects.filter(case=case, made_by=user).exists())
    found: dict[str, Any] = {"case": case, "held": held} | shown
    changed = found["pay_link"] is not None and found["pay_link"].status != was
    if mine and (changed or not found["pay_standing"]):
        debts = list(case.debts.select_related("loan__product").order_by("-dpd", "loan_id"))
        live = {each.loan.pk: each for each in owed.of_loans([debt.loan for debt in debts], on=books.value_day(case.legal_entity, at))}
        found["pay_loans"] = list(live.values()) if len(live) > 1 else []
        found["running"] = case.promises.running().order_by("-pk").first()
        for debt in debts:
            debt.live = live.get(debt.loan_id)  # type: ignore[attr-defined]  # for the template
        found |= {
            "debts": debts, "opened": True, "live_overdue": total([each.demand for each in live.values()]),
            "live_payoff": total([each.payoff for each in live.values()]),
        }  # fmt: skip
    return found
