"""Recordings of calls: where one lies, what it was, what was said in it, until when it is kept at least."""

import uuid
from datetime import timedelta
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from collection.models.case import Case
from collection.models.contacts import Contact
from crm.lib.fields import PublicIdField
from crm.lib.policy import SUMMED, Column, Policy
from customers.models import ContactAttempt
from governance.fields import SealedTextField
from governance.models import User
from governance.models.identity import Scope
from governance.scope import ScopedQuerySet

FIVE_YEARS = timedelta(days=5 * 365 + 2)  # what the house promises at least; the rule book may say longer


class OfCaseQuerySet(ScopedQuerySet[Any]):
    """Scope: that of the case; with scope *own* those of the cases one works, and what one made oneself."""

    scope_owner = "actor"
    scope_team = "case__branch"
    scope_customer = "case__customer"

    def reached_by(self, user: Any) -> Self:
        if user.scope == Scope.OWN:
            return self.filter(Q(actor=user.pk) | Q(case__in=Case.objects.reached_by(user)))
        return super().reached_by(user)

    def of_entity(self, user: Any) -> Self:
        return self.filter(case__legal_entity=user.team.legal_entity_id) if user.team_id else self


class Recording(models.Model):
    """What was recorded of one call. The file lies sealed in the house's storage, or stays with the telephone system under `reference`."""

    POLICY = Policy(
        owner="collections",
        meaning=_("recordings of calls with debtors"),
        retention=_("at least 5y after the call, then with the case"),
        personal={"transcript": "C2"},
        level=3,
        kind="C2",
        purposes=("collections", "compliance"),
        basis="legal_duty",
        lies_open=SUMMED,
        columns={
            "reference": _("Name of the call in the telephone system"),
            "media_type": _("Kind of file"),
            "sha256": _("SHA-256 of the recorded sound"),
            "seconds": _("How long it runs, seconds"),
            "transcript": Column(_("What was said, in words"), mask="text"),
            "recorded_on": _("Day of the call"),
            "kept_until": _("Day until which it is kept at least"),
            "forgotten_at": _("When the sound was deleted"),
        },
    )
    PERSON = "case__customer"
    FILE_LABEL = "collections.recording.content"

    public_id = PublicIdField(prefix="RD")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="recordings", db_index=False)
    attempt = models.ForeignKey(ContactAttempt, null=True, blank=True, on_delete=models.PROTECT, related_name="recordings")
    contact = models.ForeignKey(Contact, null=True, blank=True, on_delete=models.PROTECT, related_name="recordings")
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    reference = models.CharField(max_length=80, unique=True, help_text="what the telephone system calls it: told twice it is one recording")
    started_at = models.DateTimeField()
    seconds = models.PositiveIntegerField(default=0)
    # none where the sound stays with the telephone system
    storage_key = models.CharField(max_length=80, unique=True, null=True, blank=True)
    media_type = models.CharField(max_length=40, blank=True, default="")
    size = models.PositiveIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    transcript = SealedTextField("collections.recording.transcript", null=True, blank=True)
    recorded_on = models.DateField()
    kept_until = models.DateField()
    forgotten_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = OfCaseQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="recording_kept_five_years", condition=Q(kept_until__gte=F("recorded_on") + FIVE_YEARS)),
            models.CheckConstraint(
                name="recording_file_is_whole",
                condition=Q(storage_key__isnull=True) | (~Q(sha256="") & ~Q(media_type="") & Q(size__gt=0)),
            ),
        ]
        indexes = [
            models.Index(fields=["case", "-id"], name="recording_of_case"),
            models.Index(fields=["kept_until"], name="recording_ends", condition=Q(forgotten_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return self.public_id
