"""The first rows of a lender: its legal entity, its head office, its products."""

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from credit import seeds as products
from crm.lib.errors import Invalid
from governance import teams, users
from governance.models import LegalEntity, Team


@transaction.atomic
def found(code: str, *, name_en: str, name_zh: str, zone: str, business_date: date, at: datetime) -> Team:
    """Create a lender and return its head office.

    :raises Invalid: if there is one with this code
    """
    if LegalEntity.objects.filter(code=code).exists():
        raise Invalid(_("There is a legal entity %(code)s already.") % {"code": code})
    entity = LegalEntity.objects.create(code=code, name_en=name_en, name_zh=name_zh, business_date=business_date, zone=zone)
    office = teams.create(
        legal_entity=entity, code="HQ", name_en="Head office", name_zh="总部", kind=Team.Kind.HEAD, parent=None, actor=users.system(), at=at
    )
    products.seed()
    return office
