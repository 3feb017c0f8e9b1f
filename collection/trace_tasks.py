"""What tracing does by itself: nobody is looked for once their case is over. And its sentences for the timeline."""

from typing import Any

from django.utils.translation import gettext_lazy

from collection import trace_lists, traces  # noqa: F401  the list is registered by import
from collection.models import Case, TraceRequest
from collection.permissions import VIEW
from collection.timeline import word
from customers.timeline import kind, sentence
from governance import users
from ledger import log
from ledger.models import Entry


@log.on("collections.case.closed")
def stop_looking(*, entry: Entry, **_: object) -> None:
    """Stop looking for somebody whose case is over."""
    case = Case.objects.get(pk=entry.subject_id)
    if not case.is_open:
        traces.stop_with_case(case, actor=users.system(), at=entry.at)


kind("traces", label=gettext_lazy("Tracing"), order=49, prefixes=("collections.trace.",))


def plain(event: str, words: Any, tone: str) -> None:
    def say(entry: Entry) -> str:
        return str(words) % {
            "purpose": word(TraceRequest.Purpose, entry.facts.get("purpose", "")),
            "outcome": word(TraceRequest.Status, entry.facts.get("outcome", "")),
        }

    sentence(event, icon="search", tone=tone, permission=VIEW)(say)


for event, words, tone in (
    ("collections.trace.asked", gettext_lazy("Tracing was asked for: %(purpose)s"), "caution"),
    ("collections.trace.looked", gettext_lazy("A source was looked at to trace the customer"), "neutral"),
    ("collections.trace.found", gettext_lazy("A way to the customer was found, not verified"), "info"),
    ("collections.trace.tried", gettext_lazy("A way that was found was tried"), "neutral"),
    ("collections.trace.confirmed", gettext_lazy("A way that was found is confirmed"), "good"),
    ("collections.trace.barred", gettext_lazy("A way that was found is somebody else's: barred"), "bad"),
    ("collections.trace.ended", gettext_lazy("Tracing ended: %(outcome)s"), "neutral"),
):
    plain(event, words, tone)
