"""The personal fields of a file whose level a role may narrow; see `governance.access`."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers import permissions
from governance.access import guard

# level by JR/T 0197-2020: 4 what identifies a person or opens an account, 3 what describes one
NAME = guard("customers.customer.name", _("Name"), level=3, reveal=permissions.REVEAL, edit=permissions.CHANGE)
guard("customers.customer.id_number", _("Id number"), level=4, reveal=permissions.REVEAL, edit=permissions.CHANGE)
guard("customers.customer.mobile", _("Mobile"), level=3, reveal=permissions.REVEAL, edit=permissions.CHANGE)
guard("customers.customer.bank_card", _("Bank card"), level=4, reveal=permissions.REVEAL, edit=permissions.CHANGE)
guard("customers.customer.email", pgettext_lazy("channel", "E-mail"), level=3, reveal=permissions.REVEAL, edit=permissions.CHANGE)
guard("customers.customer.address", _("Address"), level=3, reveal=permissions.REVEAL, edit=permissions.CHANGE)
guard("customers.customer.employer", _("Employer"), level=3, reveal=permissions.REVEAL, edit=permissions.CHANGE)
guard("customers.relation.name", _("Name of a related person"), level=3, reveal=permissions.REVEAL)
guard("customers.relation.mobile", _("Mobile of a related person"), level=3, reveal=permissions.REVEAL)


def of(field: str) -> str:
    """Return the code of a field of the customer's file."""
    return f"customers.customer.{field}"
