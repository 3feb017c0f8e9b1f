"""What the applicant is told about papers: the list and the day when they are asked for, once more when the day has passed."""

from datetime import datetime
from typing import Any

from django.utils import translation
from django.utils.translation import gettext_lazy as _

from credit.models import PaperRequest
from crm.lib.templatetags.crm import long_day
from customers import messages, templates
from customers.models import Document, MessagePurpose
from governance import users

SAMPLES = {
    "lender": ("Xinyuan Consumer Finance", "信远消费金融"),
    "papers": ("Proof of income", "收入证明"),
    "day": ("22 November 2026", "2026年11月22日"),
    "application": ("A-7K2M9QXAB", "A-7K2M9QXAB"),
}
ASKED = templates.declare("papers.asked", label=_("Papers asked for"), purpose=MessagePurpose.SERVICE, samples=SAMPLES)
REMINDED = templates.declare("papers.reminder", label=_("Papers still missing"), purpose=MessagePurpose.SERVICE, samples=SAMPLES)


def tell(request: PaperRequest, *, code: str, at: datetime) -> int:
    """Plan the message about a request in every channel that reaches the applicant; return how many. May run twice: one message each."""
    customer = request.application.customer
    language = messages.language_of(customer)
    planned = 0
    with translation.override(language):
        labels = dict(Document.Kind.choices)
        kinds = [str(labels[paper.kind]) for paper in request.papers.all() if paper.document_id is None]
        values: dict[str, Any] = {
            "lender": messages.sender_name(customer, language),
            "papers": ("、" if language.startswith("zh") else ", ").join(kinds),
            "day": str(long_day(request.last_day)),
            "application": request.application.public_id,
        }
    for channel in templates.channels(code):
        if not messages.address_of(customer, channel):
            continue
        messages.send(
            customer=customer, template=code, channel=channel, values=values, key=f"{code}:{request.public_id}:{channel}",
            actor=users.system(), at=at, purpose=MessagePurpose.SERVICE,
        )  # fmt: skip
        planned += 1
    return planned
