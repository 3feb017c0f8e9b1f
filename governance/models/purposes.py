"""What personal data may be read for, and on which ground of the law: data, so that a lender's own purposes need no code."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.lib.policy import Policy
from governance.models.identity import chinese
from governance.models.records import Rule


class LegalBasis(models.Model):
    """A ground on which personal data may be processed, with its article."""

    POLICY = Policy(
        owner="governance",
        meaning=_("grounds of the law for reading personal data"),
        retention=_("for ever"),
        level=1,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "citation": _("Article the rule comes from"),
            "verification": _("Whether the article was read in the text"),
        },
    )

    code = models.CharField(max_length=20, unique=True)
    name_en = models.CharField(max_length=120)
    name_zh = models.CharField(max_length=120)
    citation = models.CharField(max_length=120)
    verification = models.CharField(max_length=10, choices=Rule.Verification)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name_zh if chinese() else self.name_en


class DataPurpose(models.Model):
    """What personal data is read for: which classes and columns, on which ground, under which consent."""

    POLICY = Policy(
        owner="governance",
        meaning=_("purposes personal data may be read for"),
        retention=_("for ever"),
        level=1,
        purposes=("operation",),
        basis="not_personal",
        columns={
            "consent": _("Which consent it needs; empty: none"),
            "classes": _("Classes of JR/T 0171-2020 it may read"),
            "without": _("Columns it may not read although their declaration names it"),
            "kept": _("How long what was read for it is kept"),
            "reveals": _("Whether masked values are opened for it"),
        },
    )

    code = models.CharField(max_length=20, unique=True)
    name_en = models.CharField(max_length=120)
    name_zh = models.CharField(max_length=120)
    basis = models.ForeignKey(LegalBasis, on_delete=models.PROTECT, related_name="purposes")
    consent = models.CharField(max_length=20, blank=True)
    classes = ArrayField(models.CharField(max_length=2), default=list)
    without = ArrayField(models.CharField(max_length=80), default=list, blank=True, help_text="app.model.column")
    kept = models.CharField(max_length=60)
    reveals = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> Any:
        return self.name_zh if chinese() else self.name_en
