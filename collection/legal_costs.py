"""What taking a debt to court costs and brings: fees by the table of the rule book against the recovery that collections expects. Pure
but for `outlooks`, which reads the cases.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from collection import owed, priority
from collection.models import Case, CaseDebt
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
    return outlooks([case], on=on)[case.pk]


def outlooks(cases: Sequence[Case], *, on: date) -> dict[int, Outlook]:
    """Return it for each of the cases; a constant number of statements for all."""
    held: dict[int, list[int]] = defaultdict(list)
    for loan, case in CaseDebt.objects.filter(case__in=cases, loan__status=Loan.Status.OPEN).order_by("loan").values_list("loan", "case"):
        held[case].append(loan)
    loans = Loan.objects.filter(pk__in={loan for found in held.values() for loan in found}).select_related("product").order_by("pk")
    claims = {one.loan.pk: max(one.payoff - one.contested, ZERO) for one in owed.of_loans(loans, on=on)}
    claim = {case.pk: total([claims[loan] for loan in held[case.pk]]) for case in cases}
    expected = priority.expected([Stake(case.pk, case.customer_id, claim[case.pk], case.bucket) for case in cases])
    tables = rules.values([COURT, ENFORCEMENT, LAWYER, SERVICE], on=on)
    return {
        case.pk: Outlook(
            claim[case.pk], min(expected.get(case.pk, ZERO), claim[case.pk]), costs_of(claim[case.pk], tables) if claim[case.pk] else {}
        )
        for case in cases
    }


def costs_of(claim: Decimal, tables: Mapping[str, Any]) -> dict[str, Decimal]:
    """Return what a claim costs by kind, by the tables of the rule book."""
    return {
        "court": fee(tables[COURT], claim), "lawyer": fee(tables[LAWYER], claim), "service": tables[SERVICE],
        "enforcement": fee(tables[ENFORCEMENT], claim),
    }  # fmt: skip
