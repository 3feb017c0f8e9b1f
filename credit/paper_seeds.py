"""The first words about papers and about a decline. Idempotent: what staff wrote since stays."""

from credit import decline_messages, paper_messages
from customers.messages_seeds import words


def seed() -> None:
    asked = {
        "body_en": "[{lender}] For application {application} we need: {papers}. Please bring or send them by {day}.",
        "body_zh": "【{lender}】您的申请{application}需补充资料：{papers}，请于{day}前提交。",
    }
    reminded = {
        "body_en": "[{lender}] Still missing for application {application}: {papers}. Without them it ends after {day}.",
        "body_zh": "【{lender}】您的申请{application}仍缺：{papers}。{day}后未提交，申请将自动失效。",
    }
    words(paper_messages.ASKED, "sms", **asked)
    words(paper_messages.ASKED, "email", subject_en="Papers we need from you", subject_zh="请补充申请资料", **asked)
    words(paper_messages.REMINDED, "sms", **reminded)
    words(paper_messages.REMINDED, "email", subject_en="Your application still lacks papers", subject_zh="您的申请资料尚未补齐", **reminded)
    declined = {
        "body_en": "[{lender}] We could not approve your application {application}. {reasons} You may ask for a person to look again.",
        "body_zh": "【{lender}】很抱歉，您的申请{application}未能通过。{reasons}您可以申请人工复核。",
    }
    words(decline_messages.DECLINED, "sms", **declined)
    words(decline_messages.DECLINED, "email", subject_en="About your application", subject_zh="您的申请结果", **declined)
