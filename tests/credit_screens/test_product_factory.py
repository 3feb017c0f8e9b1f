"""The product factory as people use it: every page, typed input kept, a stale page told."""

from typing import Any

from django.urls import reverse

from credit.models import Product
from governance.models import ChangeRequest

KEY = "11111111-1111-4111-8111-{:012}"


def typed(client: Any, product: Product, **changed: Any) -> dict[str, Any]:
    """Return what the form of a draft holds as it stands, changed."""
    form = client.get(f"/products/{product.public_id}/edit/").context["form"]
    values = {bound.html_name: bound.value() for bound in form}
    return {name: value for name, value in values.items() if value is not None and value is not False} | changed


def test_a_version_goes_through_every_page_to_sale(desk: Any, page_of: Any) -> None:
    maker, checker = page_of(desk.cast.risk_manager), page_of(desk.cast.compliance)
    live = desk.product
    assert maker.post(f"/products/{live.public_id}/new-version/").status_code == 303
    draft = Product.objects.get(code=live.code, version=2)
    assert "Draft" in maker.get("/products/").text
    here = f"/products/{draft.public_id}"
    mark = typed(maker, draft)["mark"]

    wrong = maker.post(
        f"{here}/edit/", typed(maker, draft, term_min="99", term_down_payment="2", form_key=KEY.format(1), name_en="Kept words")
    )
    assert wrong.status_code == 422
    assert "Kept words" in wrong.text
    assert {"term_max"} <= set(wrong.context["form"].errors)
    deducted = {"fee_1_method": "deducted", "fee_1_name_en": "F", "fee_1_name_zh": "费", "fee_1_rate": "3"}
    refused = maker.post(f"{here}/edit/", typed(maker, draft, form_key=KEY.format(2), **deducted))
    assert "第六百七十条" in refused.text

    good = {"rate_A": "9.8", "examples": "12,000, 12, A\n30000, 24, e", "form_key": KEY.format(3)}
    assert maker.post(f"{here}/edit/", typed(maker, draft, **good)).status_code == 303
    draft.refresh_from_db()
    assert (draft.rates_by_grade["A"], draft.examples[1]) == ("0.098000", {"amount": "30000.00", "term": 24, "grade": "E"})
    stale = maker.post(f"{here}/edit/", typed(maker, draft, mark=mark, offer_days="9", form_key=KEY.format(4)))
    assert stale.status_code == 409
    assert stale.context["form"]["offer_days"].value() == "9"

    shown = maker.get(f"{here}/examples/")
    assert [row["tried"].passes for row in shown.context["rows"]] == [True, True]
    assert shown.context["current"] == live
    assert [each.code for each in shown.context["hindrances"]] == ["product_not_reviewed"]
    assert maker.get(f"{here}/review/").status_code == 403

    points = dict.fromkeys(checker.get(f"{here}/review/").context["points"], "on")
    assert checker.post(f"{here}/review/", {"form_key": KEY.format(5)}).status_code == 422
    assert checker.post(f"{here}/review/", points | {"form_key": KEY.format(6)}).status_code == 303
    assert maker.post(f"{here}/release/", {"reason": "better", "form_key": KEY.format(7), "do": "release"}).status_code == 303
    change = ChangeRequest.objects.get(kind="credit.product")
    told = checker.get(reverse("change", args=[change.public_id])).text
    assert "A 9.80%" in told
    checker.post(reverse("change-answer", args=[change.public_id]), {"do": "confirm", "answer": "", "form_key": "k"})
    draft.refresh_from_db()
    assert draft.live
    for path in (f"{here}/", f"{here}/examples/", f"{here}/release/", f"/products/{live.public_id}/", "/products/"):
        assert maker.get(path).status_code == 200, path


def test_a_flat_fee_version_shows_what_it_really_costs(desk: Any, page_of: Any) -> None:
    from credit import product_factory
    from credit.product_written import written
    from tests.fixtures.cast import NOON

    told = {"actor": desk.cast.risk_manager, "at": NOON}
    draft = product_factory.new_version(desk.product, **told)
    example = [{"amount": "12000.00", "term": 12, "grade": "D"}]
    product_factory.write(draft, written(draft) | {"method": "flat_fee", "day_count": "actual/actual", "examples": example}, **told)
    page = page_of(desk.cast.auditor).get(f"/products/{draft.public_id}/examples/")
    assert "A flat fee is counted on the original principal" in page.text
    assert "broken" in page.text
    assert page_of(desk.cast.auditor).get(f"/products/{draft.public_id}/").status_code == 200
    assert page_of(desk.cast.loan_officer).get(f"/products/{draft.public_id}/edit/").status_code == 403
