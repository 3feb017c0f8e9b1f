"""Who answers for a debt beside the debtor, over HTTP: as agencies and the house's own machines are told of them."""

from typing import Any

from rest_framework import serializers

from customers.models import Relation

TO_WHOM: dict[str, Any] = {
    "required": False, "allow_blank": True, "default": "", "max_length": 16, "help_text": "id of an obligor; the debtor when left out",
}  # fmt: skip


class ObligorOut(serializers.ModelSerializer):
    """Who answers for the debt beside the debtor and may be turned to, under their own count."""

    id = serializers.CharField(source="public_id")
    role = serializers.CharField(source="kind")
    name = serializers.CharField(source="masked_name")
    mobile = serializers.CharField(source="masked_mobile")

    class Meta:
        model = Relation
        fields = ("id", "role", "name", "mobile")
