"""The personal fields of a file whose level a role may narrow; see `governance.access`."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers import permissions
from governance.access import guard

NAME = guard("customers.customer.name", _("Name"), reveal=permissions.REVEAL, edit=permissions.CHANGE)
guard("customers.customer.id_number", _("Id number"), reveal=permissions.REVEAL, edit=permissions.CHANGE)
guard("customers.customer.mobile", _("Mobile"), reveal=permissions.REVEAL, edit=permissions.CHANGE)
guard("customers.customer.bank_card", _("Bank card"), reveal=permissions.REVEAL, edit=permissions.CHANGE)
guard("customers.customer.email", pgettext_lazy("channel", "E-mail"), reveal=permissions.REVEAL, edit=permissions.CHANGE)
guard("customers.customer.address", _("Address"), reveal=permissions.REVEAL, edit=permissions.CHANGE)
guard("customers.customer.employer", _("Employer"), reveal=permissions.REVEAL, edit=permissions.CHANGE)
guard("customers.relation.name", _("Name of a related person"), reveal=permissions.REVEAL)
guard("customers.relation.mobile", _("Mobile of a related person"), reveal=permissions.REVEAL)


def of(field: str) -> str:
    """Return the code of a field of the customer's file."""
    return f"customers.customer.{field}"
