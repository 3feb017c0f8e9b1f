"""The breaker before the bureau, kept in the database, so that every process stops asking once the bureau has failed often enough; by
another name, that before another service outside.

Closed: everybody asks. Open: nobody does, until the pause is over. Trying: one query goes through; its answer closes the breaker, its
failure opens it again. A trial whose process died counts as failed once another pause has passed.
"""

from datetime import datetime

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError
from governance import users
from governance.lifecycle import MovedMeanwhile, move
from risk.bureau_rules import Calls
from risk.models import BureauCircuit

NAME = "bureau"
Status = BureauCircuit.Status


class BureauPaused(DomainError):
    """The bureau failed several times in a row: nothing was sent."""

    code = "bureau_paused"


def standing(name: str = NAME) -> BureauCircuit:
    """Return the breaker as it stands."""
    found, _made = BureauCircuit.objects.get_or_create(name=name)
    return found


def enter(calls: Calls, *, at: datetime, name: str = NAME) -> None:
    """Go on if the bureau may be asked at `at`; after a pause one caller may, who thereby tries for all.

    :raises BureauPaused: if it may not
    """
    circuit = standing(name)
    if circuit.status == Status.CLOSED:
        return
    waited = circuit.since is None or at >= circuit.since + calls.pause
    try:
        if waited and circuit.status == Status.TRYING:  # whoever tried is gone
            move(circuit, Status.OPEN, actor=users.system(), at=at, since=circuit.since)
        if waited and circuit.status == Status.OPEN:
            move(circuit, Status.TRYING, actor=users.system(), at=at, since=at)
            return
    except MovedMeanwhile:
        pass  # another process tries
    raise BureauPaused(_("The bureau failed several times in a row and is not asked for the moment."))


def succeeded(*, at: datetime, name: str = NAME) -> None:
    """Note an answer that can be relied on, a refusal too: the bureau is there."""
    circuit = standing(name)
    if circuit.status == Status.TRYING:
        try:
            move(circuit, Status.CLOSED, actor=users.system(), at=at, since=at, failures=0)
        except MovedMeanwhile:
            return
    elif circuit.status == Status.CLOSED and circuit.failures:
        BureauCircuit.objects.filter(pk=circuit.pk, status=Status.CLOSED).update(failures=0)


def failed(calls: Calls, *, at: datetime, name: str = NAME) -> None:
    """Note a query without a certain answer; the breaker opens when there were too many in a row, or when this one was the trial."""
    circuit = standing(name)
    BureauCircuit.objects.filter(pk=circuit.pk).update(failures=F("failures") + 1)
    circuit.refresh_from_db()
    if circuit.status == Status.TRYING or (circuit.status == Status.CLOSED and circuit.failures >= calls.failures):
        try:
            move(circuit, Status.OPEN, actor=users.system(), at=at, since=at, facts={"failures": circuit.failures})
        except MovedMeanwhile:
            return
