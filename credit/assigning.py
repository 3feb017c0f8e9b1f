"""Who answers for an application: given to another person, one or many."""

from datetime import datetime
from typing import Any

from django import forms
from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from credit.models import Application
from credit.permissions import ADD_APPLICATION
from crm.lib.errors import DomainError, Invalid
from crm.lib.forms import Form
from customers.timeline import sentence
from governance.models import User
from ledger import log


class CannotOwn(Invalid):
    """The person could not work on the application."""

    code = "cannot_own"


class Ended(DomainError):
    """Nobody answers any more for what has ended."""

    code = "application_ended"


def takers(user: User) -> Any:
    """Return the people `user` may give applications to: who enter applications, in the branches they see."""
    rows = User.objects.filter(is_active=True, role__permissions__contains=[ADD_APPLICATION], kind=User.Kind.STAFF).select_related(
        "role", "team"
    )
    if user.team is None:
        return rows.order_by("name", "pk")
    within = {"team__path__startswith": user.root.path} if user.root else {"team__legal_entity": user.team.legal_entity_id}
    return rows.filter(**within).order_by("name", "pk")


@transaction.atomic
def assign(application: Application, *, to: User, actor: User, at: datetime) -> Application:
    """Let `to` answer for `application`.

    :raises Ended: if it is no longer open
    :raises CannotOwn: if `to` could not open it, or has it already
    """
    row = Application.objects.select_for_update(of=("self",)).select_related("branch").get(pk=application.pk)
    if not row.is_open:
        raise Ended(_("%(application)s has ended.") % {"application": row.public_id})
    if row.owner_id == to.pk:
        words = _("%(name)s answers for it already.") % {"name": to}
        raise CannotOwn(words, fields={"to": words})
    reaches = to.team is not None and row.legal_entity_id == to.team.legal_entity_id
    if to.root is not None:
        reaches = row.branch.path.startswith(to.root.path)
    if not (to.is_active and reaches and to.has_perm(ADD_APPLICATION)):
        words = _("%(name)s cannot work on it: role or team does not reach it.") % {"name": to}
        raise CannotOwn(words, fields={"to": words})
    before = row.owner_id
    row.owner = to
    row.version += 1
    row.save(update_fields=["owner", "version"])
    log.record("credit.application.assigned", row, actor=actor, at=at, was=before, to=to.pk)
    return row


def assign_row(row: Application, *, actor: User, at: datetime, to: int) -> None:
    """Assign one row of many; the person comes as a key."""
    assign(row, to=User.objects.select_related("role", "team").get(pk=to), actor=actor, at=at)


@sentence("credit.application.assigned", icon="person", tone="info")
def assigned(entry: Any) -> str:
    person = User.objects.filter(pk=entry.facts.get("to")).first()
    return gettext("The application was given to %(name)s.") % {"name": person or "–"}


class AssignForm(Form):
    """Whom the applications are given to."""

    to = forms.ModelChoiceField(User.objects.none(), label=_("Given to"), empty_label=None)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["to"]
        field.queryset = takers(user)
