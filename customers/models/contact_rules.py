"""What the gate of contact said, and what was agreed with a person about it: verdicts, agreed hours, numbers that are somebody else's."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crm.lib.fields import PublicIdField
from crm.lib.policy import Column, Policy
from customers.models.contacts import ContactAttempt, ContactChannel
from customers.models.person import Customer
from customers.models.relations import Relation
from governance.fields import SealedTextField
from governance.models import User


class Party(models.TextChoices):
    """Who answers for the debt; each is counted by themselves."""

    DEBTOR = "debtor", _("Debtor")
    GUARANTOR = "guarantor", _("Guarantor")
    CO_BORROWER = "co_borrower", _("Co-borrower")
    THIRD = "third", _("Third party")


class ContactVerdict(models.Model):
    """What the gate said of one contact: the verdict, the rule, and everything it was said from. Insert-only."""

    POLICY = Policy(
        owner="customers",
        meaning=_("verdicts of the contact policy, with what they were made from"),
        retention=_("5y"),
        level=2,
        kind="C1",
        purposes=("service", "collections", "compliance"),
        basis="legal_duty",
        columns={
            "party": _("Whether the debtor, a guarantor or a co-borrower was to be reached"),
            "purpose": _("What the contact was for"),
            "verdict": _("Allowed, to be done later, or refused"),
            "rule": _("The rule that refused, by its code"),
            "pack": _("Rule pack that was in force"),
            "inputs": _("Counts, limits and the person's clock at that moment"),
            "subject": _("What the contact was about, as a public id"),
        },
    )

    class Kind(models.TextChoices):
        ALLOW = "allow", _("Allowed")
        WAIT = "wait", _("Later")
        BLOCK = "block", _("Refused")

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+", db_index=False)
    relation = models.ForeignKey(Relation, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    party = models.CharField(max_length=12, choices=Party, default=Party.DEBTOR)
    channel = models.CharField(max_length=8, choices=ContactChannel)
    purpose = models.CharField(max_length=10)
    at = models.DateTimeField()
    verdict = models.CharField(max_length=5, choices=Kind)
    rule = models.CharField(max_length=60, blank=True)
    opens_at = models.DateTimeField(null=True)
    pack = models.CharField(max_length=20)
    inputs = models.JSONField(default=dict)
    subject = models.CharField(max_length=40, blank=True)
    actor = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    attempt = models.ForeignKey(ContactAttempt, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="contact_verdict_is_whole",
                condition=Q(verdict="allow", rule="", opens_at__isnull=True)
                | (Q(verdict="wait", opens_at__isnull=False) & ~Q(rule=""))
                | (Q(verdict="block", opens_at__isnull=True) & ~Q(rule="")),
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-at"], name="contact_verdict_of_customer"),  # what was asked about one person
            models.Index(fields=["-at"], name="contact_verdict_refused", condition=~Q(verdict="allow")),  # refusals of the last days
        ]

    def __str__(self) -> str:
        return f"{self.verdict} {self.channel} {self.at:%Y-%m-%d %H:%M}"


class AgreedWindow(models.Model):
    """Hours of a person's own: agreed beyond the rules, with evidence, or asked to be left out. Ended, never deleted."""

    POLICY = Policy(
        owner="customers",
        meaning=_("hours of contact agreed with a person, or asked to be left out"),
        retention=_("5y after it ended"),
        personal={"evidence": "C2"},
        level=2,
        kind="C1",
        purposes=("service", "collections", "compliance"),
        basis="contract",
        columns={
            "kind": _("Whether the hours were agreed, or asked to be left out"),
            "source": _("How it was agreed"),
            "evidence": Column(_("Where the agreement can be heard or read"), mask="text"),
            "opens": _("Hour from which it holds, by the person's clock"),
            "closes": _("Hour until which it holds, by the person's clock"),
            "since": _("First day it holds"),
            "until": _("Last day it holds"),
        },
    )

    class Kind(models.TextChoices):
        AGREED = "agreed", _("May be contacted")
        LEFT_OUT = "left_out", _("Not to be contacted")

    class Source(models.TextChoices):
        RECORDING = "recording", _("Recorded call")
        MESSAGE = "message", _("Message from the customer")
        LETTER = "letter", _("Letter from the customer")
        FORM = "form", _("Signed form")

    PERSON = "customer"

    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    public_id = PublicIdField(prefix="AW")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="agreed_windows", db_index=False)
    kind = models.CharField(max_length=8, choices=Kind)
    opens = models.TimeField()
    closes = models.TimeField()
    since = models.DateField()
    until = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=10, choices=Source)
    evidence = SealedTextField("customers.agreedwindow.evidence")
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    made_at = models.DateTimeField()
    ended_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    ended_at = models.DateTimeField(null=True)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="agreed_window_has_hours", condition=Q(closes__gt=F("opens"))),
            models.CheckConstraint(name="agreed_window_ends_later", condition=Q(until__isnull=True) | Q(until__gte=F("since"))),
            models.CheckConstraint(
                name="agreed_window_end_is_whole",
                condition=Q(ended_at__isnull=True, ended_by__isnull=True) | Q(ended_at__isnull=False, ended_by__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["customer"], name="agreed_window_of_customer", condition=Q(ended_at__isnull=True)),  # the gate's look
        ]

    def __str__(self) -> str:
        return self.public_id


class BarredNumber(models.Model):
    """A telephone number that proved to be somebody else's: barred for every file that has it, until it is lifted."""

    POLICY = Policy(
        owner="customers",
        meaning=_("telephone numbers that belong to somebody else"),
        retention=_("5y after lifting"),
        personal={"number_key": "C2"},
        open_fields={"number_key": _("a keyed hash, from which the number cannot be read")},
        level=2,
        kind="C1",
        purposes=("service", "collections", "compliance"),
        basis="legal_duty",
        columns={
            "number_key": Column(_("Keyed hash of the number"), mask="text"),
        },
    )

    PERSON = "customer"

    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="+", db_index=False, help_text="in whose file it was found"
    )
    number_key = models.CharField(max_length=64)
    since = models.DateTimeField()
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    lifted_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    lifted_at = models.DateTimeField(null=True)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="barred_number_once", fields=["number_key"], condition=Q(lifted_at__isnull=True)),
            models.CheckConstraint(
                name="barred_number_end_is_whole",
                condition=Q(lifted_at__isnull=True, lifted_by__isnull=True) | Q(lifted_at__isnull=False, lifted_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"number {self.pk}"
