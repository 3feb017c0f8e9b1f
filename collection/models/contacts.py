"""Contacts of cases, and the pauses of their work."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from collection.models.case import PAUSE_REASONS, Case, Channel, Outcome
from crm.lib.fields import PublicIdField
from crm.lib.policy import Column, Policy
from customers.models import ContactAttempt, Relation
from governance.fields import SealedTextField
from governance.models import User


class Contact(models.Model):
    """One contact tried or made in a case, and how it ended. The note is sealed: people write names into notes."""

    POLICY = Policy(
        owner="collections",
        meaning=_("contacts with debtors"),
        retention=_("5y after the case closed"),
        personal={"note": "C2"},
        level=2,
        kind="C1",
        purposes=("collections", "compliance"),
        basis="contract",
        columns={
            "note": Column(_("What was said, in words"), mask="text"),
        },
    )

    PERSON = "case__customer"

    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    public_id = PublicIdField(prefix="N")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="contacts", db_index=False)
    channel = models.CharField(max_length=8, choices=Channel)
    outcome = models.CharField(max_length=12, choices=Outcome)
    at = models.DateTimeField()
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    note = SealedTextField("collections.contact.note", null=True, blank=True)
    next_action = models.CharField(max_length=8, choices=Channel)
    next_action_on = models.DateField()
    # whom one turned to: none for the debtor, else who answers for the debt beside them, under their own count
    relation = models.ForeignKey(Relation, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    # what the contact policy counted; none for who called in, and for what was logged before it was kept
    attempt = models.ForeignKey(ContactAttempt, null=True, on_delete=models.PROTECT, related_name="contacts")

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="contact_channel_known", condition=Q(channel__in=Channel.values)),
            models.CheckConstraint(name="contact_next_action_known", condition=Q(next_action__in=Channel.values)),
            models.CheckConstraint(name="contact_outcome_known", condition=Q(outcome__in=Outcome.values)),
        ]
        indexes = [
            models.Index(fields=["case", "-at"], name="contact_of_case"),  # the history of a case, newest first
            models.Index(fields=["actor", "-at"], name="contact_of_actor"),  # what a person did today
            # the talks of who answers beside a debtor, for the count in their own file
            models.Index(fields=["relation"], name="contact_of_relation", condition=Q(relation__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.public_id


class CasePause(models.Model):
    """Why the work on a case waits, and until when. Several may run at once; the work goes on when the last of them is over."""

    POLICY = Policy(
        owner="collections",
        meaning=_("pauses in the work on cases, and why"),
        retention=_("with the case"),
        level=2,
        kind="C1",
        purposes=("collections", "compliance"),
        basis="contract",
        columns={
            "reason": _("Why the work waits"),
            "until": _("Day from which the work goes on"),
        },
    )

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="pauses", db_index=False)
    reason = models.CharField(max_length=10, choices=Case.PauseReason)
    since = models.DateTimeField()
    until = models.DateField()
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="case_pause_reason_known", condition=Q(reason__in=PAUSE_REASONS)),
            models.UniqueConstraint(name="case_pause_once_per_reason", fields=["case", "reason"], condition=Q(ended_at__isnull=True)),
            models.CheckConstraint(
                name="case_pause_end_is_whole",
                condition=Q(ended_at__isnull=True, ended_by__isnull=True) | Q(ended_at__isnull=False, ended_by__isnull=False),
            ),
            models.CheckConstraint(name="case_pause_ends_after_it_began", condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("since"))),
        ]
        indexes = [models.Index(fields=["case", "-id"], name="case_pause_of_case")]  # the history of a case, and what runs

    def __str__(self) -> str:
        return f"{self.case_id} {self.reason}"
