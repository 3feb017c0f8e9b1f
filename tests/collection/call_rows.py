"""Rows of a collector's calls, scripts, texts and pay links, for the tests that ask of every address."""

from datetime import datetime
from typing import Any

from collection import scripts
from collection.models import PhoneCall
from customers.models import ContactAttempt


def rows_of(case: Any, *, worker: Any, cast: Any, at: datetime) -> dict[str, str]:
    """Return the public id of one row of each kind in a case that `worker` works."""
    attempt = ContactAttempt.objects.create(customer=case.customer, channel="call", at=at, purpose="collection", key="row", actor=worker)
    call = PhoneCall.objects.create(case=case, attempt=attempt, actor=worker, began_at=at, status="talked", ended_at=at, seconds=30)
    return {"phone_call": call.public_id}


def say_all(case: Any, *, worker: Any, at: datetime) -> int:
    """Say every line that must be said to the debtor; return how many."""
    said = [(script, code) for script in scripts.live(case, ["unknown", "confirmed"]) for code in script.must]
    for script, code in said:
        scripts.say(case, script=script, code=code, actor=worker, at=at)
    return len(said)
