"""What taking a debt to court costs and brings: fees by the table of the rule book against the recovery that collections expects. Pure
but for `outlook`, which reads the case.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from collection import owed, priority
from collection.models import Case
from collection.priority import Stake
from credit.models import Loan
from crm.lib.money import quantize, total
from governance import rules

ZERO = Decimal("0.00")
COURT, ENFORCEMENT = "collections.legal.court_fee", "collections.legal.enforcement_fee"
LAWYER, SERVICE = "collections.legal.lawyer_fee", "collections.legal.service_fee"
WORDS: Mapping[str, Any] = {
    "court": _("Court's fee"), "lawyer": _("Lawyer"), "service": _("Service of papers"), "enforcement": _("Enforcement"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outlook:
    """What an action would claim, is expected to bring, and to cost by kind; amounts in CNY."""

    claim: Decimal
    expected: Decimal
    costs: Mapping[str, Decimal]

    @property
    def cost(self) -> Decimal:
        return total(list(self.costs.values()))

    @property
    def above(self) -> bool:
        """Whether it would cost more than it is expected to bring."""
        return self.cost > self.expected

    @property
    def lines(self) -> list[tuple[Any, Decimal]]:
        return [(WORDS[kind], amount) for kind, amount in self.costs.items()]


def fee(table: Mapping[str, str], claim: Decimal) -> Decimal:
    """Return the fee of a claim: `flat`, and of what lies above each amount its share, in cents.

    :param table: {"flat": amount, "<from amount>": share, …}
    """
    steps = sorted((Decimal(start), Decimal(share)) for start, share in table.items() if start != "flat")
    found = Decimal(table["flat"])
    for place, (start, share) in enumerate(steps):
        ends = steps[place + 1][0] if place + 1 < len(steps) else claim
        found += max(min(claim, ends) - start, ZERO) * share
    return quantize(found)


def outlook(case: Case, *, on: date) -> Outlook:
    """Return what going to court with a case looks like on a day: all that ends its loans is claimed."""
    loans = Loan.objects.open().filter(pk__in=case.debts.values("loan")).select_related("product").order_by("pk")
    claim = total([max(one.payoff - one.contested, ZERO) for one in owed.of_loans(loans, on=on)])
    expected = priority.expected([Stake(case.pk, case.customer_id, claim, case.bucket)]).get(case.pk, ZERO)
    found = rules.values([COURT, ENFORCEMENT, LAWYER, SERVICE], on=on)
    costs = {
        "court": fee(found[COURT], claim), "lawyer": fee(found[LAWYER], claim), "service": found[SERVICE],
        "enforcement": fee(found[ENFORCEMENT], claim),
    }  # fmt: skip
    return Outlook(claim, min(expected, claim), costs if claim else {})
