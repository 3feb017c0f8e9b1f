"""Offers and loans: read, confirm, accept; schedule, movements, money received; products; the end of day."""

import re
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils.timezone import localdate, now

from credit.models import Loan, Offer
from tests.fixtures.cast import TODAY

HTMX = {"HX-Request": "true"}
KEY = "11111111-2222-3333-4444-555555555555"
COUNTER = {"channel": "cash", "received_on": localdate().isoformat(), "reference": ""}


@pytest.fixture
def offer(desk: Any) -> Any:
    """Return an offer made today by the clock: pages know no other time."""
    return desk.offer(at=now())


def waited(client: Any, seconds: int = 60) -> None:
    """Let the reading time pass: set back when the table first stood on the screen."""
    session = client.session
    for key in [key for key, _since in session.items() if key.startswith("offer-shown:")]:
        session[key] = (now() - timedelta(seconds=seconds)).isoformat()
    session.save()


def test_the_offer_shows_every_cost(offer: Any, desk: Any, page_of: Any) -> None:
    answer = page_of(desk.cast.loan_officer).get(f"/offers/{offer.public_id}/")
    cost = answer.context["cost"]
    assert cost["total"] == cost["principal"] + cost["total_cost"] == answer.context["total"]["due"]
    assert "There is no other charge." in answer.text
    assert not re.search(r'name="read"[^>]*checked', answer.text)


def test_too_fast_is_refused_by_the_servers_clock(offer: Any, desk: Any, page_of: Any) -> None:
    client = page_of(desk.cast.loan_officer)
    client.get(f"/offers/{offer.public_id}/")
    answer = client.post(f"/offers/{offer.public_id}/confirm/", {"cost_hash": offer.cost_hash, "read": "on", "form_key": KEY})
    assert answer.status_code == 422
    assert "at least 5 seconds" in answer.text
    offer.refresh_from_db()
    assert not offer.is_confirmed


def test_the_same_table_for_another_borrower_is_read_anew(desk: Any, page_of: Any) -> None:
    first, second = desk.offer(at=now()), desk.offer(at=now())
    assert first.cost_hash == second.cost_hash, "the same terms on the same day"
    client = page_of(desk.cast.loan_officer)
    client.get(f"/offers/{first.public_id}/")
    waited(client)
    sent = client.get(f"/offers/{second.public_id}/").text
    assert re.search(r'name="confirm"[^>]* disabled data-opens-at-zero', sent)
    answer = client.post(f"/offers/{second.public_id}/confirm/", {"cost_hash": second.cost_hash, "read": "on", "form_key": KEY})
    assert answer.status_code == 422


def test_read_confirmed_accepted_booked(offer: Any, desk: Any, page_of: Any) -> None:
    client = page_of(desk.cast.loan_officer)
    url = f"/offers/{offer.public_id}/"
    client.get(url)
    assert client.post(f"{url}accept/", {"form_key": KEY}).status_code == 409, "nothing is booked without the confirmation"
    waited(client)
    unticked = client.post(f"{url}confirm/", {"cost_hash": offer.cost_hash, "form_key": KEY})
    assert unticked.status_code == 422
    assert client.post(f"{url}confirm/", {"cost_hash": offer.cost_hash, "read": "on", "form_key": KEY}).status_code == 303
    offer.refresh_from_db()
    assert offer.disclosure_seconds >= 59
    key = KEY.replace("1", "2")
    first, second = client.post(f"{url}accept/", {"form_key": key}), client.post(f"{url}accept/", {"form_key": key})
    loan = Loan.objects.get()
    assert first["Location"] == second["Location"] == f"/loans/{loan.public_id}/"
    assert client.get(url).status_code == 200


def test_another_table_than_the_one_shown_is_refused(offer: Any, desk: Any, page_of: Any) -> None:
    client = page_of(desk.cast.loan_officer)
    client.get(f"/offers/{offer.public_id}/")
    waited(client)
    answer = client.post(f"/offers/{offer.public_id}/confirm/", {"cost_hash": "0" * 64, "read": "on", "form_key": KEY})
    assert answer.status_code == 409


def test_a_lapsed_offer_says_so_and_has_no_button(offer: Any, desk: Any, page_of: Any) -> None:
    Offer.objects.filter(pk=offer.pk).update(expires_on=TODAY)
    answer = page_of(desk.cast.loan_officer).get(f"/offers/{offer.public_id}/")
    assert "could be accepted until" in answer.text
    assert "confirm-form" not in answer.text


def test_who_may_not_accept_sees_why(offer: Any, desk: Any, page_of: Any) -> None:
    answer = page_of(desk.cast.underwriter).get(f"/offers/{offer.public_id}/")
    assert "confirm-form" not in answer.text
    assert "permission to accept offers" in answer.text
    assert page_of(desk.cast.outsider).get(f"/offers/{offer.public_id}/").status_code == 404


def test_the_loan_page_adds_up(desk: Any, page_of: Any) -> None:
    loan = desk.loan()
    answer = page_of(desk.cast.loan_officer).get(f"/loans/{loan.public_id}/")
    total = answer.context["total"]
    assert total["principal"] == loan.principal
    assert total["due"] == total["principal"] + total["interest"] + total["fee"] + total["penalty"]
    assert total["left"] == total["due"] - total["paid"]
    assert answer.context["due"]["late"] > 0, "the clock is months past the due dates"
    assert page_of(desk.cast.outsider).get(f"/loans/{loan.public_id}/").status_code == 404


def test_the_loan_page_costs_a_fixed_number_of_queries(desk: Any, page_of: Any, django_assert_max_num_queries: Any) -> None:
    loan = desk.loan()
    client = page_of(desk.cast.loan_officer)
    url = f"/loans/{loan.public_id}/"
    client.get(url)
    with django_assert_max_num_queries(16) as first:
        client.get(url)
    before = len(first.captured_queries)
    for n in range(6):
        desk.pay(loan, "100.00", key=f"p{n}")
    with django_assert_max_num_queries(before):
        client.get(url)


def test_the_preview_of_a_payment_is_what_it_then_does(desk: Any, page_of: Any) -> None:
    loan = desk.loan()
    client = page_of(desk.cast.loan_officer)
    url = f"/loans/{loan.public_id}/repay/"
    told = client.get(url, {"amount": "1,500"}, headers=HTMX).context
    answer = client.post(url, COUNTER | {"amount": "1,500", "form_key": KEY})
    assert answer.status_code == 303
    movement = loan.transactions.get(kind="repayment")
    by_account: dict[str, D] = {}
    for posting in movement.postings.all():
        by_account[posting.account] = by_account.get(posting.account, D(0)) - posting.amount
    for part in ("fee", "penalty", "interest", "principal"):
        assert sum(row[part] for row in told["lines"]) == by_account.get(part, D(0))
    assert told["held"] == by_account.get("overpayment", D(0))


def test_a_double_click_is_one_payment(desk: Any, page_of: Any) -> None:
    loan = desk.loan()
    client = page_of(desk.cast.loan_officer)
    for _ in range(2):
        assert client.post(f"/loans/{loan.public_id}/repay/", COUNTER | {"amount": "500", "form_key": KEY}).status_code == 303
    assert loan.transactions.filter(kind="repayment").count() == 1


def test_what_is_too_much_is_held_for_refund(desk: Any, page_of: Any) -> None:
    loan = desk.loan()
    client = page_of(desk.cast.loan_officer)
    told = client.get(f"/loans/{loan.public_id}/repay/", {"amount": "99,999"}, headers=HTMX)
    assert told.context["held"] > 0
    assert "held for refund" in told.text
    client.post(f"/loans/{loan.public_id}/repay/", COUNTER | {"amount": "99,999", "form_key": KEY})
    loan.refresh_from_db()
    assert loan.overpayment == told.context["held"]
    assert "held for refund" in client.get(f"/loans/{loan.public_id}/").text


@pytest.mark.parametrize("amount", ["", "0", "-5", "x", "1.234", "nan", "9" * 30])
def test_a_wrong_amount_is_a_sentence_at_the_field(amount: str, desk: Any, page_of: Any) -> None:
    loan = desk.loan()
    client = page_of(desk.cast.loan_officer)
    answer = client.post(f"/loans/{loan.public_id}/repay/", COUNTER | {"amount": amount, "form_key": KEY})
    assert answer.status_code == 422
    assert answer.context["form"].errors["amount"]
    assert client.get(f"/loans/{loan.public_id}/repay/", {"amount": amount}, headers=HTMX).status_code == 200


def test_a_settled_loan_takes_no_money(desk: Any, page_of: Any) -> None:
    loan = desk.loan(amount=D("300.00"), term=3)
    client = page_of(desk.cast.loan_officer)
    client.post(f"/loans/{loan.public_id}/repay/", COUNTER | {"amount": "10000", "form_key": KEY})
    loan.refresh_from_db()
    assert loan.status == "settled"
    assert client.get(f"/loans/{loan.public_id}/repay/").status_code == 409
    assert client.get(f"/loans/{loan.public_id}/").status_code == 200


def test_the_balance_curve_starts_at_the_principal(desk: Any, page_of: Any) -> None:
    loan = desk.loan()
    figures = page_of(desk.cast.loan_officer).get(f"/loans/{loan.public_id}/balance/").json()
    agreed = figures["series"][1]["values"]
    assert (agreed[0], agreed[-1], len(agreed)) == (float(loan.principal), 0.0, loan.term + 1)
    assert len(figures["x"]["values"]) == len(figures["series"][0]["values"]) == loan.term + 1


def test_a_product_shows_terms_and_rules_with_their_sources(desk: Any, page_of: Any) -> None:
    answer = page_of(desk.cast.loan_officer).get(f"/products/{desk.product.public_id}/")
    codes = [row["rule"].code for row in answer.context["rules"]]
    assert codes[0] == "exposure.cap.person"
    assert [cap.code for cap in answer.context["caps"]] == ["cost.guidance", "cost.loan"]
    assert "金规〔2025〕9号" in answer.text
    assert "Second-hand source" in answer.text
    assert page_of(desk.cast.collector).get("/products/").status_code == 403


def test_the_end_of_day_is_seen_and_started(desk: Any, page_of: Any) -> None:
    desk.loan()
    client = page_of(desk.cast.loan_operations)
    assert client.get("/credit/close/").context["behind"] > 0
    assert page_of(desk.cast.loan_officer).get("/credit/close/").status_code == 403
    desk.close_to(TODAY)
    answer = client.get("/credit/close/")
    assert (answer.context["runs"][0].loans, answer.context["runs"][0].status) == (1, "done")
    assert client.post("/credit/close/parked/L-NONE/").status_code == 404
    assert client.post("/credit/close/run/").status_code == 303


def test_a_day_that_is_not_over_is_not_closed(desk: Any, page_of: Any) -> None:
    from governance.models import LegalEntity

    LegalEntity.objects.update(business_date=now().date() + timedelta(days=1))
    answer = page_of(desk.cast.loan_operations).post("/credit/close/run/")
    assert answer.status_code == 409
