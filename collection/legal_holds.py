"""Whom the house does not take to court, nor write to about it: who contests, cannot pay, needs care, or has died. Each by its own name."""

from django.utils.translation import gettext_lazy as _

from collection import holds
from collection.holds import Name
from collection.models import Case, Dispute
from crm.lib.errors import DomainError


class LegalBarred(DomainError):
    """A matter stands between this customer and the court."""

    code = "legal_barred"


class Disputed(LegalBarred):
    code = "legal_disputed"


class InHardship(LegalBarred):
    code = "legal_hardship"


class Vulnerable(LegalBarred):
    code = "legal_vulnerable"


class Dead(LegalBarred):
    code = "legal_deceased"


class Settling(LegalBarred):
    code = "legal_settlement"


BARS: tuple[tuple[Name, type[LegalBarred], object], ...] = (
    (Name.DECEASED, Dead, _("The customer has died: the estate is settled first.")),
    (Name.VULNERABLE, Vulnerable, _("The customer needs special care: the way to court is closed while that stands.")),
    (Name.HARDSHIP, InHardship, _("Hardship is being looked at: that is answered first.")),
    (Name.DISPUTE, Disputed, _("Something of this debt is contested: the dispute is decided first.")),
    (Name.SETTLEMENT, Settling, _("A settlement is being paid: nothing else is demanded while it is kept.")),
)


def standing(case: Case, *, known_disputes: bool = False) -> LegalBarred | None:
    """Return the refusal that stands for a case, the weightiest; None for none.

    :param known_disputes: let a dispute on file pass, whose amount is left out of the demand
    """
    names = holds.standing([case.customer_id]).get(case.customer_id, {})
    for name, refusal, sentence in BARS:
        if name in names and not (name == Name.DISPUTE and known_disputes and Dispute.objects.open().filter(case=case).exists()):
            return refusal(sentence)
    return None


def refuse(case: Case, *, known_disputes: bool = False) -> None:
    """Go on only if nothing stands.

    :raises LegalBarred: by the name of what stands
    """
    found = standing(case, known_disputes=known_disputes)
    if found is not None:
        raise found
