"""What is too small to call about: from which remainder down a case leaves the queue of calls and is only reminded by a message. Data, not code.

The rule `collections.small_balance` names an amount for everything (""), and others by the code of a product or a lender; the product's comes
first, then the lender's. Of a case with several late loans the smallest limit counts. Nothing is written off by it: the debt stands as it is,
and what is to be given up is credit's own door, with a second person.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Case as Choose
from django.db.models import DecimalField, Exists, OuterRef, Q, Value, When
from django.utils.translation import gettext_lazy as _

from collection.models import Case, CaseDebt, Place
from crm.lib.errors import DomainError
from crm.lib.templatetags.crm import spoken
from governance import rules

RULE = "collections.small_balance"
AMOUNT = DecimalField(max_digits=14, decimal_places=2)


class SmallBalance(DomainError):
    """Nobody is called or visited for a remainder as small as this."""

    code = "small_balance"


def limits(*, on: date) -> Mapping[str, Decimal]:
    """Return the amounts that hold on a day, by product or lender; "" for all others."""
    return {code: Decimal(str(amount)) for code, amount in rules.value(RULE, on=on).items()}


def rows(*, on: date) -> Q:
    """Return the condition on a case of which no more is overdue than a small remainder, as the database reckons it."""
    held = limits(on=on)
    most = max(held.values(), default=Decimal(0))
    small = Q(overdue_amount__gt=0, overdue_amount__lte=most)
    own = {code: amount for code, amount in held.items() if code}
    if not own:
        return small
    limit: Any = Choose(
        *(When(loan__product__code=code, then=Value(amount)) for code, amount in own.items()),
        *(When(loan__legal_entity__code=code, then=Value(amount)) for code, amount in own.items()),
        default=Value(held.get("", Decimal(0))),
        output_field=AMOUNT,
    )
    late = CaseDebt.objects.filter(case=OuterRef("pk"), overdue_amount__gt=0).annotate(limit=limit)
    return small & ~Q(Exists(late.filter(limit__lt=OuterRef("overdue_amount"))))


def is_small(case: Case) -> bool:
    return case.place == Place.SMALL


def refuse(case: Case) -> None:
    """Go on only if a call about this case is worth its while to both sides.

    :raises SmallBalance: if it is not
    """
    if is_small(case):
        raise SmallBalance(
            _("Only %(amount)s is overdue: nobody is called for so little. A message reminds of it, and who calls in is heard.")
            % {"amount": spoken(case.overdue_amount)}
        )
