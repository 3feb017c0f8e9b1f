"""Rows of a collector's calls, scripts, texts and pay links, for the tests that ask of every address."""

from datetime import datetime
from typing import Any

from collection import checks, scripts
from collection.models import PhoneCall
from customers.models import ContactAttempt, Relation


def rows_of(case: Any, *, worker: Any, cast: Any, at: datetime) -> dict[str, str]:
    """Return the public id of one row of each kind in a case that `worker` works."""
    attempt = ContactAttempt.objects.create(customer=case.customer, channel="call", at=at, purpose="collection", key="row", actor=worker)
    call = PhoneCall.objects.create(case=case, attempt=attempt, actor=worker, began_at=at, status="talked", ended_at=at, seconds=30)
    return {"phone_call": call.public_id}


def answers_of(person: Any) -> dict[str, str]:
    """Return two right answers of a customer, or of who stands beside one without a file of their own."""
    if isinstance(person, Relation):
        return {"name": str(person.name), "mobile_last4": str(person.mobile)[-4:]}
    return {"id_last4": person.id_number[-4:], "birth_year": str(person.born_on.year)}


def meet(case: Any, relation: Any, *, worker: Any, at: datetime) -> None:
    """Confirm who answers beside the debtor, and say them what must be said."""
    checks.confirm(case, answers=answers_of(relation.other or relation), actor=worker, at=at, relation=relation)
    say_all(case, worker=worker, at=at, relation=relation)


def say_all(case: Any, *, worker: Any, at: datetime, relation: Any = None) -> int:
    """Say every line that must be said to the debtor, or to who answers beside them; return how many."""
    parties = ["unknown", scripts.party_of(relation)]
    said = [(script, code) for script in scripts.live(case, parties, relation=relation) for code in script.must]
    for script, code in said:
        scripts.say(case, script=script, code=code, actor=worker, at=at)
    return len(said)
