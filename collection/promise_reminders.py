"""Reminders of promises: some days before each part is due, one message per part, day and template, whatever runs twice.

The message is planned without a text. When it leaves, what it says is read from the promise: one that is kept, replaced, broken or paid as
far as this part is no longer wanted, nor is any while a matter stands that silences the house (a death, a complaint, hardship): it is
cancelled. The gate and the hours of the house stand before it as before any other.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from collection import holds
from collection.models import Promise, PromisePart
from crm.lib.templatetags.crm import spoken
from customers import contacts, messages, templates
from customers.messages_seeds import words
from customers.models import Message, MessagePurpose
from governance import rules
from governance.models import LegalEntity

KEY = "promise-part:"
DAYS = "collections.promise.remind_days"
HOUR = time(10)
REMINDER = templates.declare(
    "promise.reminder",
    label=_("Reminder of a promise"),
    purpose=MessagePurpose.COLLECTION,
    samples={
        "amount": ("CNY 1,100.16", "¥1,100.16"),
        "day": ("2026-12-06", "2026-12-06"),
        "lender": ("Xinyuan Consumer Finance", "信远消费金融"),
    },
)


def plan(entity: LegalEntity, *, on: date, at: datetime) -> int:
    """Plan what falls due on a business date; return how many messages are new. Running it again plans nothing twice."""
    ahead = [int(days) for days in rules.value(DAYS, on=on)]
    parts = PromisePart.objects.filter(
        promise__in=Promise.objects.running(), promise__case__legal_entity=entity, due_on__in=[on + timedelta(days=n) for n in ahead]
    ).select_related("promise__case__customer__legal_entity")
    due = list(parts.order_by("pk"))
    if not due:
        return 0
    version = templates.live(REMINDER, "sms")
    before = Message.objects.filter(key__startswith=KEY).count()
    Message.objects.bulk_create(
        [
            Message(
                customer=part.promise.case.customer, template=version, channel="sms", purpose=MessagePurpose.COLLECTION,
                key=f"{KEY}{part.pk}:{(part.due_on - on).days}:{REMINDER}", planned_at=at, due_at=moment(part, on=on, at=at),
            )
            for part in due
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    messages.hint()
    return Message.objects.filter(key__startswith=KEY).count() - before


def moment(part: PromisePart, *, on: date, at: datetime) -> datetime:
    """Return when it leaves: at ten by the customer's clock, now where that is past."""
    return max(datetime.combine(on, HOUR, contacts.zone_of(part.promise.case.customer)), at)


def values_of(batch: Sequence[Message], _at: datetime) -> dict[int, Mapping[str, str] | None]:
    """Return what each reminder of a promise says now, None where it is no longer wanted; other messages are left out. A constant number of statements."""
    mine = {message.pk: int(message.key.removeprefix(KEY).partition(":")[0]) for message in batch if message.key.startswith(KEY)}
    if not mine:
        return {}
    parts = {part.pk: part for part in PromisePart.objects.filter(pk__in=mine.values()).select_related("promise")}
    earlier = asked_until(list(parts.values()))
    silent = holds.of([message.customer_id for message in batch if message.pk in mine])
    found: dict[int, Mapping[str, str] | None] = {}
    for message in batch:
        part = parts.get(mine.get(message.pk, 0))
        if message.pk not in mine:
            continue
        lacks = Decimal(0) if part is None else min(part.amount, earlier[part.pk] - part.promise.paid_amount)
        if part is None or message.customer_id in silent or not part.promise.is_running or lacks <= part.promise.tolerance:
            found[message.pk] = None
            continue
        language = messages.language_of(message.customer)
        with translation.override(language):
            found[message.pk] = {
                "amount": spoken(lacks),
                "day": date_format(part.due_on, "Y-m-d"),
                "lender": messages.sender_name(message.customer, language),
            }
    return found


def asked_until(parts: Sequence[PromisePart]) -> dict[int, Decimal]:
    """Return what the promise of each part asks up to and with it."""
    rows: Any = PromisePart.objects.filter(promise__in={part.promise_id for part in parts}).values("promise_id", "seq")
    sums = {(row["promise_id"], row["seq"]): row["sum"] for row in rows.annotate(sum=Sum("amount"))}
    return {
        part.pk: sum((amount for (promise, seq), amount in sums.items() if promise == part.promise_id and seq <= part.seq), Decimal(0))
        for part in parts
    }


def seed() -> None:
    """Write the first words; what staff wrote stays."""
    words(
        REMINDER, "sms",
        body_en="[{lender}] You promised {amount} by {day}. If you have paid, ignore this.",
        body_zh="【{lender}】您已承诺在{day}前还款{amount}，请按时还款。如已还款，请忽略。",
    )  # fmt: skip
