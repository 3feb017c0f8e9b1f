"""The rules of contact with their sources, and the words of the customers' own messages. Idempotent."""

from django.utils.timezone import now

from customers import contact_packs, message_ways, one_time_codes, replies, reply_words, send_times, templates
from customers.models import MessageTemplate
from governance import users


def seed() -> None:
    contact_packs.seed()
    reply_words.seed()
    send_times.seed()
    message_ways.seed()
    words(
        replies.STOPPED,
        "sms",
        body_en="[{lender}] You get no more texts from us. What we have to tell you by law comes another way. Reply START to open it again.",
        body_zh="【{lender}】已为您停止短信通知，依法须告知的事项将通过其他方式送达。如需恢复，请回复“恢复”。",
    )
    words(
        one_time_codes.KIND,
        "sms",
        body_en="[{lender}] Your code is {code}, valid for {minutes} minutes. Our staff never ask for it.",
        body_zh="【{lender}】您的验证码为{code}，{minutes}分钟内有效。工作人员不会向您索取验证码，请勿告知他人。",
    )


def words(code: str, channel: str, **texts: str) -> None:
    """Publish the first version of a message, unless there is one already: what staff wrote stays."""
    if not MessageTemplate.objects.filter(code=code, channel=channel).exists():
        templates.publish(code, channel=channel, words=texts, actor=users.system(), at=now())
