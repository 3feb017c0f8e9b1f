"""The consent texts every installation starts with. Idempotent."""

from datetime import date

from customers import duplicates, erasures, messages_seeds
from customers.consents import text_hash
from customers.models import ConsentText, DataClass, Purpose

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
    (
        Purpose.SHARING,
        "2026-1",
        "I agree that the lender gives the data named here to the third party named here, for the purpose it was named for. I may withdraw"
        " this at any time; the third party is told.",
        "本人单独同意贷款人为所述目的，将所列信息提供给所列第三方。本人可随时撤回，贷款人将通知该第三方。",
        365,
    ),
    (
        Purpose.SENSITIVE,
        "2026-1",
        "I agree that the lender uses my bank account and other sensitive data to pay out and to collect. It was explained to me why this is"
        " necessary and what it means for me.",
        "本人单独同意贷款人为放款和扣款使用本人的银行账户等敏感个人信息。贷款人已向本人告知其必要性及对个人权益的影响。",
        None,
    ),
]
DATA = {
    Purpose.BUREAU: [DataClass.IDENTITY, DataClass.CONTACT, DataClass.CREDIT],
    Purpose.CONTACT: [DataClass.CONTACT],
    Purpose.MARKETING: [DataClass.CONTACT],
    Purpose.SHARING: [DataClass.IDENTITY, DataClass.CONTACT, DataClass.CREDIT],
    Purpose.SENSITIVE: [DataClass.FINANCE],
}


def seed() -> None:
    erasures.seed()
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
                "data_classes": DATA[purpose],
            },
        )
    for kind, classes in DATA.items():
        ConsentText.objects.filter(purpose=kind, data_classes=[]).update(data_classes=classes)
    duplicates.fill()
    messages_seeds.seed()
