"""Programs that call the API."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from oauth2_provider.models import AbstractApplication

from crm.lib.policy import Column, Policy
from governance.models.identity import User


class ApiClient(AbstractApplication):
    """An OAuth2 client, bound to the service user in whose name and scope it acts."""

    POLICY = Policy(
        owner="governance",
        meaning=_("API clients"),
        retention=_("10y after end"),
        personal={"client_secret": "C3", "old_secret": "C3"},
        open_fields={"client_secret": _("hashed by the toolkit"), "old_secret": _("the same hash, kept for the overlap")},
        level=2,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "client_id": _("Public name of the client"),
            "redirect_uris": _("Addresses the client may be led back to"),
            "post_logout_redirect_uris": _("Addresses after signing out"),
            "client_type": _("Whether the client can keep a secret"),
            "authorization_grant_type": _("How the client gets its token"),
            "client_secret": Column(_("Hash of the client's secret"), mask="text"),
            "hash_client_secret": _("Whether the secret is hashed; always yes"),
            "name": _("Name of the client"),
            "skip_authorization": _("Whether a consent page is skipped"),
            "algorithm": _("Algorithm of signed tokens, if any"),
            "allowed_origins": _("Web origins that may call from a browser"),
            "registration_source": _("How the client was registered"),
            "scopes": _("What the client may ask for"),
            "networks": _("From where it may call; empty: anywhere"),
            "per_minute": _("Calls it may make in a minute; empty: no limit"),
            "old_secret": Column(_("Hash of the secret before the last one"), mask="text"),
            "old_secret_until": _("Until when the secret before still opens"),
            "rotated_at": _("When it last got a new secret"),
            "last_used_at": _("When it last fetched a token"),
            "revoked_at": _("When it was revoked"),
        },
    )

    service_user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="api_clients")
    scopes = ArrayField(models.CharField(max_length=40), default=list)
    networks = ArrayField(models.CharField(max_length=43), default=list, db_default=[], help_text="CIDR it may call from; empty: anywhere")
    per_minute = models.PositiveIntegerField(null=True, help_text="calls a minute; empty: no limit")
    old_secret = models.CharField(max_length=255, blank=True, default="", db_default="", help_text="hash of the secret before the last one")
    old_secret_until = models.DateTimeField(null=True, help_text="until when the secret before still opens")
    rotated_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True, help_text="when it last fetched a token")
    revoked_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1, db_default=1)

    class Meta(AbstractApplication.Meta):
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="api_client_old_secret_ends", condition=Q(old_secret="") | Q(old_secret_until__isnull=False)),
        ]

    def is_usable(self, request: Any) -> bool:
        """The toolkit asks before it hands out a token."""
        return self.revoked_at is None
