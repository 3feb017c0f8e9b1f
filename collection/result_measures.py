"""The measures of collections: what each is over what, in words beside every figure. Terms as in the glossary."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from collection.result_facts import Counted, Sum
from crm.lib.registry import Registry

NUMBER, AMOUNT, MEAN = "number", "amount", "mean"


@dataclass(frozen=True)
class Measure:
    """Top over bottom, times `per`; `basis` says whether both count, both sum in CNY, or points stand over a count: their mean."""

    name: str
    group: str
    title: Any
    means: Any
    top: tuple[str, ...]
    bottom: tuple[str, ...]
    basis: str = NUMBER
    per: int = 1

    def above(self, part: Sum) -> Decimal | int:
        return part.n if self.basis == NUMBER else part.amount

    def below(self, part: Sum) -> Decimal | int:
        return part.amount if self.basis == AMOUNT else part.n

    def value(self, counted: Counted, row: str | None = None) -> Decimal | None:
        """Return the figure of a row, of all rows where none is named; None where nothing stands below the line."""
        below = self.below(counted.at(self.bottom, row))
        return Decimal(self.above(counted.at(self.top, row))) * self.per / below if below > 0 else None


GROUPS: dict[str, Any] = {
    "money": _("Money that came in"),
    "moves": _("Where the debts went"),
    "contact": _("Contacts and promises"),
    "conduct": _("Conduct"),
}
MEASURES: Registry[Measure] = Registry("measure of collections")


def declare(one: Measure) -> Measure:
    MEASURES.register(one.name, one)
    return one


for each in (
    Measure(
        "recovery", "money", _("Recovery rate"),
        _(
            "What came in on loans while they were in a case, reversals taken off, over what was overdue in cases at the start of each month "
            "and what was overdue in cases opened in it."
        ),
        ("cash",), ("stood", "entered"), AMOUNT,
    ),
    Measure(
        "liquidation", "money", _("Liquidation rate"),
        _("Of what was overdue in cases opened in a month, the share that came in on them within the same month."),
        ("early",), ("entered",), AMOUNT,
    ),
    Measure(
        "cost", "money", _("Cost to collect"),
        _(
            "Contacts of collectors and messages sent, each at the price of the rule collections.treatment.cost, plus fees agencies earned, plus "
            "costs of legal actions as booked; over what came in. Pay of staff is not in it."
        ),
        ("cost",), ("cash",), AMOUNT,
    ),
    Measure(
        "roll", "moves", _("Roll-forward rate"),
        _(
            "Of the principal of loans in cases in M1 to M6 at the start of a month, the share that stood in a graver bucket or was written off "
            "at its end. Months without an end on file are left out."
        ),
        ("rolled",), ("before",), AMOUNT,
    ),
    Measure(
        "back", "moves", _("Cure rate by balance"),
        _("Of the principal of loans in cases at the start of a month, the share that was back in M0 or paid off at its end, restructured loans left out of it."),
        ("back",), ("late",), AMOUNT,
    ),
    Measure(
        "cured", "moves", _("Cure rate by cases"),
        _("Of the cases opened in a month, the share that closed as cured until today: nothing overdue any more, without a restructuring."),
        ("cured",), ("opened",),
    ),
    Measure(
        "again", "moves", _("Re-default within 90 days"),
        _("Of the cases that closed as cured at least 90 days ago, the share whose customer had another case within 90 days. It stands in the month of the cure."),
        ("again",), ("ripe",),
    ),
    Measure(
        "right_of_calls", "contact", _("RPC rate, of calls"),
        _("Calls that reached the debtor, confirmed (right party, refused, promise, dispute, hardship), over all calls made."),
        ("right",), ("calls",),
    ),
    Measure(
        "right_of_answered", "contact", _("RPC rate, of calls answered"),
        _("The same calls over those that somebody answered: all but no answer and busy."),
        ("right",), ("answered",),
    ),
    Measure(
        "promised", "contact", _("Promise rate"),
        _("Contacts that ended in a promise over contacts by any channel that reached the debtor."),
        ("promised",), ("reached",),
    ),
    Measure(
        "kept", "contact", _("Kept rate by number"),
        _("Promises kept over promises kept and broken, in the month they ended; what runs, was replaced or cancelled is left out."),
        ("kept",), ("judged",),
    ),
    Measure(
        "kept_amount", "contact", _("Kept rate by amount"), _("The same promises by their amounts."), ("kept",), ("judged",), AMOUNT,
    ),
    Measure(
        "complaints", "conduct", _("Complaints for 10,000 contacts"),
        _("Complaints opened, over contacts we made: those logged, calls answered or not, and messages sent; who called us does not count."),
        ("complaint",), ("touch",), per=10_000,
    ),
    Measure(
        "refused", "conduct", _("Policy blocks for 1,000 attempts"),
        _("Attempts that the contact policy refused, over all attempts it was asked about for cases. “Later”, said to a person or an agency, is a refusal; a message that a machine sends later is put off. A rise is an early sign of pressure."),  # noqa: E501
        ("refused",), ("asked",), per=1_000,
    ),
    Measure(
        "quality", "conduct", _("QA score"),
        _("Mean score of 100 of the contacts scored by the quality form, on the day of scoring; second scorings are left out."),
        ("score",), ("score",), MEAN,
    ),
):  # fmt: skip
    declare(each)
LEAGUE = ("right_of_calls", "promised", "kept", "kept_amount", "complaints", "quality")
