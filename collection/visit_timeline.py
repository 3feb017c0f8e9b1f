"""What happened with field visits, in words, for the timeline on the customer's page."""

from typing import Any

from django.utils.translation import gettext_lazy

from collection.models import Outcome
from collection.permissions import VIEW
from collection.timeline import word
from customers.timeline import kind, sentence
from ledger.models import Entry

kind("visits", label=gettext_lazy("Field visits"), order=48, prefixes=("collections.visit.",))


def plain(event: str, words: Any, tone: str) -> None:
    def say(entry: Entry) -> str:
        return str(words) % {"day": entry.facts.get("on", ""), "outcome": word(Outcome, entry.facts.get("outcome", ""))}

    sentence(event, icon="pin", tone=tone, permission=VIEW)(say)


for event, words, tone in (
    ("collections.visit.wanted", gettext_lazy("A field visit was asked for"), "info"),
    ("collections.visit.planned", gettext_lazy("A field visit is planned for %(day)s"), "info"),
    ("collections.visit.begun", gettext_lazy("A field visit began"), "info"),
    ("collections.visit.joined", gettext_lazy("The second person joined the field visit"), "neutral"),
    ("collections.visit.done", gettext_lazy("Field visit: %(outcome)s"), "info"),
    ("collections.visit.missed", gettext_lazy("A field visit was not carried out"), "warn"),
    ("collections.visit.cancelled", gettext_lazy("A field visit was cancelled"), "neutral"),
    ("collections.visit.photo_added", gettext_lazy("A photograph of a field visit was added"), "neutral"),
    ("collections.visit.photo_opened", gettext_lazy("A photograph of a field visit was opened"), "neutral"),
):
    plain(event, words, tone)
