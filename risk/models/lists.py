"""Entries of the black, grey and watch lists: keyed fingerprints, never the value itself."""

import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.lib.fields import PublicIdField
from crm.lib.policy import Column, Policy
from governance.fields import SealedTextField
from governance.models import User


class ListEntryQuerySet(models.QuerySet["ListEntry"]):
    def visible_to(self, user: Any) -> "ListEntryQuerySet":
        """Narrow to what `user` may list: who holds the permission sees every list; rows carry no value, only its mask."""
        return self

    def for_list(self) -> "ListEntryQuerySet":
        """Name the joins of a list row."""
        return self.select_related("added_by", "confirmed_by", "ended_by", "end_confirmed_by")

    def holding(self, on: Any) -> "ListEntryQuerySet":
        """Narrow to entries that count on a day."""
        return self.filter(Q(until__isnull=True) | Q(until__gt=on), since__lte=on, ended_at__isnull=True)


class ListEntry(models.Model):
    """One thing on a list: an id number, mobile, device, address or employer, by its keyed fingerprint, with reason, source and dates.

    The reasons are sealed: people write names into them.
    """

    POLICY = Policy(
        owner="risk",
        meaning=_("entries of the black, grey and watch lists"),
        retention=_("5y after it ended"),
        personal={"reason": "C2", "end_reason": "C2"},
        level=2,
        kind="C1",
        purposes=("underwriting", "compliance"),
        basis="legal_duty",
        columns={
            "list": _("Which list it stands on"),
            "what": _("What kind of value it is"),
            "key": _("Keyed fingerprint of the value, by which it is found"),
            "masked": _("The value as it is shown, masked"),
            "reason": Column(_("Why it was put on the list"), mask="text"),
            "source": _("Where it comes from"),
            "since": _("The day from which it counts"),
            "until": _("The day from which it counts no more"),
            "end_reason": Column(_("Why it was taken off"), mask="text"),
        },
    )

    class List(models.TextChoices):
        BLACK = "black", _("Blacklist")
        GREY = "grey", _("Greylist")
        WATCH = "watch", _("Watch list")

    class What(models.TextChoices):
        ID_NUMBER = "id_number", _("Id number")
        MOBILE = "mobile", _("Mobile")
        DEVICE = "device", _("Device")
        ADDRESS = "address", _("Address")
        EMPLOYER = "employer", _("Employer")

    class Source(models.TextChoices):
        OWN = "own", _("Own case")
        POLICE = "police", _("Police or court")
        PARTNER = "partner", _("Partner")
        CONSORTIUM = "consortium", _("Consortium")
        OTHER = "other", pgettext_lazy("source", "Another source")

    TONES: ClassVar[dict[str, str]] = {"black": "bad", "grey": "caution", "watch": "info"}

    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    public_id = PublicIdField(prefix="LE")
    list = models.CharField(max_length=5, choices=List)
    what = models.CharField(max_length=9, choices=What)
    key = models.CharField(max_length=64, help_text="fingerprint under the label risk.listentry, with the kind in front")
    masked = models.CharField(max_length=80)
    reason = SealedTextField("risk.listentry.reason")
    source = models.CharField(max_length=10, choices=Source)
    since = models.DateField()
    until = models.DateField(null=True, blank=True)
    added_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    added_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    ended_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    ended_at = models.DateTimeField(null=True)
    end_reason = SealedTextField("risk.listentry.end_reason", null=True, blank=True)
    end_confirmed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    objects = ListEntryQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="list_entry_once", fields=["list", "key"], condition=Q(ended_at__isnull=True)),
            models.CheckConstraint(name="list_entry_days_in_order", condition=Q(until__isnull=True) | Q(until__gt=F("since"))),
            models.CheckConstraint(
                name="list_entry_end_says_who_and_why",
                condition=Q(ended_at__isnull=True, ended_by__isnull=True, end_reason__isnull=True)
                | Q(ended_at__isnull=False, ended_by__isnull=False, end_reason__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["key"], name="list_entry_key", condition=Q(ended_at__isnull=True))]  # every decision looks here

    def __str__(self) -> str:
        return self.public_id
