"""What every installation starts with: roles, the house's own actor. Idempotent; edited roles stay as edited.

A permission that a later version brings is given once to the roles it is meant for: `Role.offered` remembers what was given, so that
what an administrator took away stays away.
"""

import json
from decimal import Decimal
from pathlib import Path

from django.utils.timezone import now

from governance import sign_in_policy
from governance.models import DutyPair, Role, User
from governance.users import SYSTEM
from ledger import log

ROLES = Path(__file__).parent / "data" / "roles.json"
DUTIES = ROLES.with_name("duties.json")


def seed() -> None:
    """Create the roles, the pairs of duties, the rules of signing in and the system user that are missing."""
    sign_in_policy.seed()
    for row in json.loads(DUTIES.read_text()):
        DutyPair.objects.get_or_create(code=row["code"], defaults=row)
    for row in json.loads(ROLES.read_text()):
        limit = row.pop("approval_limit", None)
        defaults = row | {"approval_limit": Decimal(limit) if limit else None, "offered": row["permissions"]}
        role, made = Role.objects.get_or_create(code=row["code"], defaults=defaults)
        if not made:
            offer(role, row["permissions"])
    if not User.objects.filter(username=SYSTEM).exists():
        user = User(username=SYSTEM, name="System", kind=User.Kind.SERVICE, role=Role.objects.get(code="house"))
        user.set_unusable_password()
        user.save(force_insert=True)


def offer(role: Role, codes: list[str]) -> list[str]:
    """Give `role` those of `codes` it was never given before; return them."""
    new = [code for code in codes if code not in role.offered]
    if new:
        role.offered = sorted({*role.offered, *new})
        role.permissions = sorted({*role.permissions, *new})
        role.save(update_fields=["offered", "permissions"])
        log.record("governance.role.extended", role, actor=User.objects.filter(username=SYSTEM).first(), at=now(), permissions=new)
    return new
