"""Data scope: `visible_to` is the only way a page, list or API reaches rows.

Asked for a row that is there and is not theirs, a person gets the same 404 as for one that is not there; the ledger says who asked.
"""

from typing import Any, ClassVar, Self, TypeVar

from django.db import models
from django.http import Http404
from django.utils.timezone import now

from crm.lib.fields import LENGTH
from governance import standing
from governance.models.identity import Scope

M = TypeVar("M", bound=models.Model)


class ScopedQuerySet(models.QuerySet[M]):
    """A queryset that knows whose rows are whose.

    `scope_owner`, `scope_team` and `scope_product` are the look-up paths to the responsible user, the branch and the product's code.
    `scope_customer` is that to the customer, empty where breaking the glass opens nothing.
    """

    scope_owner: ClassVar[str] = "owner"
    scope_team: ClassVar[str] = "branch"
    scope_product: ClassVar[str] = ""  # to the product's code, where rows have one

    scope_customer: ClassVar[str] = "customer"

    def visible_to(self, user: Any) -> Self:
        """Narrow to what `user` may see: by their own role, through who lent them a right, or by breaking the glass."""
        return standing.widened(self, user) if getattr(user, "has_extra", False) else self.reached_by(user)

    def reached_by(self, user: Any) -> Self:
        """Narrow to what a person's own role reaches: rows of the legal entity, of a team's subtree, or their own; of its products."""
        rows = self.in_scope(user)
        products = user.role.products if self.scope_product and user.role else ()
        return rows.filter(**{f"{self.scope_product}__in": products}) if products else rows

    def in_scope(self, user: Any) -> Self:
        """Narrow by data scope alone."""
        if user.scope == Scope.ALL:
            return self.of_entity(user)
        if user.root is not None:
            # By id and not by path: told the ids, the database walks a team's rows in the order of an index, newest first.
            return self.filter(**{f"{self.scope_team}__in": user.root.subtree_ids})
        if user.scope == Scope.OWN:
            return self.filter(**{self.scope_owner: user.pk})
        return self.none()

    def of_entity(self, user: Any) -> Self:
        """Narrow to the user's legal entity; a user without a team is the installation's own and sees every one."""
        if not user.team_id:
            return self
        path = "legal_entity" if hasattr(self.model, "legal_entity_id") else f"{self.scope_team}__legal_entity"
        return self.filter(**{path: user.team.legal_entity_id})

    def get_for(self, user: Any, public_id: str) -> M:
        """Return the row a URL names, if `user` may see it.

        :raises Http404: for unknown rows and for other people's, alike
        """
        found = self.named(user, public_id)
        if found is None:
            raise Http404
        return found

    def named(self, user: Any, public_id: str) -> M | None:
        """Return the row that a form, a body or an address names, None for unknown rows and for other people's; who asked is noted."""
        # PostgreSQL's text holds no NUL: asked for one it would answer with an error.
        found = None if "\0" in public_id else self._found(user, public_id)
        if found is None:
            self.probed(user, public_id)
        return found

    def numbered(self, user: Any, beginning: str, limit: int) -> list[M]:
        """Return the newest rows whose public id begins so; asked for a whole one that is not theirs, a person is noted."""
        rows = list(self.visible_to(user).filter(public_id__startswith=beginning).order_by("-pk")[:limit]) if beginning else []
        if not rows and len(beginning.partition("-")[2]) == LENGTH:
            self.probed(user, beginning)
        return rows

    def probed(self, user: Any, public_id: str) -> None:
        """Record that `user` asked for a row that is not theirs; see `governance.probes`."""
        from governance import probes  # it tells people, whose models stand above this module

        probes.note(self.model, user, public_id, at=now())

    def _found(self, user: Any, public_id: str) -> M | None:
        rows = self.filter(public_id=public_id)
        return standing.first_for(rows, user) if getattr(user, "has_extra", False) else rows.reached_by(user).first()
