"""Applications given to another person: only open ones, only to who could work on them."""

from collections.abc import Callable
from typing import Any

import pytest

from credit import assigning
from crm.lib.lists import LISTS
from governance import bulk
from ledger.models import Entry
from tests.credit.conftest import Desk
from tests.fixtures.cast import NOON, Cast


@pytest.fixture
def row(cast: Cast, make_customer: Callable[..., Any]) -> Any:
    return Desk(cast, make_customer).draft(customer=make_customer())


def test_a_colleague_takes_over(cast: Cast, row: Any) -> None:
    before = row.version
    given = assigning.assign(row, to=cast.colleague, actor=cast.loan_officer, at=NOON)
    assert (given.owner, given.version) == (cast.colleague, before + 1)
    assert Entry.objects.get(event="credit.application.assigned").facts == {"was": cast.loan_officer.pk, "to": cast.colleague.pk}


@pytest.mark.parametrize("who", ["outsider", "underwriter", "collector", "nobody", "loan_officer"])
def test_who_could_not_work_on_it_gets_none(cast: Cast, row: Any, who: str) -> None:
    person = getattr(cast, who)
    with pytest.raises(assigning.CannotOwn):
        assigning.assign(row, to=person, actor=cast.loan_officer, at=NOON)
    row.refresh_from_db()
    assert row.owner == cast.loan_officer


def test_what_has_ended_stays_as_it_was(cast: Cast, row: Any) -> None:
    from credit import applications

    applications.withdraw(row, actor=cast.loan_officer, at=NOON)
    with pytest.raises(assigning.Ended):
        assigning.assign(row, to=cast.colleague, actor=cast.loan_officer, at=NOON)


def test_the_choice_holds_only_those_one_sees(cast: Cast) -> None:
    assert set(assigning.takers(cast.loan_officer)) == {cast.loan_officer, cast.colleague}
    assert cast.outsider in assigning.takers(cast.risk_manager)


def test_many_are_given_in_the_background(cast: Cast, row: Any, make_customer: Callable[..., Any]) -> None:
    from credit import applications

    ended = Desk(cast, make_customer).draft(customer=make_customer())
    applications.withdraw(ended, actor=cast.loan_officer, at=NOON)
    spec = LISTS["applications"]
    run = bulk.start(
        spec, spec.actions["assign"], ids=[row.pk, ended.pk], values={"to": cast.colleague.pk}, actor=cast.loan_officer, at=NOON
    )
    done = bulk.run(run.pk, at=NOON)
    assert done is not None
    done.job.refresh_from_db()
    assert (done.job.done, done.job.failed, done.job.problems[0]["field"]) == (1, 1, ended.public_id)
    row.refresh_from_db()
    assert row.owner == cast.colleague
