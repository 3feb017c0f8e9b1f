"""Conditions of an approval: named when it is given, each cleared by a person with evidence before the offer is accepted."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from credit.models import Application, Condition, ConditionKind
from crm.lib.errors import DomainError, Invalid, NotAllowed
from customers.documents import check_version
from customers.models import Document
from governance.lifecycle import move
from governance.models import User
from ledger import log

SHORTEST_EVIDENCE = 5


class ConditionsOpen(DomainError):
    """The approval carries conditions that nobody has cleared yet; `extra["conditions"]` counts them."""

    code = "conditions_open"


class OwnCondition(NotAllowed):
    """Whoever entered the application does not clear its conditions."""

    code = "own_application"


def checked(kinds: Iterable[str], words: str) -> list[str]:
    """Return the kinds, each once.

    :raises Invalid: for a kind that is none, or "another condition" without words, or words without it
    """
    found = list(dict.fromkeys(kinds))
    if not set(ConditionKind.values).issuperset(found):
        sentence = _("Choose conditions from the list.")
        raise Invalid(sentence, fields={"conditions": sentence})
    if (ConditionKind.OTHER in found) != bool(words.strip()):
        sentence = _("Say in words what the other condition is, and tick it.")
        raise Invalid(sentence, fields={"condition_words": sentence})
    return found


def put(application: Application, *, kinds: Iterable[str], words: str, actor: User, at: datetime) -> list[Condition]:
    """Attach conditions to an application inside the door that approves it."""
    made = []
    for kind in checked(kinds, words):
        condition = Condition(
            application=application, kind=kind, words=words.strip()[:500] if kind == ConditionKind.OTHER else None, set_by=actor, set_at=at
        )
        condition.save(force_insert=True)
        log.record("credit.condition.set", condition, actor=actor, at=at, kind=kind)
        made.append(condition)
    return made


@transaction.atomic
def clear(
    condition: Condition, *, evidence: str, actor: User, at: datetime, document: Document | None = None, version: int | None = None
) -> Condition:
    """Say that a condition is met, and by what one knows.

    :raises Invalid: without evidence, or with another person's document
    :raises OwnCondition: if the actor entered the application
    :raises IllegalMove: if it is cleared already
    :raises MovedMeanwhile: if it changed since `version`
    """
    check_version(condition, version)
    if actor.is_also(condition.application.entered_by_id):
        raise OwnCondition(_("Whoever entered an application does not clear its conditions."))
    evidence = evidence.strip()
    if len(evidence) < SHORTEST_EVIDENCE:
        sentence = _("Say what you saw or heard, in at least five characters.")
        raise Invalid(sentence, fields={"evidence": sentence})
    if document is not None and document.customer_id != condition.application.customer_id:
        sentence = _("This paper is another person's.")
        raise Invalid(sentence, fields={"document": sentence})
    if condition.status == Condition.Status.OPEN:
        condition.evidence = evidence[:1000]
        condition.save(update_fields=["evidence"])
    facts = {"kind": condition.kind, "document": document.public_id if document else None}
    return move(condition, Condition.Status.CLEARED, actor=actor, at=at, cleared_by=actor, cleared_at=at, document=document, facts=facts)


def check_cleared(application: Application) -> None:
    """:raises ConditionsOpen: if a condition of the approval is not cleared"""
    left = Condition.objects.filter(application=application, status=Condition.Status.OPEN).count()
    if left:
        raise ConditionsOpen(
            _("The approval carries %(n)s conditions that are not cleared yet.") % {"n": left}, conditions=left
        )  # fmt: skip
