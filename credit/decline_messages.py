"""What an applicant is told of a decline: up to four principal reasons in their words, and what would pass where a rule decided.

It follows the practice of adverse-action notices (Regulation B, 12 CFR 1002.9: principal reasons, at most four make sense). That a rule
of fraud or a list spoke is never told: such a reason has neutral words for the customer, and nothing is suggested then.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from credit.applications import REASONS
from credit.models import Application
from customers import messages, templates
from customers.models import MessagePurpose
from governance import users
from risk import engine, suggestions, words

MOST = 4
SAMPLES = {
    "lender": ("Xinyuan Consumer Finance", "信远消费金融"),
    "application": ("A-7K2M9QXAB", "A-7K2M9QXAB"),
    "reasons": (
        "With this loan, debt would take 62% of your income; our limit is 55%. We could lend you up to CNY 4,000 over 12 months.",
        "加上本笔贷款，每月还款将占您收入的62%，上限为55%。我们可为您提供最高¥4,000、期限12个月的贷款。",
    ),
}
DECLINED = templates.declare("application.declined", label=_("Notice of a decline"), purpose=MessagePurpose.SERVICE, samples=SAMPLES)


def reasons_for(application: Application, language: str) -> list[str]:
    """Return the principal reasons of a decline in the customer's words, the weightiest first, each once."""
    decision = application.decision
    texts = decision.texts() if decision else {}
    values = {**decision.facts, **decision.figures} if decision else {}
    told = []
    with translation.override(language):
        for code in application.reason_codes:
            if code in REASONS:
                told.append(str(REASONS[code]))
            elif code.partition(":")[0] in texts or code.startswith("fact_"):
                told.append(words.sentence(code, texts, values, language=language, customer=True, currency=settings.CURRENCY))
    return list(dict.fromkeys(told))[:MOST]


def tell(application: Application, *, at: datetime) -> int:
    """Plan the message about a decline in every channel that reaches the applicant; return how many. May run twice: one message each."""
    if application.status != Application.Status.DECLINED:
        return 0
    customer = application.customer
    language = messages.language_of(customer)
    said = reasons_for(application, language)
    if application.decided_by_id is None and application.decision is not None:  # a person had reasons that no other amount answers
        said += suggestions.sentences(engine.suggestions_for(application.decision)[:1], language, customer=True)
    values: dict[str, Any] = {
        "lender": messages.sender_name(customer, language),
        "application": application.public_id,
        "reasons": ("" if language.startswith("zh") else " ").join(said),
    }
    planned = 0
    for channel in templates.channels(DECLINED):
        if not messages.address_of(customer, channel):
            continue
        messages.send(
            customer=customer, template=DECLINED, channel=channel, values=values, key=f"{DECLINED}:{application.public_id}:{channel}",
            actor=users.system(), at=at, purpose=MessagePurpose.SERVICE,
        )  # fmt: skip
        planned += 1
    return planned
