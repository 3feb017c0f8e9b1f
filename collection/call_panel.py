"""What the page of a case shows of its call and of the limits of contact; the same whole page and part, so that it can be asked for again."""

from datetime import datetime
from typing import Any

from collection import calls, checks, gate, small_balances
from collection.models import Case, Outcome, RightPartyCheck
from crm.lib.ports import telephony
from customers import contact_meter
from customers.models import Customer
from governance.models import User

OUTCOMES = [str(value) for value in Outcome.values]


def read(case: Case, customer: Customer, *, user: User, at: datetime, check: RightPartyCheck | None, may_log: bool) -> dict[str, Any]:
    """Return the call of `user` in this case, what its end suggests, what the policy leaves, and whether one may call now."""
    said = gate.answers(case, at=at) if case.is_open else None
    waits = case.status == Case.Status.PAUSED
    call = gate.unlogged(case, actor=user, at=at) if may_log else None
    suggested = calls.suggestion(call, check) if call is not None else ""
    return {
        "call": call,
        "call_over": call is not None and call.status in calls.OVER,
        "suggested": Outcome(suggested).label if suggested else "",
        "suggested_id": f"id_outcome_{OUTCOMES.index(suggested)}" if suggested else "",
        "under_way": call.attempt if call is not None else gate.under_way(case, actor=user, at=at) if may_log else None,
        "contact_answer": said["call"].answer if said and may_log and not waits else None,
        "meter": contact_meter.read(customer, at=at, said=said) if said else None,
        "may_call": may_log and not waits and not small_balances.is_small(case),
        "small": case.is_open and small_balances.is_small(case),
        "waits": waits,
        "telephony": telephony.is_on(),
    }


def again(case: Case, customer: Customer, *, user: User, at: datetime) -> dict[str, Any]:
    """Return the same for the part that is asked for while a call runs, by who holds the case."""
    held = case.is_held_by(user, at)
    check = checks.standing(case, actor=user, at=at) if held else None
    return read(case, customer, user=user, at=at, check=check, may_log=held) | {"case": case, "customer": customer, "held": held}
