"""The quality form and the words that raise a flag, as every installation starts with them. Idempotent."""

from datetime import date

from django.utils.timezone import now

from collection import quality
from collection.models import QualityForm
from governance import rules, users
from governance.models import Rule


def seed() -> None:
    """Bring the first version of the form and the words; what stands is never changed by a seed."""
    rules.put(
        quality.WORDS,
        value=quality.shipped()["words"],
        unit=rules.TEXT,
        meaning_en="Words in notes and transcripts of contacts that raise a flag, by kind and language",
        meaning_zh="联系记录与转写中触发标记的词语（按类别和语言）",
        citation="house policy 本机构政策",
        verification=Rule.Verification.POLICY,
        effective_from=date(2025, 1, 1),
    )
    if not QualityForm.objects.exists():
        quality.put_form(questions=quality.shipped()["questions"], why="shipped", actor=users.system(), at=now())
