"""A message of a treatment when it leaves: the exits once more, the amounts from the loans; and what became of it, for its step."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction
from django.utils import translation

from collection import debts, promise_reminders, treatment_facts
from collection.models import TreatmentStep
from crm.lib.money import total
from crm.lib.templatetags.crm import spoken
from customers import message_ways, messages
from customers.models import Message, MessagePurpose


def values_of(batch: Sequence[Message], at: datetime) -> dict[int, Mapping[str, str] | None]:
    """Return what each message of a treatment, or reminder of a promise, says now; None where something ends the treatment, or the case is not worked any more.

    Messages of this purpose that are none of a treatment are left out. A constant number of statements a batch.
    """
    first = message_ways.occasions(batch)  # what goes instead of a message belongs to the step of that one
    steps = TreatmentStep.objects.filter(message_id__in=set(first.values())).values_list(
        "message_id", "entry__status", "entry__case__status"
    )
    of_first = {pk: (entry, case) for pk, entry, case in steps}
    known = {pk: of_first[of] for pk, of in first.items() if of in of_first}
    mine = [one for one in batch if one.pk in known]
    customers = [one.customer_id for one in mine]
    owed, ends = debts.overdue(customers), treatment_facts.exits(customers)
    found: dict[int, Mapping[str, str] | None] = dict(promise_reminders.values_of(batch, at))
    for message in mine:
        rows = owed.get(message.customer_id, [])
        amount: Decimal = total([row.amount for row in rows])
        entry, case = known[message.pk]
        if entry != "running" or case not in treatment_facts.IN_WORK or amount <= 0 or ends.get(message.customer_id):
            found[message.pk] = None
            continue
        language = messages.language_of(message.customer)
        with translation.override(language):
            found[message.pk] = {
                "amount": spoken(amount),
                "days": str(max(row.dpd for row in rows)),
                "lender": messages.sender_name(message.customer, language),
            }
    return found


messages.SOURCES.register(MessagePurpose.COLLECTION, values_of)

# The message is the truth about itself, and of several of one occasion the newest; its step follows in one statement.
FOLLOW = """
UPDATE collections_treatmentstep AS s SET status = n.status, why = n.why, due_at = n.due_at
FROM (
    SELECT s.id, left(m.problem, 60) AS why, CASE WHEN m.status = 'waiting' THEN m.due_at ELSE s.due_at END AS due_at,
        CASE WHEN m.status IN ('sent', 'delivered') THEN 'sent' WHEN m.status IN ('failed', 'parked') THEN 'blocked'
            WHEN m.status = 'cancelled' THEN 'exited' WHEN m.status = 'waiting' AND m.problem LIKE 'contact.%' THEN 'waiting' ELSE 'given' END AS status
    FROM collections_treatmentstep AS s
    LEFT JOIN LATERAL (
        SELECT max(id) AS id FROM customers_message WHERE instead_of_id = s.message_id
    ) AS other ON true
    JOIN customers_message AS m ON m.id = coalesce(other.id, s.message_id)
    WHERE s.status IN ('given', 'waiting') OR (s.status = 'blocked' AND other.id IS NOT NULL AND m.status <> 'failed')
) AS n
WHERE s.id = n.id AND (s.status, s.why, s.due_at) IS DISTINCT FROM (n.status, n.why, n.due_at)
"""


@transaction.atomic
def follow() -> int:
    """Let each step that was handed to the sender say what became of its message; return how many changed."""
    with connection.cursor() as cursor:
        cursor.execute(FOLLOW)
        return int(cursor.rowcount)
