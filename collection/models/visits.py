"""Field visits: wanted, planned for two persons, begun at the door, ended with what came of them; and the photographs of them."""

import uuid
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection.models.case import Case, Outcome
from collection.models.contacts import Contact
from collection.models.limitation import OfCaseQuerySet
from crm.lib.fields import PublicIdField
from crm.lib.policy import SUMMED, Column, Policy
from customers.models import ContactAttempt
from governance.fields import SealedTextField
from governance.models import User

STATUSES = ["wanted", "planned", "begun", "done", "missed", "cancelled"]
UNDER_WAY = ["wanted", "planned", "begun"]


class VisitQuerySet(OfCaseQuerySet):
    def reached_by(self, user: Any) -> Self:
        """Those of the cases one reaches, and those one is sent on."""
        return (super().reached_by(user) | self.filter(Q(first=user.pk) | Q(second=user.pk))).distinct()

    def for_list(self) -> Self:
        return super().for_list().select_related("first", "second")

    def open(self) -> Self:
        return self.filter(status__in=UNDER_WAY)

    def of_pair(self, user: Any) -> Self:
        """Narrow to the visits a person is sent on."""
        return self.filter(Q(first=user.pk) | Q(second=user.pk))


class FieldVisit(models.Model):
    """One visit to a debtor's address: by two persons, on a day, within hours of the debtor's clock."""

    POLICY = Policy(
        owner="collections",
        meaning=_("field visits"),
        retention=_("5y after the case closed"),
        personal={"location": "C2"},
        level=3,
        kind="C2",
        purposes=("collections", "compliance"),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "why": _("What the visit is for"),
            "source": _("Whether a person or a step of treatment asked for it"),
            "on": _("Day it is planned for, by the debtor's calendar"),
            "opens": _("Earliest time, by the debtor's clock"),
            "closes": _("Latest time, by the debtor's clock"),
            "area": _("Province, city and district; nothing of the street"),
            "location": Column(_("Where the two were, as they entered it"), mask="text"),
            "consent_text": _("Version of the words by which the two agreed that their place is kept"),
        },
    )
    PERSON = "case__customer"

    class Status(models.TextChoices):
        WANTED = "wanted", pgettext_lazy("visit", "To be planned")
        PLANNED = "planned", pgettext_lazy("visit", "Planned")
        BEGUN = "begun", pgettext_lazy("visit", "Under way")
        DONE = "done", pgettext_lazy("visit", "Done")
        MISSED = "missed", pgettext_lazy("visit", "Not carried out")
        CANCELLED = "cancelled", pgettext_lazy("visit", "Cancelled")

    class Why(models.TextChoices):
        TALK = "talk", pgettext_lazy("visit", "To talk about the debt")
        LOST = "lost", pgettext_lazy("visit", "Nobody is reached any more")
        PAPERS = "papers", pgettext_lazy("visit", "To hand over a letter")

    class Source(models.TextChoices):
        PERSON = "person", pgettext_lazy("visit", "A person")
        TREATMENT = "treatment", pgettext_lazy("visit", "A step of treatment")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.WANTED: {Status.PLANNED, Status.CANCELLED},
        Status.PLANNED: {Status.BEGUN, Status.CANCELLED, Status.MISSED},
        Status.BEGUN: {Status.DONE, Status.MISSED},
        Status.DONE: set(),
        Status.MISSED: set(),
        Status.CANCELLED: set(),
    }
    TONES: ClassVar[dict[str, str]] = {
        "wanted": "caution", "planned": "info", "begun": "special", "done": "good", "missed": "warn", "cancelled": "neutral",
    }  # fmt: skip

    public_id = PublicIdField(prefix="FV")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="visits", db_index=False)
    status = models.CharField(max_length=9, choices=Status, default=Status.WANTED)
    why = models.CharField(max_length=6, choices=Why)
    source = models.CharField(max_length=9, choices=Source, default=Source.PERSON)
    area = models.CharField(max_length=40, blank=True, default="")
    on = models.DateField(null=True, blank=True)
    opens = models.TimeField(null=True, blank=True)
    closes = models.TimeField(null=True, blank=True)
    first = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    second = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    wanted_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    wanted_at = models.DateTimeField()
    planned_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    begun_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    begun_at = models.DateTimeField(null=True, blank=True)
    joined_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    attempt = models.ForeignKey(ContactAttempt, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    contact = models.ForeignKey(Contact, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    outcome = models.CharField(max_length=12, choices=Outcome, blank=True, default="")
    location = SealedTextField("collections.fieldvisit.location", null=True, blank=True)
    consent_text = models.CharField(max_length=20, blank=True, default="")
    version = models.PositiveIntegerField(default=1)

    objects = VisitQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="visit_one_under_way", fields=["case"], condition=Q(status__in=UNDER_WAY)),
            models.CheckConstraint(name="visit_status_known", condition=Q(status__in=STATUSES)),
            models.CheckConstraint(name="visit_why_known", condition=Q(why__in=["talk", "lost", "papers"])),
            models.CheckConstraint(
                name="visit_planned_is_whole",
                condition=Q(status__in=["wanted", "cancelled"])
                | Q(on__isnull=False, opens__isnull=False, closes__isnull=False, first__isnull=False, second__isnull=False),
            ),
            models.CheckConstraint(name="visit_two_persons", condition=Q(second__isnull=True) | (Q(first__isnull=False) & ~Q(first=F("second")))),
            models.CheckConstraint(name="visit_hours", condition=Q(opens__isnull=True) | Q(closes__gt=F("opens"), closes__isnull=False)),
            models.CheckConstraint(
                name="visit_begun_is_counted", condition=~Q(status__in=["begun", "done"]) | Q(attempt__isnull=False, begun_at__isnull=False)
            ),
            models.CheckConstraint(
                name="visit_done_was_two", condition=~Q(status="done") | Q(joined_at__isnull=False, contact__isnull=False, ended_at__isnull=False)
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["case", "-id"], name="visit_of_case"),
            models.Index(fields=["on"], name="visit_of_day", condition=Q(status__in=["planned", "begun"])),  # the routes of a day
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_open(self) -> bool:
        return self.status in UNDER_WAY

    def sends(self, user: Any) -> bool:
        """Return whether `user` is one of the two."""
        return user.pk in (self.first_id, self.second_id)


class VisitPhoto(models.Model):
    """A photograph of a visit, without what a camera writes beside the picture. Its content lies sealed in the storage."""

    POLICY = Policy(
        owner="collections",
        meaning=_("photographs of field visits"),
        retention=_("with the case"),
        level=3,
        kind="C1",
        purposes=("collections", "compliance"),
        basis="contract",
        lies_open=SUMMED,
        columns={"media_type": _("Kind of file")},
    )
    FILE_LABEL = "collections.visit_photo.content"

    class Kind(models.TextChoices):
        DOOR = "door", pgettext_lazy("photo", "The door")
        NOTICE = "notice", pgettext_lazy("photo", "What was left")
        MEETING = "meeting", pgettext_lazy("photo", "The talk, with consent")

    public_id = PublicIdField(prefix="VP")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    visit = models.ForeignKey(FieldVisit, on_delete=models.PROTECT, related_name="photos", db_index=False)
    kind = models.CharField(max_length=7, choices=Kind)
    media_type = models.CharField(max_length=40)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    storage_key = models.CharField(max_length=80, unique=True)
    added_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    added_at = models.DateTimeField()

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="visit_photo_once", fields=["visit", "sha256"]),
            models.CheckConstraint(name="visit_photo_kind_known", condition=Q(kind__in=["door", "notice", "meeting"])),
        ]

    def __str__(self) -> str:
        return self.public_id
