"""Who may open a decision: everyone with data scope "all", and whoever may see what was judged. Its app says so, by a registered guard."""

from collections.abc import Callable
from typing import Any

from django.http import Http404

from crm.lib.registry import Registry
from risk.models import Decision

Guard = Callable[[Any, str], bool]
GUARDS: Registry[Guard] = Registry("guard of decisions by subject")


def subject_guard(kind: str, guard: Guard) -> None:
    """Let `guard(user, public_id)` decide who may open decisions about subjects of `kind`, such as "credit.application"."""
    GUARDS.register(kind, guard)


def get_for(user: Any, public_id: str) -> Decision:
    """Return the decision a URL names, with its versions, if `user` may see it.

    :raises Http404: for unknown ones and for those of other people's customers, alike
    """
    found = Decision.objects.with_versions().filter(public_id=public_id).first()
    if found is None or not may_see(user, found):
        raise Http404
    return found


def may_see(user: Any, decision: Decision) -> bool:
    """Return whether `user` may open `decision`."""
    kind, _colon, about = decision.subject.partition(":")
    guard = GUARDS.get(kind)
    if guard is not None:
        return guard(user, about)
    return bool(user.scope == "all")


def replayed(decision: Decision) -> str:
    """Run `decision` again with its own facts and versions; return the first difference, empty when the verdict is the same."""
    from risk import engine

    return engine.difference(decision)
