"""Collection policy every installation starts with. Idempotent."""

from datetime import date

from governance import rules
from governance.models import Rule

FROM = date(2025, 1, 1)
OWN = Rule.Verification.POLICY


def seed() -> None:
    rules.put(
        "collections.claim.minutes",
        value=20,
        unit="minutes",
        meaning_en="How long a collector holds a claimed case",
        meaning_zh="催收员领取案件后的占用时长",
        verification=OWN,
        effective_from=FROM,
    )
    rules.put(
        "collections.next_action.days",
        value=60,
        unit=rules.DAYS,
        meaning_en="How far ahead the next action of a case may be planned",
        meaning_zh="案件下一步行动最远可安排的天数",
        verification=OWN,
        effective_from=FROM,
    )
