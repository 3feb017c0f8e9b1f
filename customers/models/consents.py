"""What a customer agreed to, under which words."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.lib.policy import Policy
from customers.models.person import Customer
from governance.models import Partner, User
from governance.models.identity import Channel


class Purpose(models.TextChoices):
    BUREAU = "bureau_query", _("Query of credit bureau reports")
    CONTACT = "service_contact", _("Contact about the service")
    MARKETING = "marketing", _("Marketing")
    SHARING = "sharing", _("Giving data to a named third party")  # separate consent: PIPL art. 23, not verified
    SENSITIVE = "sensitive", _("Use of sensitive data")  # separate consent: PIPL art. 29, not verified


class DataClass(models.TextChoices):
    """What of a person a consent is about."""

    IDENTITY = "identity", _("Identity: name, id number")
    CONTACT = "contact", _("Contact: mobile, e-mail, address")
    FINANCE = "finance", _("Finance: income, debts, bank card")
    CREDIT = "credit", _("Credit: loans, payments, credit report")


class Consent(models.Model):
    """A permission of the customer for one purpose, under one version of a text."""

    POLICY = Policy(
        owner="customers",
        meaning=_("consents and their ends"),
        retention=_("5y after the last contract ended"),
        level=2,
        kind="C1",
        purposes=("compliance",),
        basis="legal_duty",
        columns={
            "purpose": _("What the person agreed to"),
            "text_version": _("Version of the words the person agreed to"),
            "text_hash": _("Hash of these words, so that a change shows"),
            "data_classes": _("What of the person it is about"),
            "effects": _("What stopped when it was withdrawn, and how many times"),
        },
    )

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="consents")
    purpose = models.CharField(max_length=20, choices=Purpose)
    text_version = models.CharField(max_length=20)
    text_hash = models.CharField(max_length=64)
    channel = models.CharField(max_length=8, choices=Channel)
    given_at = models.DateTimeField()
    data_classes = ArrayField(models.CharField(max_length=10, choices=DataClass), default=list, db_default=[])
    recipient = models.ForeignKey(
        Partner, null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="to whom data may go; empty: it stays with us"
    )
    expires_on = models.DateField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    effects = models.JSONField(default=dict, db_default={}, help_text="effect → how many things it stopped")
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                name="consent_one_live_per_purpose",
                fields=["customer", "purpose", "recipient"],
                condition=Q(withdrawn_at__isnull=True),
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="consent_withdrawn_after_given",
                condition=Q(withdrawn_at__isnull=True) | Q(withdrawn_at__gte=models.F("given_at")),
            ),
            models.CheckConstraint(
                name="consent_sharing_names_who",
                condition=Q(purpose="sharing", recipient__isnull=False) | ~Q(purpose="sharing") & Q(recipient__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.text_version}"


class ConsentText(models.Model):
    """The words a customer agreed to, by version; never changed once used."""

    POLICY = Policy(
        owner="customers",
        meaning=_("wording of consents"),
        retention=_("for ever"),
        level=1,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "purpose": _("What the words are about"),
            "version": _("Version of the words"),
            "text_en": _("The words in English"),
            "text_zh": _("The words in Chinese"),
            "valid_days": _("Days a consent under these words lasts"),
            "data_classes": _("What of the person it is about"),
        },
    )

    purpose = models.CharField(max_length=20, choices=Purpose)
    version = models.CharField(max_length=20)
    text_en = models.TextField()
    text_zh = models.TextField()
    sha256 = models.CharField(max_length=64)
    effective_from = models.DateField()
    data_classes = ArrayField(models.CharField(max_length=10, choices=DataClass), default=list, db_default=[])
    valid_days = models.PositiveIntegerField(null=True, help_text="days a consent under this text lasts")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="consent_text_version_once", fields=["purpose", "version"])]

    def __str__(self) -> str:
        return f"{self.purpose} {self.version}"
