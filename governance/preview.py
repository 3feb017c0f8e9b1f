"""Looking at pages through another person's eyes: read-only, logged, and never more than one's own.

The preview narrows: a permission is held and a row is seen when both hold and see it. Every request that could change something is refused.
"""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import Invalid, NotAllowed
from governance import permissions, users
from governance.models import User
from ledger import log

KEY = "preview"
SAFE = ("GET", "HEAD", "OPTIONS")


class ReadOnly(NotAllowed):
    """A preview changes nothing."""

    code = "preview_read_only"


def begin(session: Any, other: User, *, actor: User, at: datetime) -> None:
    """Look at pages as `other` would, from the next request on.

    :raises NotAllowed: without the permission
    :raises Invalid: for oneself, the house's own account, or one without a role
    """
    if not actor.has_perm(permissions.PREVIEW):
        raise NotAllowed(_("You may not look through other people's eyes."))
    if other.pk == actor.pk or other.username == users.SYSTEM or other.role is None or not other.is_active:
        raise Invalid(_("There is nothing to look at: choose another person with a role and an open account."))
    session[KEY] = other.pk
    log.record("governance.preview.began", other, actor=actor, at=at)


def end(session: Any, *, actor: User, at: datetime) -> None:
    """Look at pages as oneself again."""
    other = User.objects.filter(pk=session.pop(KEY, None)).first()
    if other is not None:
        log.record("governance.preview.ended", other, actor=actor, at=at)


def carry(request: HttpRequest) -> None:
    """Put the preview of the session on the person of this request; end it when either has lost what it needs."""
    pk = request.session.get(KEY)
    user: Any = request.user
    if pk is None or not user.is_authenticated:
        return
    other = User.objects.select_related("role", "team").filter(pk=pk, is_active=True, role__isnull=False).first()
    if other is None or user.role is None or permissions.PREVIEW not in user.role.permissions:
        request.session.pop(KEY)
    else:
        user.previews = other


def refusal(request: HttpRequest) -> ReadOnly | None:
    """Return what stands against this request while a preview runs."""
    if getattr(request.user, "previews", None) is None or request.method in SAFE:
        return None
    free = (reverse("preview-end"), reverse("account_logout"), reverse("search"))  # the search reads; its words travel in the body
    return (
        None
        if request.path in free
        else ReadOnly(_("You look through another person's eyes: nothing can be changed. End the preview first."))
    )
