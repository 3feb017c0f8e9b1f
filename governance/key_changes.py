"""Keys change with a second person: a rotation of the keys that seal, and wrapping all data keys by the newest wrapping key."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import Invalid
from governance import changes, kek, key_ring, notices, permissions, rotation
from governance.changes import Kind, Line
from governance.models import ChangeRequest, DataKey, User

KIND = "governance.keys"
SEALING, WRAPPING = "sealing", "wrapping"


def propose_rotation(purposes: Collection[str], *, reason: str, actor: User, at: datetime) -> ChangeRequest:
    """Propose a new version of each of these keys.

    :raises RotationRuns: if a rotation is not over
    :raises Invalid: for none, or one that does not rotate
    """
    stands = _standing(SEALING)
    after = {purpose: version + (purpose in purposes) for purpose, version in stands.items()}
    if not set(purposes) <= set(stands):
        raise Invalid(_("Only keys that seal are rotated: C1, C2, C3 and those of files."))
    return changes.propose(KIND, SEALING, after=after, reason=reason, actor=actor, at=at)


def propose_rewrap(*, reason: str, actor: User, at: datetime) -> ChangeRequest:
    """Propose to wrap every data key by the newest wrapping key.

    :raises NothingChanges: if the newest one wraps them all
    :raises PortUnknown: if the key server gives no certain answer
    """
    return changes.propose(KIND, WRAPPING, after={"keys": [kek.newest()]}, reason=reason, actor=actor, at=at)


def _standing(subject: str) -> dict[str, Any]:
    rows = DataKey.objects.exclude(purpose=key_ring.LEGACY)
    if subject == WRAPPING:
        return {"keys": sorted(set(rows.values_list("kek", flat=True)))}
    return dict(rows.filter(status=DataKey.Status.LIVE, purpose__in=key_ring.SEALING).order_by("pk").values_list("purpose", "version"))


def _validate(subject: str, after: dict[str, Any]) -> None:
    if subject == SEALING and rotation.unfinished() is not None:
        raise rotation.RotationRuns(_("A rotation is not over yet: this one begins after it."))


def _lines(before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    if "keys" in after:
        return [Line(_("Data keys are wrapped by"), ", ".join(before.get("keys", ())), ", ".join(after["keys"]))]
    labels = dict(DataKey.Purpose.choices)
    return [
        Line(labels[purpose], _version(before.get(purpose, 0)), _version(version))
        for purpose, version in sorted(after.items())
        if before.get(purpose) != version
    ]


def _version(number: int) -> Any:
    return _("version %(number)s") % {"number": number}


def _make(subject: str, after: dict[str, Any], *, actor: User, at: datetime) -> Any:
    if subject == WRAPPING:
        return rotation.rewrap(actor=actor, at=at)
    stands = _standing(SEALING)
    return rotation.begin([purpose for purpose, version in after.items() if stands.get(purpose) != version], actor=actor, at=at)


changes.KINDS.register(
    KIND,
    Kind(
        label=_("Keys"),
        check=permissions.CHECK_KEY,
        standing=_standing,
        validate=_validate,
        lines=_lines,
        make=_make,
        name=lambda subject, _after: _("New versions of keys") if subject == SEALING else _("The key that wraps"),
        url=lambda _subject: reverse("key-list"),
    ),
)


@notices.words("keys.unreadable", icon="lock", tone="bad")
def _unreadable(notice: Any) -> Any:
    return _("“%(field)s” of %(record)s cannot be read: altered, moved, or its key is missing.") % notice.facts
