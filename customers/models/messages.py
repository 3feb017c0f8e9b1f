"""What we write to customers: templates by version, and every message with what became of it."""

import uuid
from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.lib.fields import PublicIdField
from crm.lib.policy import Column, Policy
from customers.models.person import Customer
from governance.fields import SealedTextField
from governance.models import User
from governance.models.identity import chinese
from governance.scope import ScopedQuerySet


class MessageChannel(models.TextChoices):
    """The written channels; telephone calls are not messages."""

    SMS = "sms", _("SMS")
    EMAIL = "email", pgettext_lazy("channel", "E-mail")
    APP = "app", _("Message in the app")
    IVR = "ivr", _("Automatic call")


class MessagePurpose(models.TextChoices):
    """Why we write: it decides which rules of contact apply and what goes first."""

    CODE = "code", _("One-time code")
    SERVICE = "service", _("Service")
    REMINDER = "reminder", _("Reminder")
    COLLECTION = "collection", _("Collection")
    MARKETING = "marketing", _("Marketing")
    CONFIRM = "confirm", _("Confirmation of a stop")


class MessageTemplate(models.Model):
    """One version of the words of a message in one channel, in both languages: a draft, then live by the word of a second person.

    A version that was live is not edited.
    """

    POLICY = Policy(
        owner="customers",
        meaning=_("wording of messages, by version"),
        retention=_("for ever"),
        level=1,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "subject_en": _("Subject in English"),
            "subject_zh": _("Subject in Chinese"),
            "body_en": _("Words in English"),
            "body_zh": _("Words in Chinese"),
            "placeholders": _("What is filled in"),
        },
    )

    class Status(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("template", "Draft")
        PROPOSED = "proposed", pgettext_lazy("template", "Waits for approval")
        LIVE = "live", pgettext_lazy("template", "Live")
        RETIRED = "retired", pgettext_lazy("template", "Retired")
        DROPPED = "dropped", pgettext_lazy("template", "Dropped")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.DRAFT: {Status.PROPOSED, Status.DROPPED},
        Status.PROPOSED: {Status.LIVE, Status.DRAFT},
        Status.LIVE: {Status.RETIRED},
        Status.RETIRED: set(),
        Status.DROPPED: set(),
    }
    TONES: ClassVar[dict[str, str]] = {"proposed": "caution", "live": "good"}
    UNDER_WAY = ("draft", "proposed")

    public_id = PublicIdField(prefix="E")
    code = models.CharField(max_length=40)
    channel = models.CharField(max_length=8, choices=MessageChannel)
    version = models.PositiveIntegerField()
    status = models.CharField(max_length=8, choices=Status, default=Status.LIVE)
    subject_en = models.CharField(max_length=200, blank=True, default="")
    subject_zh = models.CharField(max_length=200, blank=True, default="")
    body_en = models.TextField()
    body_zh = models.TextField()
    placeholders = ArrayField(models.CharField(max_length=30), default=list, help_text="what may stand in the text, as declared")
    created_at = models.DateTimeField()
    made_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    approved_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    approved_at = models.DateTimeField(null=True, blank=True)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                name="message_template_one_under_way", fields=["code", "channel"], condition=Q(status__in=["draft", "proposed"])
            ),
            models.UniqueConstraint(name="message_template_version_once", fields=["code", "channel", "version"]),
            models.UniqueConstraint(name="message_template_one_live", fields=["code", "channel"], condition=Q(status="live")),
            models.CheckConstraint(
                name="message_template_status_known", condition=Q(status__in=["draft", "proposed", "live", "retired", "dropped"])
            ),
            models.CheckConstraint(name="message_template_channel_known", condition=Q(channel__in=["sms", "email", "app", "ivr"])),
            models.CheckConstraint(
                name="message_template_mail_has_subject", condition=~Q(channel="email") | (~Q(subject_en="") & ~Q(subject_zh=""))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.channel} v{self.version}"

    @property
    def body(self) -> str:
        return self.body_zh if chinese() else self.body_en

    @property
    def subject(self) -> str:
        return self.subject_zh if chinese() else self.subject_en


class MessageQuerySet(ScopedQuerySet["Message"]):
    """A message belongs to whoever answers for its customer."""

    scope_owner = "customer__owner"
    scope_team = "customer__branch"

    def for_list(self) -> Self:
        """Join what a list row shows."""
        return self.select_related("customer", "template")

    def stuck(self) -> Self:
        """Narrow to what waits for a person: failed or parked."""
        return self.filter(status__in=Message.STUCK)


class Message(models.Model):
    """One text to one customer by one channel, at most once.

    `key` names the occasion and is unique for ever. Text and address are filled in when it is sent, sealed, and stay as they
    were sent; of a one-time code the text goes again once it is out.
    """

    POLICY = Policy(
        owner="customers",
        meaning=_("messages to customers and what became of them"),
        retention=_("5y after the last contract ended"),
        personal={"address": "C2", "subject": "C2", "text": "C2"},
        level=2,
        kind="C1",
        purposes=("service", "collections", "marketing"),
        basis="contract",
        columns={
            "purpose": _("What the message is for"),
            "address": Column(_("Number or mail address it goes to"), mask="text", shared_with=("gateway",)),
            "subject": Column(_("Subject as it was sent"), mask="text", shared_with=("gateway",)),
            "text": Column(_("Words as they were sent"), mask="text", shared_with=("gateway",)),
            "priority": _("Which messages go first"),
            "rounds": _("How often it was sent anew"),
            "problem": _("Why it could not be sent, as a code"),
            "receipt": _("What the gateway calls it"),
        },
    )

    class Status(models.TextChoices):
        PLANNED = "planned", pgettext_lazy("message", "Planned")
        WAITING = "waiting", pgettext_lazy("message", "Waiting")
        SENDING = "sending", pgettext_lazy("message", "Sending")
        SENT = "sent", pgettext_lazy("message", "Sent")
        DELIVERED = "delivered", pgettext_lazy("message", "Delivered")
        FAILED = "failed", pgettext_lazy("message", "Failed")
        PARKED = "parked", pgettext_lazy("message", "Parked")
        CANCELLED = "cancelled", pgettext_lazy("message", "Cancelled")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.PLANNED: {Status.SENDING, Status.WAITING, Status.FAILED, Status.CANCELLED},
        Status.WAITING: {Status.SENDING, Status.SENT, Status.WAITING, Status.FAILED, Status.CANCELLED},
        Status.SENDING: {Status.SENT, Status.WAITING, Status.FAILED, Status.PARKED},
        Status.SENT: {Status.DELIVERED, Status.FAILED},
        Status.DELIVERED: set(),
        Status.FAILED: {Status.WAITING, Status.CANCELLED},
        Status.PARKED: {Status.WAITING, Status.CANCELLED},
        Status.CANCELLED: set(),
    }
    TONES: ClassVar[dict[str, str]] = {"waiting": "caution", "sending": "info", "sent": "info", "delivered": "good"}
    OPEN = ("planned", "waiting")
    STUCK = ("failed", "parked")

    public_id = PublicIdField(prefix="MS")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    # No constraint in the database: its check would lock, and so rewrite, the row of every borrower whom a planning writes to (a third
    # of the time it took). Messages are made from customers' rows, and customers are never deleted.
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="messages", db_index=False, db_constraint=False)
    template = models.ForeignKey(MessageTemplate, on_delete=models.PROTECT, related_name="+", db_index=False)
    instead_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="others", db_index=False,
        help_text="the first message of its occasion, which could not be delivered",
    )  # fmt: skip
    channel = models.CharField(max_length=8, choices=MessageChannel)
    purpose = models.CharField(max_length=10, choices=MessagePurpose)
    key = models.CharField(max_length=120)
    status = models.CharField(max_length=9, choices=Status, default=Status.PLANNED, db_default=Status.PLANNED)
    priority = models.PositiveSmallIntegerField(default=5, db_default=5, help_text="0 goes first")
    language = models.CharField(max_length=10, blank=True, default="", db_default="")
    address = SealedTextField("customers.message.address", null=True)
    subject = SealedTextField("customers.message.subject", null=True, identifies=False)
    text = SealedTextField("customers.message.text", null=True)

    planned_at = models.DateTimeField()
    due_at = models.DateTimeField(help_text="not before; moves when a rule of contact makes it wait")
    claimed_at = models.DateTimeField(null=True, blank=True)
    tried_at = models.DateTimeField(null=True, blank=True, help_text="set before a mail leaves: from here on it may have gone out")
    sent_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True, help_text="delivered, failed, parked or cancelled")
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    rounds = models.PositiveSmallIntegerField(default=0, db_default=0, help_text="how often a person had it sent again")
    problem = models.CharField(max_length=60, blank=True, default="", db_default="", help_text="code of what keeps or kept it")
    receipt = models.CharField(max_length=64, blank=True, default="", db_default="")

    objects = MessageQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="message_once_per_key", fields=["key"]),
            # what goes instead of a message goes once by each channel, and never by its own
            models.UniqueConstraint(
                name="message_once_per_other_way", fields=["instead_of", "channel"], condition=Q(instead_of__isnull=False)
            ),
            models.CheckConstraint(
                name="message_status_known",
                condition=Q(status__in=["planned", "waiting", "sending", "sent", "delivered", "failed", "parked", "cancelled"]),
            ),
            models.CheckConstraint(name="message_channel_known", condition=Q(channel__in=["sms", "email", "app", "ivr"])),
            models.CheckConstraint(
                name="message_sending_was_claimed", condition=~Q(status="sending") | Q(claimed_at__isnull=False, address__isnull=False)
            ),
            models.CheckConstraint(
                name="message_sent_has_moment", condition=~Q(status__in=["sent", "delivered"]) | Q(sent_at__isnull=False)
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-id"], name="message_of_customer"),  # the panel, newest first
            # the sender's question: what of a channel is due, codes first
            models.Index(
                fields=["channel", "priority", "due_at", "id"], name="message_due", condition=Q(status__in=["planned", "waiting"])
            ),
            # the sweeper's question: whose sender died
            models.Index(fields=["claimed_at"], name="message_claimed", condition=Q(status="sending")),
            # the supervisor's list: what waits for a person
            models.Index(fields=["-id"], name="message_stuck", condition=Q(status__in=["failed", "parked"])),
        ]

    def __str__(self) -> str:
        return self.public_id
