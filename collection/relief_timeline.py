"""What happened with relief and settlements, in words, for the timeline on the customer's page."""

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy

from collection.models import ReliefPlan
from collection.permissions import VIEW
from collection.timeline import amount, word
from crm.lib.templatetags.crm import spoken
from customers.timeline import kind, sentence
from ledger.models import Entry

kind(
    "relief", label=gettext_lazy("Relief and settlement"), order=46,
    prefixes=("collections.hardship.", "collections.hardshippaper.", "collections.relief.", "collections.reliefplan.", "collections.settlement.", "collections.care."),
)  # fmt: skip


def plain(event: str, words: Any, *, tone: str = "neutral", icon: str = "notes") -> None:
    """Register a sentence that needs no figure."""

    def say(entry: Entry) -> str:
        return str(words)

    sentence(event, icon=icon, tone=tone, permission=VIEW)(say)


for event, words, tone in (
    ("collections.hardship.opened", gettext_lazy("Relief was asked for"), "caution"),
    ("collections.hardship.filled_in", gettext_lazy("The form of income and expenses was filled in"), "neutral"),
    ("collections.hardship.draft", gettext_lazy("The form of income and expenses is open again"), "neutral"),
    ("collections.hardship.assessed", gettext_lazy("The form of income and expenses was finished"), "info"),
    ("collections.hardship.paper_added", gettext_lazy("A paper was added to the request for relief"), "neutral"),
    ("collections.hardship.paper_opened", gettext_lazy("A paper of the request for relief was opened"), "neutral"),
    ("collections.hardship.granted", gettext_lazy("Relief was given"), "good"),
    ("collections.hardship.refused", gettext_lazy("No relief was given"), "neutral"),
    ("collections.hardship.withdrawn", gettext_lazy("The request for relief was taken back"), "neutral"),
    ("collections.care.noted", gettext_lazy("Special care was noted"), "caution"),
    ("collections.care.ended", gettext_lazy("Special care ended"), "neutral"),
    ("collections.settlement.letter", gettext_lazy("The letter of a settlement was made"), "neutral"),
):
    plain(event, words, tone=tone)


def of_plan(event: str, words: Any, tone: str) -> None:
    def say(entry: Entry) -> str:
        return str(words) % {"plan": word(ReliefPlan.Kind, entry.facts.get("kind", ""))}

    sentence(event, icon="notes", tone=tone, permission=VIEW)(say)


for event, words, tone in (
    ("collections.relief.proposed", gettext_lazy("Plan proposed: %(plan)s"), "info"),
    ("collections.reliefplan.approved", gettext_lazy("Plan approved: %(plan)s"), "info"),
    ("collections.reliefplan.running", gettext_lazy("Plan on the loan: %(plan)s"), "good"),
    ("collections.reliefplan.kept", gettext_lazy("Plan kept: %(plan)s"), "good"),
    ("collections.reliefplan.broken", gettext_lazy("Plan broken: %(plan)s"), "bad"),
    ("collections.reliefplan.refused", gettext_lazy("Plan refused: %(plan)s"), "neutral"),
):
    of_plan(event, words, tone)


def of_settlement(event: str, words: Any, tone: str) -> None:
    def say(entry: Entry) -> str:
        return str(words) % {"amount": amount(entry), "paid": spoken(Decimal(entry.facts.get("paid") or "0.00"))}

    sentence(event, icon="promises", tone=tone, permission=VIEW)(say)


for event, words, tone in (
    ("collections.settlement.proposed", gettext_lazy("Settlement for %(amount)s proposed"), "info"),
    ("collections.settlement.approved", gettext_lazy("Settlement for %(amount)s offered"), "info"),
    ("collections.settlement.accepted", gettext_lazy("Settlement for %(amount)s is being paid"), "info"),
    ("collections.settlement.paid", gettext_lazy("Settlement for %(amount)s paid: the rest is being forgiven"), "good"),
    ("collections.settlement.settled", gettext_lazy("Settled for %(amount)s"), "good"),
    ("collections.settlement.breached", gettext_lazy("Settlement for %(amount)s breached, %(paid)s came: all is owed again"), "bad"),
    ("collections.settlement.expired", gettext_lazy("Offer to settle for %(amount)s expired"), "neutral"),
    ("collections.settlement.refused", gettext_lazy("Settlement for %(amount)s refused"), "neutral"),
    ("collections.settlement.withdrawn", gettext_lazy("Offer to settle for %(amount)s taken back"), "neutral"),
):
    of_settlement(event, words, tone)
