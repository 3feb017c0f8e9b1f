"""People named in a text: `@name` tells that person, if they may open the file it stands in."""

import re
from collections.abc import Iterable

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import Invalid
from customers.models import Customer
from customers.permissions import VIEW
from governance import teams
from governance.models import User
from governance.models.identity import Scope

MENTION = re.compile(r"(?<![A-Za-z0-9_.@])@([A-Za-z0-9_](?:[A-Za-z0-9_.+-]{0,58}[A-Za-z0-9_])?)")
AT_MOST = 10


class CannotBeTold(Invalid):
    """A person is named who may not open the file, or too many are: nobody would know that nobody was told."""

    code = "cannot_be_told"


def may_open(person: User, customer: Customer) -> bool:
    """Return whether `person` sees this customer's file."""
    return person.is_active and person.has_perm(VIEW) and Customer.objects.visible_to(person).filter(pk=customer.pk).exists()


def people(text: str, customer: Customer, *, field: str = "text") -> list[User]:
    """Return the members of staff named in `text`; `@` before anything that is no user name stays text.

    :raises CannotBeTold: if one of them may not open the file, or there are more than ten
    """
    names = {found.lower() for found in MENTION.findall(text)}
    if not names:
        return []
    if len(names) > AT_MOST:
        sentence = _("Name at most 10 people in one text.")
        raise CannotBeTold(sentence, fields={field: sentence})
    wanted = Q()
    for name in names:
        wanted |= Q(username__iexact=name)
    found = list(User.objects.select_related("role", "team").filter(wanted, kind=User.Kind.STAFF, is_active=True).order_by("pk"))
    for person in found:
        if not may_open(person, customer):
            untold = _("@%(name)s may not open this file and would not be told. Name somebody else.") % {"name": person.username}
            raise CannotBeTold(untold, fields={field: untold})
    return found


def colleagues(customer: Customer, permission: str) -> QuerySet[User]:
    """Return the members of staff who may open `customer` and hold `permission`, by name; the rule of `visible_to`, turned round."""
    above = [int(pk) for pk in customer.branch.path.split("/") if pk]
    reach = (
        Q(role__scope=Scope.ALL, team__legal_entity=customer.legal_entity_id)
        | Q(role__scope=Scope.TEAM, team__in=above)
        | Q(role__scope=Scope.TREE, team__in=teams.of_trees(above))
        | Q(role__scope=Scope.OWN, pk=customer.owner_id)
    )
    held = Q(role__permissions__contains=[VIEW, permission])
    return User.objects.filter(reach, held, kind=User.Kind.STAFF, is_active=True).select_related("role", "team").order_by("name", "pk")


def codes(people: Iterable[User]) -> list[str]:
    """Return the public ids the ledger keeps of who was named."""
    return [person.public_id for person in people]
