"""Data keys, wrapped; the own keys of files and of persons."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.lib.policy import Policy


class DataKey(models.Model):
    """One version of one data key, wrapped by the key-encryption key. Never deleted: an older backup is opened with it."""

    POLICY = Policy(
        owner="governance",
        meaning=_("data keys, wrapped, and how much they seal"),
        retention=_("for ever"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "purpose": _("What the key seals"),
            "wrapped": _("The key, encrypted by the key-encryption key"),
            "kek": _("Which key-encryption key wraps it"),
            "check_value": _("Keyed hash that tells a wrong key"),
            "in_use": _("How many values it seals"),
        },
    )

    class Purpose(models.TextChoices):
        """What a key seals. `legacy` is a master key that seals by itself, as before data keys."""

        C1 = "C1", _("C1: internal")
        C2 = "C2", _("C2: identity and finance")
        C3 = "C3", _("C3: authentication")
        FILE = "file", _("Keys of files")
        PERSON = "person", _("Keys of persons")
        FINGERPRINT = "fingerprint", _("Fingerprints")
        LEGACY = "legacy", _("Before data keys")

    class Status(models.TextChoices):
        LIVE = "live", pgettext_lazy("key", "Seals")
        RETIRING = "retiring", pgettext_lazy("key", "Opens only")
        RETIRED = "retired", pgettext_lazy("key", "Retired")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.LIVE: {Status.RETIRING},
        Status.RETIRING: {Status.RETIRED},
        Status.RETIRED: {Status.RETIRING},  # an older backup brought values back
    }
    TONES: ClassVar[dict[str, str]] = {"live": "good", "retiring": "caution", "retired": "neutral"}

    purpose = models.CharField(max_length=11, choices=Purpose)
    version = models.PositiveIntegerField()
    wrapped = models.BinaryField(help_text="empty for a legacy key, which is the master key itself")
    kek = models.CharField(max_length=80, help_text="which key wraps it: local:v1, transit:crm:v3")
    check_value = models.CharField(max_length=32, help_text="keyed hash of purpose and version: tells a wrong key before it opens anything")
    status = models.CharField(max_length=8, choices=Status, default=Status.LIVE)
    in_use = models.BigIntegerField(null=True, help_text="values sealed with it when they were last counted")
    counted_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True, help_text="since when another version seals")
    retired_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="data_key_version_once", fields=["purpose", "version"]),
            models.UniqueConstraint(name="data_key_one_live", fields=["purpose"], condition=Q(status="live")),
            models.CheckConstraint(name="data_key_status_known", condition=Q(status__in=["live", "retiring", "retired"])),
            models.CheckConstraint(name="data_key_version_fits", condition=Q(version__gte=1, version__lte=65535)),
            models.CheckConstraint(
                name="data_key_retired_is_unused",
                condition=~Q(status="retired") | Q(in_use=0, in_use__isnull=False, retired_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} v{self.version}"


class FileKey(models.Model):
    """The own key of one stored file, sealed. Without it nobody opens the file again, wherever copies of it lie."""

    POLICY = Policy(
        owner="governance",
        meaning=_("own keys of stored files, sealed"),
        retention=_("as the file"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={"stored_as": _("Where the file lies in the storage"), "token": _("The file's key, sealed with the data key for files")},
    )

    stored_as = models.CharField(max_length=120, unique=True, help_text="where the file lies in the storage")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    token = models.BinaryField(help_text="the file's key, sealed with the data key for files")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"file key {self.pk}"


class PersonKey(models.Model):
    """The own secret of one person, sealed. What is sealed for the person opens with it only; destroyed, nobody opens any of it again."""

    POLICY = Policy(
        owner="governance",
        meaning=_("own secrets of persons, sealed"),
        retention=_("until the person is erased; that it was destroyed: for ever"),
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "token": _("The person's secret, sealed with the data key for persons; empty once destroyed"),
            "destroyed_at": _("Since when nothing sealed for the person opens"),
        },
    )

    id = models.BigIntegerField(primary_key=True, help_text="the person's number: the customer's")
    token = models.BinaryField(null=True, help_text="sealed with the data key for persons; empty once destroyed")
    destroyed_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="person_key_there_or_destroyed",
                condition=Q(token__isnull=False, destroyed_at__isnull=True) | Q(token__isnull=True, destroyed_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"person key {self.pk}"
