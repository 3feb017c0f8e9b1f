"""What customers answered in the demonstration, a message that went another way, and words that wait for a second person."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from collection import treatment_texts
from collection.models import Case
from customers import message_ways, replies, template_life
from customers.models import Message, MessageTemplate, Reply
from governance.models import LegalEntity

if TYPE_CHECKING:
    from governance.models import User

SAID = (
    "已还款，请查收", "下周三发工资，能宽限几天吗", "你们几点上班？", "退订", "这个号码不是他本人，发错了", "I have paid, please check", "怎么还款", "钱不够，可以分两次还吗",
)  # fmt: skip


def play(entity: LegalEntity, staff: dict[str, Any], *, today: date) -> str:
    """Play answers of the last two days by the door the gateway uses; return what was done, for the log."""
    zone = ZoneInfo(entity.zone)
    at = datetime.combine(today - timedelta(days=1), time(10, 20), tzinfo=zone)
    cases = Case.objects.open().filter(legal_entity=entity).select_related("customer").order_by("-pk")[: len(SAID)]
    for number, (case, said) in enumerate(zip(cases, SAID, strict=False)):
        name = f"demo-reply-{number}"
        if not Reply.objects.filter(channel="sms", external_id=name).exists():
            moment = at + timedelta(minutes=47 * number)
            replies.hear(channel="sms", external_id=name, sender=case.customer.mobile, text=said, at=moment)
    if not Reply.objects.filter(external_id="demo-nobody").exists():
        replies.hear(channel="sms", external_id="demo-nobody", sender="19900000000", text="TD", at=at)
    rows = Message.objects.filter(status=Message.Status.FAILED, problem="refused:unknown_number", purpose="reminder")
    failed = rows.select_related(
        "customer__legal_entity", "customer__owner", "customer__branch", "template", "instead_of__template"
    ).order_by("-pk")
    gone = 0
    for message in failed[:20]:
        gone += message_ways.after_failure(message, at=datetime.combine(today, time(9, 40), tzinfo=zone)) is not None
        if gone == 1:
            break  # the others wait for a person
    words(staff["supervisor"], at=at)
    return f"{Reply.objects.count()} answers, {gone} message by another way, words that wait for approval"


def words(supervisor: User, *, at: datetime) -> None:
    """Let the supervisor propose kinder words for the first notice."""
    code = treatment_texts.NOTICE
    if MessageTemplate.objects.filter(code=code, channel="sms", version__gt=1).exists():
        return
    said = {
        "body_en": "[{lender}] {amount} is overdue by {days} days. Pay in our app, or call us if it is hard right now: we find a way. Reply STOP to get no more texts.",
        "body_zh": "【{lender}】您有{amount}已逾期{days}天，可在应用内还款；如有困难请来电，我们一起协商。如已还款请忽略。回复退订不再接收短信。",
    }
    row = template_life.draft(code, channel="sms", words=said, actor=supervisor, at=at)
    template_life.propose(
        row, reason="More people call us when the way to pay is named first.", actor=supervisor, at=at + timedelta(minutes=5)
    )
