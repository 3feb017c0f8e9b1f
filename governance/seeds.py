"""What every installation starts with: roles, the house's own actor. Idempotent; edited roles stay as edited."""

import json
from decimal import Decimal
from pathlib import Path

from governance.models import Role, User
from governance.users import SYSTEM

ROLES = Path(__file__).parent / "data" / "roles.json"


def seed() -> None:
    """Create the roles and the system user that are missing."""
    for row in json.loads(ROLES.read_text()):
        limit = row.pop("approval_limit", None)
        Role.objects.get_or_create(
            code=row.pop("code"), defaults=row | {"approval_limit": Decimal(limit) if limit else None}
        )
    if not User.objects.filter(username=SYSTEM).exists():
        user = User(username=SYSTEM, name="System", kind=User.Kind.SERVICE, role=Role.objects.get(code="house"))
        user.set_unusable_password()
        user.save(force_insert=True)
