"""What of a debt is contested, and who is kept from a case: read by everything that demands or works, so it builds on the rows alone."""

from collections import defaultdict
from collections.abc import Collection
from decimal import Decimal

from django.db.models import Exists, OuterRef, Q, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from collection.models import Case, Complaint, Dispute
from crm.lib.errors import DomainError
from governance.models import User

ZERO = Decimal("0.00")
BARS = (Complaint.Status.OPEN, Complaint.Status.UPHELD)


class CaseFrozen(DomainError):
    """Who is complained about does not work the case."""

    code = "case_frozen"


def held_back(loan_ids: Collection[int]) -> dict[int, Decimal]:
    """Return the contested amount of each loan that has one: it is left out of demands until the dispute is decided.

    What was upheld stays left out until it is put right in the books. One statement.
    """
    found: dict[int, Decimal] = defaultdict(lambda: ZERO)
    stands = Q(status="open") | Q(status__in=["upheld", "partly"], corrected_at__isnull=True)
    rows = Dispute.objects.filter(stands, loan__in=loan_ids).order_by().values_list("loan_id")
    for loan_id, amount in rows.annotate(sum=Sum(Coalesce("upheld_amount", "amount"))):
        found[loan_id] = amount
    return found


def bars_of(user: User) -> Exists:
    """Return the condition on cases that a complaint closes to `user`."""
    return Exists(Complaint.objects.filter(case=OuterRef("pk"), about=user.pk, status__in=BARS))


def is_frozen(case: Case, user: User) -> bool:
    """Return whether a complaint keeps `user` from `case`."""
    return bool(Complaint.objects.filter(case=case, about=user.pk, status__in=BARS).exists())


def refuse_frozen(case: Case, user: User) -> None:
    """Go on only if no complaint keeps `user` from `case`.

    :raises CaseFrozen: if one does
    """
    if is_frozen(case, user):
        raise CaseFrozen(_("A complaint about you stands on case %(case)s: somebody else works it.") % {"case": case.public_id})
