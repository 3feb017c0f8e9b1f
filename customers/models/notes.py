"""What staff write down about a customer."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.lib.policy import Column, Policy
from customers.models.person import Customer
from governance.fields import SealedTextField
from governance.models import User


class Note(models.Model):
    """Free text by staff about a customer; sealed, because people write names into notes."""

    POLICY = Policy(
        owner="customers",
        meaning=_("notes by staff"),
        retention=_("5y after the last contract ended"),
        personal={"text": "C2"},
        level=2,
        kind="C1",
        purposes=("service",),
        basis="contract",
        columns={
            "text": Column(_("What a member of staff wrote"), mask="text"),
        },
    )

    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="notes", db_index=False)
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    text = SealedTextField("customers.note.text")
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["customer", "-at"], name="note_of_customer")]  # the timeline

    def __str__(self) -> str:
        return f"note {self.pk}"
