"""What customers answer to our messages: kept once each, whoever the number belongs to."""

import uuid
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.lib.fields import PublicIdField
from crm.lib.policy import Column, Policy
from customers.models.messages import Message, MessageChannel
from customers.models.person import Customer
from customers.permissions import ANSWER_REPLY
from governance.fields import FingerprintField, SealedTextField
from governance.models import User
from governance.scope import ScopedQuerySet


class ReplyQuerySet(ScopedQuerySet["Reply"]):
    """An answer belongs to whoever answers for its customer; one of nobody we know to everybody who sees to answers."""

    scope_owner = "customer__owner"
    scope_team = "customer__branch"

    def reached_by(self, user: Any) -> Self:
        rows = super().reached_by(user)
        return rows | self.filter(customer__isnull=True) if user.has_perm(ANSWER_REPLY) else rows

    def for_list(self) -> Self:
        """Join what a list row shows."""
        return self.select_related("customer", "message__template", "read_by")

    def open(self) -> Self:
        """Narrow to what nobody has read yet."""
        return self.filter(status=Reply.Status.OPEN)


class Reply(models.Model):
    """One answer by text, mail, in the app or to an automatic call. `external_id` is the gateway's own name of it: the same is never heard twice.

    A number nobody has is kept too, without a customer: it may turn out to be somebody's.
    """

    POLICY = Policy(
        owner="customers",
        meaning=_("answers of customers to messages"),
        retention=_("5y"),
        personal={"address": "C2", "number_key": "C2", "text": "C2"},
        open_fields={"number_key": _("a keyed hash, from which the number cannot be read")},
        level=2,
        kind="C1",
        purposes=("service", "collections", "compliance"),
        basis="contract",
        columns={
            "external_id": _("What the gateway calls it"),
            "kind": _("What it says, by the words of the rule book"),
            "address": Column(_("Number or mail address it came from"), mask="text"),
            "number_key": Column(_("Keyed hash of the number it came from"), mask="text"),
            "text": Column(_("Words of the answer"), mask="text"),
        },
    )

    class Kind(models.TextChoices):
        STOP = "stop", _("Asks us to stop")
        START = "start", _("Opens the channel again")
        WRONG = "wrong", _("Says the number is somebody else's")
        PAID = "paid", _("Says it was paid")
        OTHER = "other", pgettext_lazy("reply", "To be read")

    class Status(models.TextChoices):
        OPEN = "open", pgettext_lazy("reply", "To be read")
        DONE = "done", pgettext_lazy("reply", "Read")

    MOVES: ClassVar[dict[str, set[str]]] = {Status.OPEN: {Status.DONE}, Status.DONE: set()}
    TONES: ClassVar[dict[str, str]] = {"open": "caution", "done": "good"}

    public_id = PublicIdField(prefix="RY")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    customer = models.ForeignKey(Customer, null=True, blank=True, on_delete=models.PROTECT, related_name="replies", db_index=False)
    message = models.ForeignKey(
        Message, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False, help_text="what it answers, if known"
    )
    channel = models.CharField(max_length=8, choices=MessageChannel)
    external_id = models.CharField(max_length=100)
    kind = models.CharField(max_length=5, choices=Kind)
    status = models.CharField(max_length=4, choices=Status)
    address = SealedTextField("customers.reply.address")
    # the customer's own label, so that the number is found among customers without opening either
    number_key = FingerprintField(source="number", label="customers.customer.mobile", inside="address")
    text = SealedTextField("customers.reply.text")
    at = models.DateTimeField(help_text="when we heard it")
    read_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    read_at = models.DateTimeField(null=True, blank=True)

    objects = ReplyQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="reply_heard_once", fields=["channel", "external_id"]),
            models.CheckConstraint(name="reply_status_known", condition=Q(status__in=["open", "done"])),
            models.CheckConstraint(name="reply_kind_known", condition=Q(kind__in=["stop", "start", "wrong", "paid", "other"])),
        ]
        indexes = [
            models.Index(fields=["customer", "-id"], name="reply_of_customer"),
            models.Index(fields=["-id"], name="reply_open", condition=Q(status="open")),  # the list of what is to be read
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def number(self) -> str:
        """Return the telephone number it came from, "" for what came otherwise."""
        return self.address if self.channel in (MessageChannel.SMS, MessageChannel.IVR) else ""
