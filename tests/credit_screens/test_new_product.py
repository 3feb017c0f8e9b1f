"""A product with a code of its own in the browser, written with a rhythm of its own; and what an impossible one is told."""

from typing import Any

from credit import caps
from credit.models import Product
from tests.credit_screens.test_product_factory import KEY, typed


def test_a_new_code_is_begun_written_and_tried_in_the_browser(desk: Any, page_of: Any) -> None:
    maker = page_of(desk.cast.risk_manager)
    assert "/products/new/" in maker.get("/products/").text
    new = {"entity": desk.cast.entity.pk, "code": "week-1", "name_en": "Weekly", "name_zh": "周贷", "form_key": KEY.format(1)}
    taken = maker.post("/products/new/", new | {"code": desk.product.code})
    assert (taken.status_code, list(taken.context["form"].errors)) == (422, ["code"])
    assert maker.post("/products/new/", new).status_code == 303
    assert maker.post("/products/new/", new).status_code == 303  # the same form again is the same product
    draft = Product.objects.get(code="WEEK-1")
    here = f"/products/{draft.public_id}"

    impossible = maker.post(f"{here}/edit/", typed(maker, draft, form_key=KEY.format(2), term_grace_principal="3", term_due_day="40"))
    assert impossible.status_code == 422
    late = {
        "fee_1_method": "late",
        "fee_1_name_en": "L",
        "fee_1_name_zh": "催",
        "fee_1_rate": "0.2",
        "fee_1_payee_en": "P",
        "fee_1_payee_zh": "收",
    }
    weekly = {"term_frequency": "week", "term_holiday_shift": "next", "day_count": "actual/365", "term_grace_principal": "2"}
    refused = maker.post(f"{here}/edit/", typed(maker, draft, form_key=KEY.format(3), term_due_day="5", **weekly))
    assert list(refused.context["form"].errors) == ["term_due_day"]
    assert maker.post(f"{here}/edit/", typed(maker, draft, form_key=KEY.format(4), **weekly, **late)).status_code == 303
    draft.refresh_from_db()
    assert (draft.terms["frequency"], draft.terms["grace_principal"], draft.fees[0]["method"]) == ("week", 2, "late")
    page = maker.get(f"{here}/examples/")
    assert len(page.context["rows"][0]["tried"].rows) == 52
    assert [each.code for each in page.context["hindrances"]] == ["product_not_reviewed"]
    shown = maker.get(f"{here}/").text
    assert "moves to the next business day" in shown
    assert page_of(desk.cast.loan_officer).get("/products/new/").status_code == 403


def test_averages_stand_beside_the_caps(desk: Any, page_of: Any) -> None:
    loan = desk.loan_now()
    shown = page_of(desk.cast.risk_manager).get("/products/caps/averages/")
    assert [row.cap.code for row in shown.context["averages"]] == [cap.code for cap in caps.holding(loan.starts_on)]
    assert {row.book for row in shown.context["averages"]} == {loan.offer.nominal_rate}


def test_offer_and_quote_say_how_often_is_paid(desk: Any, page_of: Any) -> None:
    from django.utils.timezone import now

    Product.objects.filter(pk=desk.product.pk).update(terms={"frequency": "week", "late_fee": "1.00"}, day_count="actual/365")
    desk.product.refresh_from_db()
    offer = desk.offer(at=now(), term=3)
    client = page_of(desk.cast.loan_officer)
    assert "every week, 13 times" in client.get(f"/offers/{offer.public_id}/").text
    quote = client.get(f"/quotes/{offer.quote.public_id}/").text
    assert "every week, 13 times" in quote
    assert "1.00 each" in quote
    assert offer.quote.term == 3
