"""What happened on the way to court, in words, for the timeline on the customer's page."""

from typing import Any

from django.utils.translation import gettext_lazy

from collection.models import LegalAction
from collection.permissions import VIEW
from collection.timeline import amount, word
from customers.timeline import kind, sentence
from ledger.models import Entry

kind(
    "legal", label=gettext_lazy("Limitation and court"), order=47,
    prefixes=("collections.legal.", "collections.letter.", "collections.limitation.", "collections.pack."),
)  # fmt: skip


def plain(event: str, words: Any, *, tone: str = "neutral", icon: str = "decisions") -> None:
    """Register a sentence that names at most the amount, the day or the end."""

    def say(entry: Entry) -> str:
        said = {
            "amount": amount(entry) if "amount" in entry.facts else "", "day": entry.facts.get("on", ""),
            "outcome": word(LegalAction.Outcome, entry.facts.get("outcome", "")),
        }  # fmt: skip
        return str(words) % said

    sentence(event, icon=icon, tone=tone, permission=VIEW)(say)


for event, words, tone in (
    ("collections.letter.made", gettext_lazy("Letter before action over %(amount)s made"), "info"),
    ("collections.letter.sent", gettext_lazy("Letter before action over %(amount)s sent"), "info"),
    ("collections.letter.delivered", gettext_lazy("Letter before action delivered: the period of limitation runs anew"), "good"),
    ("collections.letter.returned", gettext_lazy("Letter before action came back"), "warn"),
    ("collections.letter.dropped", gettext_lazy("Letter before action let go"), "neutral"),
    ("collections.letter.opened", gettext_lazy("Letter before action opened"), "neutral"),
    ("collections.limitation.marked", gettext_lazy("An act that bears on the period of limitation was put on record, %(day)s"), "info"),
    ("collections.legal.proposed", gettext_lazy("Legal action proposed"), "caution"),
    ("collections.legal.approved", gettext_lazy("Legal action approved: the work on the case waits"), "caution"),
    ("collections.legal.refused", gettext_lazy("Legal action not gone on with"), "neutral"),
    ("collections.legal.filed", gettext_lazy("Filed with a court on %(day)s"), "warn"),
    ("collections.legal.accepted", gettext_lazy("Accepted by the court on %(day)s"), "info"),
    ("collections.legal.hearing", gettext_lazy("Hearing on %(day)s"), "info"),
    ("collections.legal.judgment", gettext_lazy("Judgment on %(day)s"), "good"),
    ("collections.legal.enforcement", gettext_lazy("Enforcement applied for on %(day)s"), "warn"),
    ("collections.legal.ended", gettext_lazy("Legal action ended: %(outcome)s"), "neutral"),
    ("collections.legal.noted", gettext_lazy("Diary of the legal action written"), "neutral"),
    ("collections.pack.ordered", gettext_lazy("A filing pack was asked for"), "neutral"),
    ("collections.pack.made", gettext_lazy("A filing pack was made"), "info"),
    ("collections.pack.opened", gettext_lazy("A filing pack was opened"), "neutral"),
    ("collections.legal.cost", gettext_lazy("Cost of the legal action: %(amount)s"), "neutral"),
):
    plain(event, words, tone=tone)
