"""The words credit's pages speak: facts, purposes, reasons, parts of a due amount; in the current language."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from credit.applications import DECLINE_REASONS, REASONS
from credit.models import Application
from risk import words as risk_words
from risk.models import ScorecardVersion, StrategyVersion

# Facts that are classes in the data and words in our forms.
LABELS = {"installment_rate": _("Instalment share of income"), "residence_years": _("Years at the present address")}
PARTS = {"fee": _("Fee"), "penalty": _("Penalty"), "interest": _("Interest"), "principal": _("Principal")}


def language() -> str:
    return get_language() or "en"


def fact(name: str) -> str:
    """Return the name of a fact in words."""
    return str(LABELS[name]) if name in LABELS else risk_words.label(name, language())


def word(name: str, value: Any) -> str:
    """Return a stated value in words."""
    return risk_words.word(name, value, language())


def choices(name: str, tongue: str) -> list[tuple[str, str]]:
    """Return (value, words) of a category in the declared order."""
    return risk_words.choices(name, tongue)


class Reasons:
    """Sentences of reason codes for a page of applications: the texts of each version are read once, not once a row."""

    def __init__(self, applications: Iterable[Application]) -> None:
        decisions = [each.decision for each in applications if each.decision is not None]
        strategies = StrategyVersion.objects.filter(pk__in={each.strategy_version_id for each in decisions})
        cards = ScorecardVersion.objects.filter(pk__in={each.scorecard_version_id for each in decisions if each.scorecard_version_id})
        self.strategies: dict[int, Any] = dict(strategies.values_list("pk", "reasons")) if decisions else {}
        self.cards: dict[int, Any] = dict(cards.values_list("pk", "content__reasons")) if decisions else {}

    def pairs(self, application: Application, codes: Sequence[str] | None = None) -> list[tuple[str, str]]:
        """Return (code, sentence) of the reasons, credit's own or the decision's, the weightiest first."""
        return [(code, self.sentence(application, code)) for code in (application.reason_codes if codes is None else codes)]

    def sentences(self, application: Application) -> list[str]:
        """Return why the application stands where it stands."""
        return list(dict.fromkeys(text for _code, text in self.pairs(application)))

    def sentence(self, application: Application, code: str) -> str:
        """Return one reason in words; a code nobody worded is shown rather than hidden."""
        if code in REASONS:
            return str(REASONS[code])
        decision = application.decision
        if decision is None:
            return code
        texts = {**(self.cards.get(decision.scorecard_version_id or 0) or {}), **(self.strategies.get(decision.strategy_version_id) or {})}
        values = {**decision.facts, **decision.figures}
        return risk_words.sentence(code, texts, values, language=language(), currency=settings.CURRENCY)

    def choices(self, application: Application) -> list[tuple[str, str]]:
        """Return what a person may give as reason of a decline: the decision's own first."""
        return self.pairs(application, list(dict.fromkeys([*application.reason_codes, *DECLINE_REASONS])))
