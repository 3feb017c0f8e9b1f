"""Every page, list and API answer that shows a person states what for: one purpose taken away closes its pages and no others, all taken away
leave nothing of anybody anywhere, and a consent that a purpose needs is named. That a purpose closes no page of another one is tried on a
quarter of the others, with `--all` on each.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from customers.models import Customer, Relation
from governance import purposes
from governance.models import DataPurpose
from ledger.models import Entry
from tests.fixtures.cast import Cast
from tests.test_masks import LISTED, SAMPLES, masks
from tests.test_permissions import address, west  # noqa: F401  west is a fixture
from tests.test_reach import READS, person  # noqa: F401  person is a fixture

CLOSED = [f"{model._meta.label_lower}.{column}" for model in (Customer, Relation) for column in model.POLICY.personal]
STATED = ("onboarding", "service", "underwriting", "servicing", "collections")
ROOMS = ("customers.", "credit.", "collections.")

# purpose → the routes that show a person for it
SHOWN: dict[str, set[str]] = {
    "onboarding": {
        "activity-cancel activity",
        "activity-done activity",
        "activity-move activity",
        "activity-note customer",
        "activity-plan customer",
        "api-customers-detail customer",
        "api-customers-list",
        "consent-give customer",
        "consent-withdraw customer",
        "contact-stop customer",
        "window-new customer",
        "customer customer",
        "customer-edit customer",
        "customer-handover customer",
        "customer-list",
        "customer-masked customer",
        "customer-messages-panel customer",
        "customer-reveal customer",
        "customer-timeline customer",
        "message message",
        "message-list",
        "reply reply",
        "reply-list",
        "relation-add customer",
        "relation-reveal relation",
    },
    "service": {
        "api-relations-detail relation",
        "api-relations-list",
        "relation-masked relation",
        "relation-panel customer",
        "relation-reveal relation",
    },
    "underwriting": {
        "application draft",
        "application-board",
        "application-edit draft",
        "application-list",
        "offer offer",
        "quote quote",
        "review-queue",
    },
    "servicing": {
        "customer-pay customer",
        "loan loan",
        "loan-act-cancellation loan",
        "loan-act-charge loan",
        "loan-act-closure loan",
        "loan-act-death loan",
        "loan-act-disbursement loan",
        "loan-act-draw loan",
        "loan-act-freeze loan",
        "loan-act-limit loan",
        "loan-act-prepayment loan",
        "loan-act-recovery loan",
        "loan-act-reschedule loan",
        "loan-act-unfreeze loan",
        "loan-acts loan",
        "loan-documents loan",
        "loan-list",
        "loan-pause loan",
        "loan-payoff loan",
        "loan-refund loan",
        "loan-repay loan",
        "loan-statement loan",
        "payoff payoff",
    },
    "collections": {
        "api-placements-detail placement",
        "api-placements-list",
        "case case",
        "case-list",
        "complaint complaint",
        "complaint-list",
        "desk",
        "dispute dispute",
        "dispute-list",
        "hardship hardship",
        "hardship-list",
        "legal-action legal_action",
        "legal-list",
        "limitation-list",
        "letter letter",
        "placement placement",
        "placement-list",
        "promise promise",
        "promise-list",
        "settlement settlement",
        "settlement-list",
        "trace trace",
        "trace-list",
        "visit visit",
        "visit-list",
    },
}


@pytest.fixture
def taken(db: None) -> Iterator[Callable[..., None]]:
    """Let purposes read nothing of a person, or nothing without a consent nobody gave; those not named are as they were."""
    before = list(DataPurpose.objects.filter(code__in=STATED))

    def take(*codes: str, **how: Any) -> None:
        for row in before:
            row.save()
        DataPurpose.objects.filter(code__in=codes).update(**(how or {"without": CLOSED}))
        purposes.forget()

    yield take
    purposes.forget()


def addresses(rows: dict[str, str]) -> dict[str, str]:
    """Return the address of every route that may show a person, by its name and row."""
    found = {f"{name} {row}": address(name, public_id=rows[row]) for name, row in READS}
    lists = {name: reverse(name) for name, code in LISTED if code.startswith(ROOMS)}
    return found | {name: url for name, url in lists.items() if url not in SAMPLES}


def people_in(answer: Any, shown: set[str]) -> set[str]:
    if answer.status_code != 200 or not answer["Content-Type"].startswith(("text/", "application/json")):
        return set()
    text = answer.content.decode()
    return {mask for mask in shown if mask in text}


@pytest.fixture
def everybody(person: Any) -> APIClient:  # noqa: F811
    """Return a client that may open everything."""
    client: APIClient = person(scope="all", place="west")
    return client


def test_each_purpose_closes_its_own_pages_and_all_of_them_leave_nobody(
    everybody: APIClient,
    west: dict[str, str],  # noqa: F811
    taken: Callable[..., None],
    all_kinds: bool,
) -> None:
    shown = {mask for mask in masks(Customer.objects.all()) if any(letter.isdigit() for letter in mask)} | {"王*", "李*"}
    everywhere = addresses(west)
    showing = {name: url for name, url in everywhere.items() if people_in(everybody.get(url), shown)}
    assert len(showing) > 40, "what is looked for is there to be found"

    found: dict[str, set[str]] = {}
    for turn, code in enumerate(STATED):
        taken(code)
        asked = [name for number, name in enumerate(showing) if all_kinds or name in SHOWN[code] or (number + turn) % 4 == 0]
        found[code] = {name for name in asked if not people_in(everybody.get(showing[name]), shown)}
    assert {code: sorted(names ^ SHOWN[code]) for code, names in found.items() if names != SHOWN[code]} == {}

    taken(*STATED)
    left = {name: people for name, url in showing.items() if (people := people_in(everybody.get(url), shown))}
    assert left == {}, "shown without a purpose"
    taken(*STATED, consent="marketing")
    silent = {name for name, url in showing.items() if b"Marketing" not in everybody.get(url).content}
    assert silent == {"api-customers-list"}, "the consent that is missing is named; this list leaves out who did not give it"
    assert everybody.get(showing["api-customers-list"]).json()["results"] == []
    assert Entry.objects.filter(event="governance.use.refused", facts__consent="marketing").exists()


def test_a_home_page_says_what_it_may_not_show_and_stands(
    cast: Cast,
    west: dict[str, str],  # noqa: F811
    page_of: Any,
    taken: Callable[..., None],
) -> None:
    users = [cast.outsider, cast.west_underwriter, cast.west_collector, cast.service_agent]
    browsers = [page_of(user) for user in users]
    assert any("王*" in browser.get("/").text for browser in browsers)
    taken(*STATED)
    for browser in browsers:
        page = browser.get("/")
        assert page.status_code == 200 and "王*" not in page.text
    assert any("may not be read for the purpose" in browser.get("/").text for browser in browsers)
