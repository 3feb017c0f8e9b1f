"""Six weeks of reminders as they went out: written in bulk, nothing is sent while the demonstration loads.

Most were delivered; some numbers were gone, some mails got no answer and wait for a person. Today's are planned by the door itself.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils import translation
from psycopg2.extras import execute_values

from credit import reminders
from credit.models import Installment, Loan, Reminder
from crm.lib.templatetags.crm import long_day, spoken
from customers import messages, templates
from customers.models import ContactAttempt, Customer, Message
from governance import users
from governance.models import LegalEntity
from ledger import log

DAYS = 45
OFFSETS = (-3, 0, 1, 3)
HOSTS = ("example.com", "example.net", "example.org")  # RFC 2606: nobody's
MAILS = 0.6  # share of customers with an e-mail address
PAGE = 2_000


def fill(entity: LegalEntity, *, today: date, seed: int) -> str:
    """Write the history of reminders, plan today's; return what was done, for the log."""
    rng = Random(seed)  # noqa: S311  a draw, no secret
    sent = history(entity, today=today, rng=rng)
    run = reminders.plan_now(entity, today, at=datetime.combine(today, time(0, 15), tzinfo=ZoneInfo(entity.zone)))
    planned = sum(part.messages for part in run.partitions.all())
    return f"{sent} messages of the past, {planned} planned for today"


def addresses(entity: LegalEntity, *, seed: int) -> int:
    """File an e-mail address for a share of the customers, in one statement a page; before the days are played."""
    rng = Random(seed)  # noqa: S311  a draw, no secret
    field: Any = Customer._meta.get_field("email")
    rows = [
        (customer.pk, field.sealed(customer, f"customer{customer.pk}@{rng.choice(HOSTS)}"))
        for customer in Customer.objects.filter(legal_entity=entity, email__isnull=True).only("pk", "seal_key").order_by("pk")
        if rng.random() < MAILS
    ]
    with connection.cursor() as cursor:
        execute_values(
            cursor.cursor,
            "UPDATE customers_customer AS c SET email = v.email FROM (VALUES %s) AS v (id, email) WHERE c.id = v.id",
            rows,
            template="(%s, %s::bytea)",
            page_size=PAGE,
        )
    return len(rows)


def due(entity: LegalEntity, today: date) -> Iterable[Installment]:
    """Return the instalments that were reminded of within `DAYS`."""
    return (
        Installment.objects.filter(
            loan__legal_entity=entity, due_on__gt=today - timedelta(days=DAYS), due_on__lte=today + timedelta(days=2)
        )
        .select_related("loan__customer__legal_entity")
        .order_by("pk")
    )


def history(entity: LegalEntity, *, today: date, rng: Random) -> int:
    """Write what would have been sent on each day before today; return how many messages."""
    words = {(offset, channel): templates.live(reminders.words_for(offset), channel) for offset in OFFSETS for channel in ("sms", "email")}
    made: list[Message] = []
    # what the play itself sent is not told a second time
    known = set(Message.objects.filter(key__startswith="reminder:").values_list("key", flat=True))
    of: list[tuple[Message, int, str]] = []
    zone = ZoneInfo(entity.zone)
    with translation.override(messages.DEFAULT_LANGUAGE):
        for row in due(entity, today):
            customer = row.loan.customer
            for offset in OFFSETS:
                day = row.due_on + timedelta(days=offset)
                over = row.loan.status != Loan.Status.OPEN and row.paid_on is None
                if day >= today or day <= row.loan.starts_on or over or (row.paid_on is not None and row.paid_on <= day):
                    continue
                values = {
                    "amount": spoken(row.payment),
                    "due_on": str(long_day(row.due_on)),
                    "lender": messages.sender_name(customer, messages.DEFAULT_LANGUAGE),
                }
                at = datetime.combine(day, time(9, rng.randrange(20), rng.randrange(60)), tzinfo=zone)
                for channel in ("sms", "email"):
                    key = f"reminder:{reminders.kind_of(offset)}:{channel}:{row.pk}"
                    if key not in known and (address := messages.address_of(customer, channel)):
                        message = written(row, customer, words[offset, channel], values, address, at, rng, recent=(today - day).days < 4)
                        message.key = key
                        made.append(message)
                        of.append((message, row.pk, reminders.kind_of(offset)))
    trouble(made, today)
    Message.objects.bulk_create(made, batch_size=PAGE)
    Reminder.objects.bulk_create(
        (Reminder(installment_id=pk, kind=kind, channel=message.channel, message=message) for message, pk, kind in of), batch_size=PAGE
    )
    ContactAttempt.objects.bulk_create(
        (
            ContactAttempt(
                customer_id=message.customer_id,
                channel=message.channel,
                at=message.claimed_at or message.due_at,
                purpose=message.purpose,
                key=f"message:{message.public_id}",
                message=message,
            )
            for message in made
        ),
        batch_size=PAGE,
    )
    tell(made)
    return len(made)


def trouble(made: list[Message], today: date) -> None:
    """Let the newest few go wrong, so that somebody has to decide: numbers that are gone, mails without an answer."""
    newest = sorted(made, key=lambda message: message.due_at, reverse=True)
    for channel, status, problem, count in (("sms", "failed", "refused:unknown_number", 3), ("email", "parked", "unknown_result", 2)):
        for message in [one for one in newest if one.channel == channel][:count]:
            message.status, message.problem, message.receipt, message.sent_at = status, problem, "", None
            message.settled_at = message.claimed_at


def written(
    row: Installment, customer: Customer, template: Any, values: dict[str, str], address: str, at: datetime, rng: Random, *, recent: bool
) -> Message:
    """Return one message as it ended: nearly all delivered; what failed longer ago was dealt with."""
    subject, text = templates.words_of(template, messages.DEFAULT_LANGUAGE, values)
    status, problem = ("delivered", "") if template.channel == "sms" else ("sent", "")
    draw = rng.random()
    if template.channel == "sms" and draw < 0.03:
        status, problem = "failed", rng.choice(("refused:unknown_number", "undelivered:absent"))
    elif template.channel == "email" and draw < 0.03:
        status, problem = rng.choice((("parked", "unknown_result"), ("failed", "refused:550")))
    if problem and not recent and rng.random() < 0.9:
        status, problem = "cancelled", "given_up"
    return Message(
        customer=customer, template=template, channel=template.channel, purpose="reminder", priority=reminders.PRIORITY, status=status,
        language=messages.DEFAULT_LANGUAGE, address=address, subject=subject or None, text=text, planned_at=at.replace(hour=0, minute=15),
        due_at=at.replace(minute=0, second=0), claimed_at=at, sent_at=at if status in ("sent", "delivered") else None,
        settled_at=at + timedelta(seconds=5) if status != "sent" else None, attempts=1, problem=problem,
        receipt=f"S-demo-{row.pk}" if status == "delivered" else "",
    )  # fmt: skip


def tell(made: list[Message]) -> None:
    """Record each as its sender would have, so that the timelines tell it; one statement a day and outcome."""
    groups: dict[tuple[datetime, str], list[log.Row]] = defaultdict(list)
    for message in made:
        event = {"delivered": "sent", "cancelled": "failed"}.get(message.status, message.status)
        facts = {"channel": message.channel, "template": message.template.code, "purpose": message.purpose}
        if message.problem:
            facts["problem"] = message.problem
        moment = (message.claimed_at or message.planned_at).replace(minute=10, second=0)
        groups[moment, event].append(log.Row("customers.message", message.pk, message.customer_id, facts))
    for (moment, event), rows in sorted(groups.items(), key=lambda item: item[0]):
        log.record_many(f"customers.message.{event}", rows, actor=users.system(), at=moment)
