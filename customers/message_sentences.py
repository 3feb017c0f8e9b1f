"""What the timeline says of messages and of stops of contact."""

from typing import Any

from django.utils.translation import gettext as _

from customers import templates
from customers.contacts import words
from customers.models import Reply
from customers.permissions import VIEW_MESSAGE
from customers.timeline import sentence
from customers.words import problem_of
from ledger.models import Entry


def _said(entry: Entry) -> dict[str, Any]:
    facts = entry.facts
    return {
        "message": templates.label(str(facts.get("template", ""))),
        "channel": words(str(facts.get("channel", ""))),
        "why": problem_of(str(facts.get("problem", "") or facts.get("reason", ""))),
    }


@sentence("customers.message.sent", icon="message", permission=VIEW_MESSAGE)
def _sent(entry: Entry) -> str:
    return _("%(message)s sent by %(channel)s") % _said(entry)


@sentence("customers.message.failed", icon="message", tone="warn", permission=VIEW_MESSAGE)
def _failed(entry: Entry) -> str:
    return _("%(message)s by %(channel)s failed. %(why)s") % _said(entry)


@sentence("customers.message.parked", icon="message", tone="caution", permission=VIEW_MESSAGE)
def _parked(entry: Entry) -> str:
    return _("%(message)s by %(channel)s waits for a person. %(why)s") % _said(entry)


@sentence("customers.message.sent_again", icon="retry", permission=VIEW_MESSAGE)
def _again(entry: Entry) -> str:
    return _("A message by %(channel)s is sent again") % _said(entry)


@sentence("customers.contact.stopped", icon="tone-special", tone="special", permission=VIEW_MESSAGE)
def _stopped(entry: Entry) -> str:
    return _("No contact by %(channel)s any more") % _said(entry)


@sentence("customers.contact.reopened", icon="tone-good", permission=VIEW_MESSAGE)
def _reopened(entry: Entry) -> str:
    return _("Contact by %(channel)s is open again") % _said(entry)


@sentence("customers.code.issued", icon="lock", permission=VIEW_MESSAGE)
def _code(entry: Entry) -> str:
    return _("One-time code sent to the mobile on file")


@sentence("customers.code.confirmed", icon="lock", tone="good", permission=VIEW_MESSAGE)
def _confirmed(entry: Entry) -> str:
    return _("One-time code confirmed")


@sentence("customers.code.refused", icon="lock", tone="warn", permission=VIEW_MESSAGE)
def _refused(entry: Entry) -> str:
    return _("A wrong one-time code was entered")


@sentence("customers.number.barred", icon="tone-special", tone="special", permission=VIEW_MESSAGE)
def _number_barred(entry: Entry) -> str:
    return _("The number on file belongs to somebody else: it is barred in every file")


@sentence("customers.number.lifted", icon="phone", permission=VIEW_MESSAGE)
def _number_lifted(entry: Entry) -> str:
    return _("The number on file is open again")


@sentence("customers.window.agreed", icon="consents", tone="info", permission=VIEW_MESSAGE)
def _window_agreed(entry: Entry) -> str:
    values = {"opens": entry.facts.get("opens", ""), "closes": entry.facts.get("closes", "")}
    if entry.facts.get("kind") == "agreed":
        return _("Contact agreed from %(opens)s to %(closes)s by the customer's clock") % values
    return _("The customer asked not to be contacted from %(opens)s to %(closes)s") % values


@sentence("customers.window.ended", icon="consents", permission=VIEW_MESSAGE)
def _window_ended(entry: Entry) -> str:
    return _("Agreed hours of contact ended")


@sentence("customers.reply.heard", icon="message", tone="info", permission=VIEW_MESSAGE)
def _reply_heard(entry: Entry) -> str:
    values = _said(entry) | {"what": dict(Reply.Kind.choices).get(str(entry.facts.get("kind", "")), "")}
    return _("Reply by %(channel)s: %(what)s") % values


@sentence("customers.reply.read", icon="message", tone="good", permission=VIEW_MESSAGE)
def _reply_read(entry: Entry) -> str:
    return _("A reply was seen to")
