"""The first words about papers. Idempotent: what staff wrote since stays."""

from credit import paper_messages
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
