"""The door to a draft's reason texts: what is told to staff and to customers, in both languages."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import Invalid
from governance.lifecycle import MovedMeanwhile
from governance.models import User
from ledger import log
from risk import registry
from risk.model_states import NotADraft
from risk.models import ModelStatus, ScorecardVersion

TEXTS = ("label_en", "label_zh", "en", "zh", "customer_en", "customer_zh")


@transaction.atomic
def rewrite(version: ScorecardVersion, *, texts: Mapping[str, Mapping[str, str]], actor: User, at: datetime) -> ScorecardVersion:
    """Put other sentences to the reasons of a draft; codes and figures stay.

    :raises NotADraft: if it is none any more
    :raises Invalid: if a code is unknown or a sentence is empty
    :raises MovedMeanwhile: if it left draft just now
    """
    if version.status != ModelStatus.DRAFT:
        raise NotADraft(_("Its sentences are frozen since it left draft. Train or edit a new version to change them."))
    known = version.content.get("reasons", {})
    if unknown := sorted(set(texts) - set(known)):
        raise Invalid(_("This model has no such reasons: %(codes)s.") % {"codes": ", ".join(unknown)})
    changed = {code: known[code] | {name: texts[code][name].strip() for name in TEXTS if name in texts[code]} for code in texts}
    if empty := sorted(code for code, one in changed.items() if not all(one.get(name) for name in TEXTS)):
        raise Invalid(_("Each reason needs all its sentences: %(codes)s.") % {"codes": ", ".join(empty)})
    content = with_reasons(version.content, changed)
    digest = registry.content_sha256(content)
    still = ScorecardVersion.objects.filter(pk=version.pk, status=ModelStatus.DRAFT)
    if not still.update(content=content, sha256=digest):
        raise MovedMeanwhile(_("Somebody else was faster: this version is no draft any more."))
    version.content, version.sha256 = content, digest
    log.record("risk.scorecardversion.reworded", version, actor=actor, at=at, reasons=sorted(changed), sha256=digest)
    return version


def with_reasons(content: Mapping[str, object], changed: Mapping[str, object]) -> dict[str, object]:
    """Return the content with other reasons, in its parts too where it is a blend."""
    told = dict(content)
    reasons = content.get("reasons")
    if isinstance(reasons, Mapping):
        told["reasons"] = {code: changed.get(code, one) for code, one in reasons.items()}
    parts = content.get("parts")
    if isinstance(parts, list):
        told["parts"] = [part | {"content": with_reasons(part["content"], changed)} for part in parts]
    return told
