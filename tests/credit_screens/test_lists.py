"""Lists: whose rows, which tabs and filters, part or page from one address, and a ceiling on queries."""

from typing import Any

import pytest
from django.urls import reverse

from tests.fixtures.cast import NOON

HTMX = {"HX-Request": "true"}


@pytest.fixture
def many(desk: Any) -> list[Any]:
    """Return twelve applications, some referred, some booked."""
    made = [desk.draft() for _ in range(3)]
    made += [desk.concluded("refer") for _ in range(6)]
    return made + [desk.loan() for _ in range(3)]


@pytest.mark.parametrize("name", ["application-list", "review-queue", "loan-list", "product-list", "application-new", "application-import"])
def test_an_empty_house_says_what_will_be_here(name: str, desk: Any, page_of: Any) -> None:
    user = desk.cast.underwriter if name == "review-queue" else desk.cast.loan_officer
    answer = page_of(user).get(reverse(name))
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


def test_the_list_and_its_part_share_one_address(many: Any, desk: Any, page_of: Any) -> None:
    client = page_of(desk.cast.loan_officer)
    page, part = client.get("/applications/"), client.get("/applications/", headers=HTMX)
    assert "<html" in page.text
    assert "<html" not in part.text
    assert "HX-Request" in part["Vary"]
    assert many[0].public_id in page.text
    assert many[0].public_id in part.text


def test_a_tab_narrows_and_counts(many: Any, desk: Any, page_of: Any) -> None:
    answer = page_of(desk.cast.loan_officer).get("/applications/?status=referred")
    assert answer.context["page"].count == 6
    assert {tab["label"]: tab["count"] for tab in answer.context["tabs"] if tab["current"]} == {"Referred": "6"}
    assert page_of(desk.cast.loan_officer).get("/applications/?status=open").context["page"].count == 9


@pytest.mark.parametrize(
    "query",
    ["status=nonsense", "product=F-NONE", "since=yesterday", "until=2026-02-31", "sort=__class__", "after=%%%", "before=bm90aGluZw"],
)
def test_nonsense_in_the_address_is_no_error(query: str, many: Any, desk: Any, page_of: Any) -> None:
    client = page_of(desk.cast.loan_officer)
    for path in ("/applications/", "/loans/"):
        assert client.get(f"{path}?{query}").status_code == 200


def test_mine_shows_mine(many: Any, desk: Any, page_of: Any) -> None:
    assert page_of(desk.cast.colleague).get("/applications/?whose=mine").context["page"].count == 0
    assert page_of(desk.cast.colleague).get("/applications/").context["page"].count == 12


def test_another_branch_sees_nothing(many: Any, desk: Any, page_of: Any) -> None:
    client = page_of(desk.cast.outsider)
    for path in ("/applications/", "/loans/"):
        assert client.get(path).context["page"].count == 0


def test_a_filter_shows_a_chip_that_takes_it_away(many: Any, desk: Any, page_of: Any) -> None:
    answer = page_of(desk.cast.loan_officer).get(f"/applications/?product={desk.product.public_id}&status=booked")
    assert len(answer.context["page"].chips) == 2
    assert answer.context["page"].count == 3


@pytest.mark.parametrize(
    ("path", "who", "most"),
    [
        ("/applications/", "loan_officer", 20),
        ("/applications/review/", "underwriter", 14),
        ("/loans/", "loan_officer", 16),
        ("/products/", "loan_officer", 10),
    ],
)
def test_the_number_of_queries_does_not_grow_with_the_rows(
    path: str, who: str, most: int, many: Any, desk: Any, page_of: Any, django_assert_max_num_queries: Any
) -> None:
    client = page_of(getattr(desk.cast, who))
    client.get(path)
    with django_assert_max_num_queries(most) as first:
        client.get(path)
    before = len(first.captured_queries)
    for _ in range(4):
        desk.concluded("refer")
        desk.loan()
    with django_assert_max_num_queries(before):
        client.get(path)


def test_the_review_queue_is_by_age_and_says_why(many: Any, desk: Any, page_of: Any) -> None:
    from datetime import timedelta

    from credit.models import Application

    newest = desk.concluded("refer")
    Application.objects.filter(pk=newest.pk).update(submitted_at=NOON - timedelta(days=2))
    answer = page_of(desk.cast.underwriter).get("/applications/review/")
    items = answer.context["items"]
    assert items[0]["application"].public_id == newest.public_id
    assert items[0]["why"]
    assert not any(code in items[0]["why"] for code in newest.reason_codes)


def test_panels_show_the_customers_own(desk: Any, page_of: Any) -> None:
    loan, other = desk.loan(), desk.loan()
    client = page_of(desk.cast.loan_officer)
    pairs = {"loans": (loan, other), "applications": (loan.application, other.application)}
    for kind, (mine, theirs) in pairs.items():
        answer = client.get(f"/customers/{loan.customer.public_id}/panels/{kind}/", headers=HTMX)
        assert mine.public_id in answer.text
        assert theirs.public_id not in answer.text
        assert page_of(desk.cast.outsider).get(f"/customers/{loan.customer.public_id}/panels/{kind}/").status_code == 404
    assert page_of(desk.cast.collector).get(f"/customers/{loan.customer.public_id}/panels/applications/").status_code == 403


def test_a_full_page_is_light_and_the_next_goes_on_where_it_ended(desk: Any, page_of: Any) -> None:
    from credit.models import Application

    first = desk.draft()
    rows = [Application.objects.get(pk=first.pk) for _ in range(55)]
    for number, row in enumerate(rows):
        fresh = Application()
        row.pk, row.public_id, row.seal_key, row.status = None, fresh.public_id, fresh.seal_key, "withdrawn"
        row.reference = f"R{number}"
    Application.objects.bulk_create(rows)
    client = page_of(desk.cast.loan_officer)
    page, part = client.get("/applications/"), client.get("/applications/", headers=HTMX)
    assert len(page.context["page"].rows) == 50
    assert len(page.content) <= 60 * 1024
    assert len(part.content) <= 40 * 1024
    rest = client.get("/applications/" + page.context["page"].next)
    shown = [row.public_id for row in [*page.context["page"].rows, *rest.context["page"].rows]]
    assert len(shown) == len(set(shown)) == 56


@pytest.mark.parametrize(
    ("path", "who", "most"),
    [
        ("/applications/new/", "loan_officer", 12),
        ("/applications/import/", "loan_officer", 8),
        ("/products/{product}/", "loan_officer", 16),
        ("/offers/{offer}/", "loan_officer", 12),
        ("/credit/close/", "loan_operations", 10),
        ("/customers/{customer}/panels/applications/", "loan_officer", 10),
        ("/customers/{customer}/panels/loans/", "loan_officer", 10),
        ("/", "loan_officer", 22),
        ("/", "underwriter", 20),
    ],
)
def test_every_page_has_a_ceiling_of_queries(
    path: str, who: str, most: int, desk: Any, page_of: Any, django_assert_max_num_queries: Any
) -> None:
    desk.concluded("refer")
    loan = desk.loan()
    address = path.format(product=desk.product.public_id, offer=loan.offer.public_id, customer=loan.customer.public_id)
    client = page_of(getattr(desk.cast, who))
    client.get(address)
    with django_assert_max_num_queries(most):
        assert client.get(address).status_code == 200
