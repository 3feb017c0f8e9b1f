"""The consent texts every installation starts with. Idempotent."""

from datetime import date

from customers import duplicates, messages_seeds
from customers.consents import text_hash
from customers.models import ConsentText, Purpose

TEXTS = [
    (
        Purpose.BUREAU,
        "2026-1",
        "I authorise the lender to query my credit report for the review of this application and for the management"
        " of a loan that follows from it, until that loan has ended.",
        "本人授权贷款人在审核本次贷款申请及其后的贷后管理中查询本人信用报告，授权自签署之日起至贷款结清之日止。",
        None,
    ),
    (
        Purpose.CONTACT,
        "2026-1",
        "I agree to be contacted about my applications and loans by telephone, text message and e-mail.",
        "本人同意贷款人就本人的申请和贷款通过电话、短信和电子邮件与本人联系。",
        None,
    ),
    (
        Purpose.MARKETING,
        "2026-1",
        "I agree to receive offers of the lender. I may refuse at any time, at no disadvantage.",
        "本人同意接收贷款人的营销信息。本人可随时拒绝，且不会因此受到不利影响。",
        365,
    ),
]


def seed() -> None:
    for purpose, version, text_en, text_zh, valid_days in TEXTS:
        ConsentText.objects.get_or_create(
            purpose=purpose,
            version=version,
            defaults={
                "text_en": text_en,
                "text_zh": text_zh,
                "sha256": text_hash(text_en, text_zh),
                "effective_from": date(2025, 1, 1),
                "valid_days": valid_days,
            },
        )
    duplicates.fill()
    messages_seeds.seed()
