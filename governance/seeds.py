"""What every installation starts with: roles, the house's own actor. Idempotent; edited roles stay as edited.

A permission that a later version brings is given once to the roles it is meant for: `Role.offered` remembers what was given, so that
what an administrator took away stays away.
"""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

from django.conf import settings
from django.utils.timezone import now

from governance import key_ring, probes, purposes, rules, sign_in_policy
from governance.models import DutyPair, Role, Rule, User
from governance.users import SYSTEM
from ledger import log

START = date(2020, 1, 1)
ROLES = Path(__file__).parent / "data" / "roles.json"
DUTIES = ROLES.with_name("duties.json")


OWN_RULES: list[tuple[str, int, str, str, str]] = [
    ("governance.delegation.days", 30, rules.DAYS, "How long one's rights may be lent at most", "权限委托的最长期限"),
    (
        "governance.export.alone_rows",
        1_000,
        rules.COUNT,
        "Most rows of a list that one person takes as a file alone",
        "一人可单独导出的最多行数",
    ),
    ("governance.glass.minutes", 60, "minutes", "How long emergency access lasts at most", "紧急访问的最长时长"),
    (
        "governance.glass.quota",
        3,
        rules.COUNT,
        "How often a person may use emergency access in a quarter",
        "每人每季度可使用紧急访问的次数",
    ),
]


def seed() -> None:
    """Create the roles, the pairs of duties, the rules of signing in, the system user and the data keys that are missing."""
    sign_in_policy.seed()
    for row in json.loads(DUTIES.read_text()):
        DutyPair.objects.get_or_create(code=row["code"], defaults=row)
    purposes.seed()
    for row in json.loads(ROLES.read_text()):
        limits = {name: Decimal(row[name]) if row.get(name) else None for name in Role.LIMITS}  # the lender's own, none of them law
        # A demonstration and tests are entered by password; an installation in earnest asks its administrators for more.
        needed = settings.PRODUCTION and row["code"] == "admin"
        defaults = row | limits | {"offered": row["permissions"], "second_factor": needed}
        role, made = Role.objects.get_or_create(code=row["code"], defaults=defaults)
        if not made:
            offer(role, row["permissions"])
    rules.put(
        probes.MISSES, value=100, unit=rules.COUNT, effective_from=START, verification=Rule.Verification.POLICY,
        meaning_en="Exact searches for a person that may find nobody, in one day of one member of staff",
        meaning_zh="每名员工每日精确查询未命中的次数上限",
    )  # fmt: skip
    for code, value, unit, meaning_en, meaning_zh in OWN_RULES:
        rules.put(
            code, value=value, unit=unit, meaning_en=meaning_en, meaning_zh=meaning_zh, citation="house policy 本机构政策",
            verification=Rule.Verification.POLICY, effective_from=date(2020, 1, 1),
        )  # fmt: skip
    if not User.objects.filter(username=SYSTEM).exists():
        user = User(username=SYSTEM, name="System", kind=User.Kind.SERVICE, role=Role.objects.get(code="house"))
        user.set_unusable_password()
        user.save(force_insert=True)
    key_ring.read()


def offer(role: Role, codes: list[str]) -> list[str]:
    """Give `role` those of `codes` it was never given before; return them."""
    new = [code for code in codes if code not in role.offered]
    if new:
        role.offered = sorted({*role.offered, *new})
        role.permissions = sorted({*role.permissions, *new})
        role.save(update_fields=["offered", "permissions"])
        log.record("governance.role.extended", role, actor=User.objects.filter(username=SYSTEM).first(), at=now(), permissions=new)
    return new
