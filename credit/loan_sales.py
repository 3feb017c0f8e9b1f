"""Sale of a list of loans to one company: proposed by one person with a price for each, confirmed by another, done at once or not at all."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from credit import acts, permissions, repayments
from credit.acts import ACTS
from credit.models import Loan, Transaction
from crm.lib.errors import Invalid
from crm.lib.fields import public_id
from crm.lib.money import is_cents, total
from crm.lib.templatetags.crm import grouped, spoken
from governance import changes
from governance.changes import Line
from governance.models import ChangeRequest, User

CHANGE = "credit.loan_sale"
MOST = 200
LINE = re.compile(r"\s*(L-[0-9A-Z]+)[\s,;，；]+([0-9][0-9,]*(?:\.[0-9]{1,2})?)\s*")
SALE = ACTS[Transaction.Kind.SALE]
ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Item:
    """One loan of the list and its price."""

    loan: Loan
    price: Decimal

    @property
    def result(self) -> Decimal:
        """Price less the principal on the balance sheet: what the sale earns, below zero what it loses."""
        return self.price - (ZERO if self.loan.charged_off_on else self.loan.principal_outstanding)


def read(text: str, user: User) -> list[Item]:
    """Return the loans a list names, a number and a price a line.

    :raises Invalid: naming the first line that cannot be: unreadable, named twice; and as `items_of`
    """
    sentence: Any
    lines = [line for line in text.splitlines() if line.strip()]
    if not 0 < len(lines) <= MOST:
        sentence = _("Give 1 to %(most)s lines: the number of a loan and its price.") % {"most": MOST}
        raise Invalid(sentence, fields={"loans": sentence})
    told: dict[str, Decimal] = {}
    for line in lines:
        found = LINE.fullmatch(line.upper())
        try:
            price = Decimal(found[2].replace(",", "")).quantize(Decimal("0.01")) if found else ZERO
        except InvalidOperation:
            price = ZERO
        if found is None or not ZERO < price <= repayments.LARGEST or not is_cents(price) or found[1] in told:
            sentence = _("This line cannot be: “%(line)s”.") % {"line": line.strip()[:40]}
            raise Invalid(sentence, fields={"loans": sentence})
        told[found[1]] = price
    return items_of(list(told.items()), user)


def items_of(prices: Sequence[tuple[str, Decimal]], user: User) -> list[Item]:
    """Return the loans with these numbers, each with its price.

    :raises Invalid: naming the first that cannot be: named twice, no loan of the user's, not open, of another lender, a price too large
    """
    sentence: Any
    told = dict(prices)
    for number, price in prices:
        if not ZERO < price <= repayments.LARGEST or not is_cents(price) or len(told) < len(prices):
            sentence = _("This line cannot be: “%(line)s”.") % {"line": number[:40]}
            raise Invalid(sentence, fields={"loans": sentence})
    rows = Loan.objects.visible_to(user).filter(public_id__in=told).select_related("legal_entity", "product")
    loans = {loan.public_id: loan for loan in rows}
    for number in told:
        if number not in loans:
            sentence = _("There is no loan %(loan)s.") % {"loan": number}
            raise Invalid(sentence, fields={"loans": sentence})
        if loans[number].status != Loan.Status.OPEN:
            sentence = _("%(loan)s is “%(status)s”: it cannot be sold.") % {"loan": number, "status": loans[number].get_status_display()}
            raise Invalid(sentence, fields={"loans": sentence})
    if len({loan.legal_entity_id for loan in loans.values()}) > 1:
        sentence = _("The loans of a list belong to one lender.")
        raise Invalid(sentence, fields={"loans": sentence})
    return [Item(loans[number], price) for number, price in told.items()]


def propose(
    items: Sequence[Item], *, buyer: str, reference: str, on: date | None, why: str, note: str, actor: User, at: datetime
) -> ChangeRequest:
    """Propose the sale of these loans; a second person confirms it.

    :raises Invalid: if the day or the buyer cannot be
    :raises DomainError: if one of the loans cannot be sold on that day
    """
    if why not in acts.Why.values:
        raise Invalid(_("Choose why it is done."), fields={"why": _("Choose why it is done.")})
    number = public_id("SL")
    days = [repayments.counts_for(item.loan, on, at=at) for item in items]
    data = {"amount": ZERO, "buyer": buyer, "sale": number}
    for item in items:
        acts.preview(item.loan, SALE, data | {"amount": item.price}, on=on, at=at)
    after = {
        "buyer": SALE.build(items[0].loan, data, max(days))[1]["buyer"],
        "reference": reference,
        "on": max(days).isoformat(),
        "why": why,
        "loans": [[item.loan.public_id, item.loan.version, str(item.price), str(item.loan.principal_outstanding)] for item in items],
    }
    return changes.propose(CHANGE, number, after=after, reason=note or str(acts.Why(why).label), actor=actor, at=at)


def _validate(subject: str, after: dict[str, Any]) -> None:
    """Refuse a list in which money has moved since it was proposed."""
    wanted = {number: version for number, version, _price, _left in after["loans"]}
    stands = dict(Loan.objects.filter(public_id__in=wanted, status=Loan.Status.OPEN).values_list("public_id", "version"))
    for number, version in wanted.items():
        if stands.get(number) != version:
            raise Invalid(_("Money moved on %(loan)s since the sale was proposed: propose it anew.") % {"loan": number})


def _lines(before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    prices, left = ([Decimal(row[place]) for row in after["loans"]] for place in (2, 3))
    found = [
        Line(_("Buyer (company)"), "", after["buyer"]), Line(_("Number of the contract of sale"), "", after["reference"]),
        Line(_("Counts for"), "", after["on"]), Line(_("Why"), "", acts.Why(after["why"]).label),
        Line(_("Loans"), "", len(after["loans"])), Line(_("Principal sold (CNY)"), spoken(total(left)), ""),
        Line(_("Price (CNY)"), "", spoken(total(prices))),
    ]  # fmt: skip
    return found + [
        Line(number, grouped(Decimal(principal)), grouped(Decimal(price))) for number, _version, price, principal in after["loans"]
    ]


def _make(subject: str, after: dict[str, Any], *, actor: User, at: datetime) -> list[Transaction]:
    made = []
    rows = {loan.public_id: loan for loan in Loan.objects.filter(public_id__in=[row[0] for row in after["loans"]])}
    # customers are locked in one order, whatever the list's: two lists at once wait for each other
    for number, version, price, _left in sorted(after["loans"], key=lambda row: (rows[row[0]].customer_id, rows[row[0]].pk)):
        loan = repayments.locked(rows[number].pk)
        if loan.version != version:
            raise Invalid(_("Money moved on %(loan)s since the sale was proposed: propose it anew.") % {"loan": number})
        details = {"buyer": after["buyer"], "sale": subject}
        made.append(
            acts.perform(
                loan, SALE, Decimal(price), details, on=date.fromisoformat(after["on"]), why=after["why"], actor=actor, at=at,
                key=f"sale:{subject}", reference=after["reference"],
            )
        )  # fmt: skip
    return made


def _name(subject: str, after: dict[str, Any]) -> Any:
    return _("Sale of %(n)s loans") % {"n": len(after.get("loans", []))}


changes.KINDS.register(
    CHANGE,
    changes.Kind(
        label=_("Sale of loans"), check=permissions.CONFIRM_SERVICING, standing=lambda subject: {}, validate=_validate, lines=_lines,
        make=_make, name=_name, url=lambda subject: reverse("loan-list"),
    ),
)  # fmt: skip
