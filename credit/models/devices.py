"""From what an application was handed in: enough to see one device behind many people, not enough to recognise anybody's."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from credit.models.applications import Application
from crm.lib.policy import Policy


class ApplicationDevice(models.Model):
    """The device one application came from, as keyed fingerprints; never a device of the house's own staff."""

    POLICY = Policy(
        owner="credit",
        meaning=_("devices that applications were handed in from, as keyed fingerprints"),
        retention=_("1y"),
        level=2,
        kind="C1",
        purposes=("underwriting", "compliance"),
        basis="contract",
        columns={
            "device_key": _("Keyed fingerprint of what the device calls itself; the same key as on the lists"),
            "network_key": _("Keyed fingerprint of the network: the address without its last part"),
            "family": _("Family of app or browser"),
            "language": _("Language the device is set to"),
            "time_zone": _("Time zone the device is set to"),
            "zone_differs": _("Whether the device's clock differs from the lender's"),
            "seen_at": _("When the application came from it"),
        },
    )

    application = models.OneToOneField(Application, on_delete=models.CASCADE, related_name="device")
    device_key = models.CharField(max_length=64)
    network_key = models.CharField(max_length=64, blank=True, default="")
    family = models.CharField(max_length=12, blank=True, default="")
    language = models.CharField(max_length=12, blank=True, default="")
    time_zone = models.CharField(max_length=40, blank=True, default="")
    zone_differs = models.BooleanField(null=True, help_text="empty: the device told no zone")
    seen_at = models.DateTimeField()

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["device_key", "seen_at"], name="application_device_seen")]

    def __str__(self) -> str:
        return self.device_key[:8]
