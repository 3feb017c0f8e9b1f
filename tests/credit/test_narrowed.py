"""A role narrowed to products sees nothing of others: not an application, not an offer, not the product."""

from typing import Any

from credit.models import Application, Offer, Product
from governance.models import Role, User
from tests.fixtures.cast import Cast


def test_a_role_narrowed_to_products_sees_nothing_of_others(cast: Cast, desk: Any) -> None:
    offer = desk.offer()
    assert Offer.objects.visible_to(cast.loan_officer).exists()
    code = offer.application.product.code
    Role.objects.filter(code="loan_officer").update(products=[code])
    Role.objects.filter(code="underwriter").update(products=["another"])
    kept, gone = (User.objects.select_related("role", "team").get(pk=person.pk) for person in (cast.loan_officer, cast.underwriter))
    for model in (Application, Offer, Product):
        assert model.objects.visible_to(kept).exists()
        assert not model.objects.visible_to(gone).exists()
