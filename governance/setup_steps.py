"""What an administrator who takes over an installation does next: each step stands on the home page until it is done."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.urls import reverse
from django.utils.translation import gettext as _

from governance import changes, factors, grants, permissions, proof_runs
from governance.models import Team, User

CONTROL = ("admin", "compliance", "auditor")


def left(user: User, at: datetime) -> list[dict[str, Any]]:
    """Return the steps that are not done, the first one next."""
    return [{"who": what, "url": url, "why": [why], "action_label": label} for what, why, url, label in _steps(user)]


def _steps(user: User) -> Iterator[tuple[str, str, str, str]]:
    staff = User.objects.filter(is_active=True, kind=User.Kind.STAFF)
    new = reverse("user-new")
    if not factors.has_one(user):
        yield (
            _("Protect your own account"), _("an app or a passkey beside the password"), reverse("account"), _("Set up"),
        )  # fmt: skip
    if not Team.objects.filter(parent__isnull=False).exists():
        yield (
            _("Add branches and teams"), _("who sees which rows follows the tree"), reverse("team-new"), _("New team"),
        )  # fmt: skip
    checkers = changes.checkers(grants.KIND, but=user)
    if not checkers:
        yield (
            _("Name a second person who confirms rights"), _("until then yours are in force at once, marked as made alone"),
            f"{new}?role=compliance", _("Invite"),
        )  # fmt: skip
    elif all(one.password.startswith(UNUSABLE_PASSWORD_PREFIX) or not one.password for one in checkers):
        yield (
            _("Wait for the second person"), _("%(person)s confirms rights and has not chosen a password yet") % {"person": checkers[0].name},
            reverse("user", args=[checkers[0].public_id]), _("Open user"),
        )  # fmt: skip
    if not staff.filter(role__isnull=False).exclude(role__code__in=CONTROL).exists():
        yield (
            _("Invite the people who work here"), _("the roles are there; copy or change them under Roles"), new, _("Invite"),
        )  # fmt: skip
    if not staff.filter(role__permissions__contains=[permissions.MANAGE_USER]).exclude(pk=user.pk).exists():
        yield (
            _("Name a second administrator"), _("who helps when you lose your own sign-in"), f"{new}?role=admin", _("Invite"),
        )  # fmt: skip
    if not staff.filter(role__code="auditor").exists():
        yield (
            _("Name an auditor"), _("who reads everything that controls, and changes nothing"), f"{new}?role=auditor", _("Invite"),
        )  # fmt: skip
    if proof_runs.last() is None and proof_runs.runs().first() is None:
        yield (
            _("Search the house once for values in clear"), _("the proof that encryption works here"), reverse("proof"), _("Open page"),
        )  # fmt: skip
