"""Who is signed in where: one row for each session of a member of staff."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.lib.fields import PublicIdField
from crm.lib.policy import Column, Policy
from governance.fields import FingerprintField, SealedTextField
from governance.models.identity import User


class StaffSession(models.Model):
    """One session, from sign-in to its end. What it is worth to a thief (its key) and where it came from lie sealed.

    Our own and not `allauth.usersessions`: that one keeps address, device and key as plain text.
    """

    POLICY = Policy(
        owner="governance",
        meaning=_("sessions of staff: since when, on which device, how they ended"),
        retention=_("1y"),
        personal={"key": "C3", "device": "C2", "address": "C2", "agent": "C2"},
        level=2,
        kind="C1",
        purposes=("staff",),
        basis="employment",
        columns={
            "key": Column(_("Key of the session store, so that it can be ended"), mask="text", encrypted=True, search="exact"),
            "device": Column(_("Cookie that tells one browser from another"), mask="text", encrypted=True, search="exact"),
            "address": Column(_("Network address it was used from"), mask="text", encrypted=True),
            "agent": Column(_("Browser it was used with"), mask="text", encrypted=True),
            "method": _("How the person signed in"),
            "why": _("Why it ended"),
        },
    )

    class Why(models.TextChoices):
        SIGNED_OUT = "signed_out", pgettext_lazy("session", "Signed out")
        IDLE = "idle", pgettext_lazy("session", "Not used for too long")
        EXPIRED = "expired", pgettext_lazy("session", "Longest time reached")
        REVOKED = "revoked", pgettext_lazy("session", "Ended from another place")
        SUSPENDED = "suspended", pgettext_lazy("session", "Account suspended")

    public_id = PublicIdField(prefix="SN")
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    key = SealedTextField("governance.staffsession.key", identifies=False, help_text="of the session store, so that it can be ended")
    key_print = FingerprintField(source="key", label="governance.staffsession.key")
    device = SealedTextField("governance.staffsession.device", identifies=False, help_text="the cookie that tells one browser from another")
    device_print = FingerprintField(source="device", label="governance.staffsession.device")
    # Nobody's own words; an address such as 127.0.0.1 also stands in every configuration.
    address = SealedTextField("governance.staffsession.address", identifies=False)
    agent = SealedTextField("governance.staffsession.agent", identifies=False)
    method = models.CharField(max_length=20, help_text="how the person proved who they are: password, password+totp, passkey, sso …")
    began_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="the last use, to a minute")
    until = models.DateTimeField(help_text="the end at the latest")
    told_at = models.DateTimeField(null=True, help_text="when the letter about a new device was tried, once")
    ended_at = models.DateTimeField(null=True)
    why = models.CharField(max_length=10, choices=Why, blank=True, default="")
    ended_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="staff_session_end_says_why", condition=Q(ended_at__isnull=True, why="") | (Q(ended_at__isnull=False) & ~Q(why=""))
            ),
        ]
        indexes = [
            # the list on a person's page, newest first, and whether the device was seen before
            models.Index(fields=["user", "-id"], name="staff_session_of_user"),
            # the sweep of those that ended without anybody asking
            models.Index(fields=["until"], condition=Q(ended_at__isnull=True), name="staff_session_open"),
        ]

    def __str__(self) -> str:
        return self.public_id
