"""Two people for one act: whoever asked for it does not approve it."""

from datetime import date
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from crm.lib.errors import NotAllowed
from governance import rules
from governance.models import User

SUSPENSE_ABOVE = "suspense.four_eyes.above"


class SamePerson(NotAllowed):
    """The person who asked for it may not approve it."""

    code = "same_person"


def check(first: int, *, actor: User) -> None:
    """Refuse when `actor` is the person with id `first`, or acts for them.

    :raises SamePerson: if so
    """
    if actor.is_also(first):
        raise SamePerson(_("You asked for this yourself: another person has to decide it."))


def needed(amount: Decimal, *, on: date) -> bool:
    """Return whether unmatched money of this size needs a second person on a day."""
    return amount > Decimal(rules.value(SUSPENSE_ABOVE, on=on))
