"""What would change a verdict within the policy: a lower amount, another term, less debt. Pure search over the version that decided.

Each suggestion was run through the compiled strategy and came out approved; nothing is guessed from thresholds. The search is a
bisection over whole hundreds and over the product's terms, with at most `MOST_RUNS` evaluations: a few milliseconds, at most 50.
Where a rule of fraud or of the lists spoke, nothing is suggested: it would teach how to get around it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from risk import words
from risk.strategies import Strategy

STEP = Decimal(100)
MOST_RUNS = 40
TERM_STEPS = 6  # terms that are tried, besides the one asked for


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A change under which the same strategy approves: `kind` is amount, term, both or debt."""

    kind: str
    amount: Decimal
    term: int
    monthly_debt: Decimal

    def sentence(self, language: str, *, customer: bool = False) -> str:
        """Return it in words, for staff or for the customer."""
        with translation.override(language):
            told = {
                "amount": words.show("amount", self.amount, "money", language=language, currency=settings.CURRENCY),
                "debt": words.show("monthly_debt", self.monthly_debt, "money", language=language, currency=settings.CURRENCY),
                "term": self.term,
            }
            if customer:
                text = {
                    "amount": _("We could lend you up to %(amount)s over %(term)s months."),
                    "term": _("We could lend you the whole amount over %(term)s months."),
                    "both": _("We could lend you up to %(amount)s over %(term)s months."),
                    "debt": _("We could lend you the amount if you paid at most %(debt)s a month on other debts."),
                }[self.kind]
            else:
                text = {
                    "amount": _("It would be approved for up to %(amount)s over %(term)s months."),
                    "term": _("The whole amount would be approved over %(term)s months."),
                    "both": _("It would be approved for up to %(amount)s over %(term)s months."),
                    "debt": _("It would be approved if other debts took at most %(debt)s a month."),
                }[self.kind]
            return text % told


class _Search:
    """Runs of a strategy on changed facts, counted."""

    def __init__(self, strategy: Strategy, facts: Mapping[str, Any]) -> None:
        self.strategy, self.facts, self.left = strategy, dict(facts), MOST_RUNS

    def passes(self, **changes: Any) -> bool:
        if self.left <= 0:
            return False
        self.left -= 1
        return self.strategy.approves(self.facts | changes)

    def most(self, low: Decimal, high: Decimal, passes: Callable[[Decimal], bool]) -> Decimal | None:
        """Return the largest of `low`, the hundreds between and `high` that passes, where all below it do; None if `low` does not."""
        if high < low or not passes(low):
            return None
        if passes(high):
            return high
        good, bad = low // STEP, -(-high // STEP)  # in hundreds; `low` itself passed and may be no hundred
        while bad - good > 1:
            middle = (good + bad) // 2
            good, bad = (middle, bad) if passes(middle * STEP) else (good, middle)
        return max(low, good * STEP)


def find(strategy: Strategy, facts: Mapping[str, Any], reasons: Iterable[str]) -> list[Suggestion]:
    """Return what would be approved in the place of `facts`, which were not; empty where nothing within the policy would.

    :param facts: as a decision stored them
    :param reasons: the codes of the decision; one that is marked `quiet` ends the search
    """
    codes = [code.partition(":")[0] for code in reasons]
    if any(strategy.reasons.get(code, {}).get("quiet") or code.startswith("fact_") for code in codes):
        return []
    try:
        amount, term, debt = Decimal(facts["amount"]), int(facts["term"]), Decimal(facts["monthly_debt"])
        least, most = Decimal(facts["product_min"]), Decimal(facts["product_max"])
        shortest, longest = int(facts["term_min"]), int(facts["term_max"])
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return []
    search, found = _Search(strategy, facts), []
    term_now = min(max(term, shortest), longest)
    lower = search.most(least, min(amount, most), lambda one: search.passes(amount=one, term=term_now))
    if lower is not None and (lower, term_now) != (amount, term):
        found.append(Suggestion("amount", lower, term_now, debt))
    terms = _terms(term, shortest, longest)
    if least <= amount <= most:
        whole = next((other for other in terms if search.passes(term=other)), None)
        if whole is not None and lower != amount:
            found.append(Suggestion("term", amount, whole, debt))
        if debt and not found:
            less = search.most(Decimal(0), debt - STEP if debt > STEP else Decimal(0), lambda one: search.passes(monthly_debt=one))
            if less is not None:
                found.append(Suggestion("debt", amount, term, less))
    if not found:
        for other in terms:
            lower = search.most(least, min(amount, most), lambda one, other=other: search.passes(amount=one, term=other))  # type: ignore[misc]
            if lower is not None:
                found.append(Suggestion("both", lower, other, debt))
                break
    return found


def sentences(found: Iterable[Suggestion], language: str, *, customer: bool = False) -> list[str]:
    """Return suggestions in words, each once."""
    return list(dict.fromkeys(one.sentence(language, customer=customer) for one in found))


def _terms(term: int, shortest: int, longest: int) -> list[int]:
    """Return the terms to try, longer ones first, the nearest first: in half years, and the product's ends."""
    every = [one for one in range(6, 361, 6) if shortest <= one <= longest] + [shortest, longest]
    longer = sorted({one for one in every if one > term})[:TERM_STEPS]
    shorter = sorted({one for one in every if one < term}, reverse=True)[: TERM_STEPS // 2]
    return longer + shorter
