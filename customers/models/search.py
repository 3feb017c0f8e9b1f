"""What a customer is searched by."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.lib.policy import Column, Policy
from customers.models.person import Customer


class SearchKeys(models.Model):
    """Keyed hashes of the pieces of a name, of its pinyin, of the last four digits of mobile and card.

    Nothing can be read back from them without the key; who holds a copy of the table without the key learns which rows share a piece.
    """

    POLICY = Policy(
        owner="customers",
        meaning=_("fingerprints by which staff find a customer"),
        retention=_("with the customer"),
        personal={"keys": "C2"},
        open_fields={"keys": _("keyed hashes, cut to 64 bits; they open nothing")},
        level=2,
        kind="C1",
        purposes=("service",),
        basis="contract",
        columns={
            "keys": Column(_("Keyed hashes of parts of name, mobile and card"), mask="text"),
            "rule": _("Version of the rule by which the parts are cut"),
        },
    )

    customer = models.OneToOneField(Customer, primary_key=True, on_delete=models.CASCADE, related_name="search_keys")
    keys = ArrayField(models.BigIntegerField())
    rule = models.PositiveSmallIntegerField(help_text="the version of the cut into pieces")

    class Meta:
        default_permissions = ()
        indexes = [
            # each key stroke of the search asks for rows that hold certain pieces; no pending list, which every search would walk
            GinIndex(fields=["keys"], name="customer_search", fastupdate=False),
        ]

    def __str__(self) -> str:
        return f"search keys of {self.customer_id}"
