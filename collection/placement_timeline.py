"""What happened with agencies, in words, for the timeline on the customer's page."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from collection.models import Placement
from collection.permissions import VIEW
from collection.timeline import amount, word
from customers.timeline import kind, sentence
from ledger.models import Entry

kind(
    "placements",
    label=gettext_lazy("Agencies"),
    order=47,
    prefixes=("collections.placement.", "collections.agency.", "collections.agency_file."),
)


@sentence("collections.placement.made", icon="partners", tone="info", permission=VIEW)
def _made(entry: Entry) -> str:
    return _("Placed with agency %(agency)s: %(amount)s overdue") % {"agency": entry.facts.get("agency", ""), "amount": amount(entry)}


@sentence("collections.placement.number_told", icon="phone", permission=VIEW)
def _number(entry: Entry) -> str:
    return _("Agency %(agency)s was told the number for a contact") % {"agency": entry.facts.get("agency", "")}


@sentence("collections.placement.planned", icon="partners", permission=VIEW)
def _planned(entry: Entry) -> str:
    return _("Treatment asks for an agency")


@sentence("collections.placement.recalled", icon="partners", tone="caution", permission=VIEW)
def _recalled(entry: Entry) -> str:
    words = {"agency": entry.facts.get("agency", ""), "reason": word(Placement.Reason, entry.facts.get("reason", ""))}
    return _("Taken back from agency %(agency)s: %(reason)s") % words


@sentence("collections.placement.ended", icon="partners", tone="good", permission=VIEW)
def _ended(entry: Entry) -> str:
    return _("The placement with agency %(agency)s ended with the case") % {"agency": entry.facts.get("agency", "")}
