"""What roles may be narrowed to: the products, by code."""

from typing import Any

from credit.models import Product
from governance import access


def choices() -> list[tuple[str, Any]]:
    """Return code and name of every product, in its newest version."""
    newest = {product.code: product for product in Product.objects.order_by("code", "version")}
    return [(code, f"{product} ({code})") for code, product in newest.items()]


access.offer_products(choices)
