"""Telephone calls placed from a case: how far each got, by the gateway's own word. The number itself is never kept here."""

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from collection.models.case import Case
from crm.lib.fields import PublicIdField
from crm.lib.policy import Policy
from customers.models import ContactAttempt, Relation
from governance.models import User
from governance.models.identity import Scope
from governance.scope import ScopedQuerySet

RUNNING = ("placing", "dialled", "ringing", "answered")
STATUSES = [*RUNNING, "by_hand", "talked", "busy", "no_answer", "failed", "lost"]


class PhoneCallQuerySet(ScopedQuerySet["PhoneCall"]):
    """Scope: the calls one made, and those of the cases one works."""

    scope_owner = "actor"
    scope_team = "case__branch"
    scope_customer = "case__customer"

    def reached_by(self, user: Any) -> Self:
        if user.scope == Scope.OWN:
            return self.filter(Q(actor=user.pk) | Q(case__in=Case.objects.reached_by(user)))
        return super().reached_by(user)

    def of_entity(self, user: Any) -> Self:
        return self.filter(case__legal_entity=user.team.legal_entity_id) if user.team_id else self

    def running(self) -> Self:
        return self.filter(status__in=RUNNING)


class PhoneCall(models.Model):
    """One call that has its place among the counts of the contact policy. The gateway's events move it; the result is logged by a person."""

    POLICY = Policy(
        owner="collections",
        meaning=_("telephone calls placed from a case"),
        retention=_("5y after the case closed"),
        level=2,
        kind="C1",
        purposes=("collections", "compliance"),
        basis="contract",
        columns={
            "why": _("Why the gateway did not place it, as a code"),
            "heard_at": _("When the gateway last told of it"),
            "answered_at": _("When somebody answered"),
            "seconds": _("Seconds of talk"),
            "gateway_id": _("What the gateway calls it"),
            "recording": _("Where the recording lies at the gateway"),
        },
    )

    PERSON = "case__customer"

    class Status(models.TextChoices):
        PLACING = "placing", pgettext_lazy("telephone", "Being placed")
        DIALLED = "dialled", pgettext_lazy("telephone", "Dialling")
        RINGING = "ringing", pgettext_lazy("telephone", "Ringing")
        ANSWERED = "answered", pgettext_lazy("telephone", "Answered")
        TALKED = "talked", pgettext_lazy("telephone", "Hung up")
        BUSY = "busy", pgettext_lazy("telephone", "Line busy")
        NO_ANSWER = "no_answer", pgettext_lazy("telephone", "Nobody answered")
        FAILED = "failed", pgettext_lazy("telephone", "Refused by the gateway")
        BY_HAND = "by_hand", pgettext_lazy("telephone", "Dialled by hand")
        LOST = "lost", pgettext_lazy("telephone", "End not told")

    _OVER: ClassVar[set[str]] = {Status.TALKED, Status.BUSY, Status.NO_ANSWER, Status.LOST}
    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.PLACING: {Status.DIALLED, Status.RINGING, Status.ANSWERED, Status.FAILED, Status.BY_HAND, *_OVER},
        Status.DIALLED: {Status.RINGING, Status.ANSWERED, Status.FAILED, *_OVER},
        Status.RINGING: {Status.ANSWERED, *_OVER},
        Status.ANSWERED: {Status.TALKED, Status.LOST},
        # the gateway that gave no certain answer may have placed it all the same
        Status.BY_HAND: {Status.RINGING, Status.ANSWERED, *_OVER},
        Status.LOST: {Status.TALKED, Status.BUSY, Status.NO_ANSWER},
        Status.TALKED: set(),
        Status.BUSY: set(),
        Status.NO_ANSWER: set(),
        Status.FAILED: set(),
    }
    TONES: ClassVar[dict[str, str]] = {
        "placing": "info", "dialled": "info", "ringing": "info", "answered": "good", "talked": "neutral", "busy": "caution",
        "no_answer": "caution", "failed": "bad", "by_hand": "special", "lost": "warn",
    }  # fmt: skip

    public_id = PublicIdField(prefix="PH")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="calls", db_index=False)
    attempt = models.OneToOneField(ContactAttempt, on_delete=models.PROTECT, related_name="call")
    relation = models.ForeignKey(Relation, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    status = models.CharField(max_length=9, choices=Status, default=Status.PLACING)
    why = models.CharField(max_length=40, blank=True, default="")
    began_at = models.DateTimeField()
    heard_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    seconds = models.PositiveIntegerField(null=True, blank=True)
    gateway_id = models.CharField(max_length=64, blank=True, default="")
    recording = models.CharField(max_length=120, blank=True, default="")

    objects = PhoneCallQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="phone_call_status_known", condition=Q(status__in=STATUSES)),
            models.CheckConstraint(
                name="phone_call_ends_after_it_began", condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("began_at"))
            ),
        ]
        indexes = [
            models.Index(fields=["case", "-id"], name="phone_call_of_case"),  # the latest of a case
            models.Index(fields=["began_at"], name="phone_call_running", condition=Q(status__in=RUNNING)),  # the sweeper's question
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_running(self) -> bool:
        """Whether the gateway is expected to tell more."""
        return self.status in RUNNING


class CallEvent(models.Model):
    """One word of the gateway about a call, once per its own id. Insert-only: what came twice is refused."""

    POLICY = Policy(
        owner="collections",
        meaning=_("what the telephone gateway told of a call"),
        retention=_("with the call"),
        level=2,
        kind="C1",
        purposes=("collections", "compliance"),
        basis="contract",
        columns={
            "event": _("What happened"),
            "event_id": _("What the gateway calls the event"),
        },
    )

    PERSON = "call__case__customer"

    class Event(models.TextChoices):
        RINGING = "ringing", pgettext_lazy("telephone", "Ringing")
        ANSWERED = "answered", pgettext_lazy("telephone", "Answered")
        BUSY = "busy", pgettext_lazy("telephone", "Line busy")
        NO_ANSWER = "no_answer", pgettext_lazy("telephone", "Nobody answered")
        HUNG_UP = "hung_up", pgettext_lazy("telephone", "Hung up")
        RECORDING = "recording", pgettext_lazy("telephone", "Recording ready")

    call = models.ForeignKey(PhoneCall, on_delete=models.PROTECT, related_name="events")
    event = models.CharField(max_length=9, choices=Event)
    event_id = models.CharField(max_length=64)
    at = models.DateTimeField()

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="call_event_once", fields=["event_id"]),
            models.CheckConstraint(
                name="call_event_known",
                condition=Q(event__in=["ringing", "answered", "busy", "no_answer", "hung_up", "recording"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.call_id} {self.event}"
