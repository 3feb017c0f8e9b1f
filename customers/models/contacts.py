"""What the contact rules count: each attempt to reach a customer, by any channel and any application; and their stops."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.lib.policy import Column, Policy
from customers.models.messages import Message
from customers.models.person import Customer
from customers.models.relations import Relation
from governance.models import User


class ContactChannel(models.TextChoices):
    """Every way of reaching a person that the rules count."""

    CALL = "call", _("Call")
    SMS = "sms", _("SMS")
    EMAIL = "email", pgettext_lazy("channel", "E-mail")
    LETTER = "letter", _("Letter")
    VISIT = "visit", _("Field visit")
    APP = "app", _("Message in the app")


class ContactAttempt(models.Model):
    """One attempt from our side, connected or not; what the customer begins is not counted.

    A call that was begun is there before anybody answers: with `open_until` set it counts as one that connected, until its end is told or
    its day is over. Insert-only but for that. `number_key` is the number that was dialled: the one on file may be another one meanwhile.
    """

    POLICY = Policy(
        owner="customers",
        meaning=_("attempts to reach a customer, for the contact rules"),
        retention=_("5y"),
        personal={"number_key": "C2"},
        open_fields={"number_key": _("a keyed hash, from which the number cannot be read")},
        level=2,
        kind="C1",
        purposes=("service", "collections", "compliance"),
        basis="legal_duty",
        columns={
            "connected": _("Whether somebody answered"),
            "purpose": _("What the contact was for"),
            "open_until": _("Until when a call under way holds its place; untold after that, it counts as answered on its day"),
            "number_key": Column(_("Keyed hash of the number that was dialled"), mask="text"),
        },
    )

    PERSON = "customer"

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+", db_index=False)
    channel = models.CharField(max_length=8, choices=ContactChannel)
    at = models.DateTimeField()
    connected = models.BooleanField(default=False, help_text="somebody answered")
    open_until = models.DateTimeField(null=True, blank=True, help_text="a call under way; none once its end is told")
    relation = models.ForeignKey(
        "customers.Relation", null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False,
        help_text="who answers for the debt beside the customer; counted by themselves",
    )  # fmt: skip
    purpose = models.CharField(max_length=10)
    key = models.CharField(max_length=120, help_text="names the attempt: counted once however often it is told")
    message = models.ForeignKey(Message, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    actor = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    number_key = models.CharField(max_length=64, blank=True, default="")

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="contact_attempt_once", fields=["key"]),
            models.CheckConstraint(
                name="contact_attempt_channel_known", condition=Q(channel__in=["call", "sms", "email", "letter", "visit", "app"])
            ),
        ]
        indexes = [models.Index(fields=["customer", "at"], name="contact_attempt_of_customer")]  # the gate's count of a day and a week

    def __str__(self) -> str:
        return f"{self.channel} {self.at:%Y-%m-%d %H:%M}"


class ContactBar(models.Model):
    """A stop: the customer's wish, or an address that is somebody else's. Holds until it is lifted."""

    POLICY = Policy(
        owner="customers",
        meaning=_("ways by which a customer is not to be reached"),
        retention=_("5y after lifting"),
        level=2,
        kind="C1",
        purposes=("service", "collections", "compliance"),
        basis="legal_duty",
        columns={
            "reason": _("Why this way is barred"),
        },
    )

    class Reason(models.TextChoices):
        STOP = "stop", _("The customer asked us to stop")
        WRONG_NUMBER = "wrong_number", _("It belongs to somebody else")
        VULNERABLE = "vulnerable", _("The customer needs special care")
        DECEASED = "deceased", _("The customer has died")

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="contact_bars", db_index=False)
    channel = models.CharField(max_length=8, choices=ContactChannel)
    reason = models.CharField(max_length=12, choices=Reason)
    since = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                name="contact_bar_one_per_channel", fields=["customer", "channel"], condition=Q(lifted_at__isnull=True)
            ),
            models.CheckConstraint(
                name="contact_bar_reason_known", condition=Q(reason__in=["stop", "wrong_number", "vulnerable", "deceased"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.reason}"


class OneTimeCode(models.Model):
    """A six-digit code on its way to a customer, for one subject and purpose; only its keyed hash is kept."""

    POLICY = Policy(
        owner="customers",
        meaning=_("codes that prove a customer holds the mobile on file"),
        retention=_("90d"),
        personal={"digest": "C3"},
        open_fields={"digest": _("a keyed hash, worthless after five minutes")},
        level=2,
        kind="C1",
        purposes=("service",),
        basis="contract",
        columns={
            "subject": _("What the code is for, as an id"),
            "purpose": _("What the code proves"),
            "salt": _("Random part of the hash"),
            "digest": Column(_("Keyed hash of the code"), mask="text"),
            "tries": _("How often a wrong code was typed"),
        },
    )

    subject = models.CharField(max_length=80, help_text="what is confirmed, such as an offer's public id")
    purpose = models.CharField(max_length=30)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+", db_index=False)
    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="+", db_index=False)
    salt = models.UUIDField()
    digest = models.CharField(max_length=64)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True, help_text="replaced by a later code, or tried too often")

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                name="one_time_code_one_live",
                fields=["customer", "subject", "purpose"],
                condition=Q(used_at__isnull=True, ended_at__isnull=True),
            ),
            models.CheckConstraint(name="one_time_code_tries_bounded", condition=Q(tries__lte=5)),
        ]
        indexes = [models.Index(fields=["customer", "-issued_at"], name="one_time_code_of_customer")]  # the rate limit

    def __str__(self) -> str:
        return f"{self.purpose} {self.subject}"


class RelationStop(models.Model):
    """A way by which who answers beside a customer, and has no file of their own, asked not to be reached. Holds until it is lifted."""

    POLICY = Policy(
        owner="customers",
        meaning=_("ways by which somebody beside a customer is not to be reached"),
        retention=_("5y after lifting"),
        level=2,
        kind="C1",
        purposes=("service", "collections", "compliance"),
        basis="legal_duty",
    )

    PERSON = "relation__customer"

    relation = models.ForeignKey(Relation, on_delete=models.PROTECT, related_name="stops", db_index=False)
    channel = models.CharField(max_length=8, choices=ContactChannel)
    since = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                name="relation_stop_one_per_channel", fields=["relation", "channel"], condition=Q(lifted_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"{self.relation_id} {self.channel}"
