"""By which channel and in which two hours a customer answers best: their own share of answered attempts, drawn towards the house's.

An attempt is answered when a call or visit reached the debtor, or when a message was followed within three days by a payment or a call from
them. Who was tried rarely is told what holds for the house; what was tried rarely anywhere is recommended to nobody.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from collection import team

BAND = 2  # hours
LEAST = 20  # attempts of the whole house in a cell before it is recommended
DRAWN = 5  # attempts that the house's share weighs beside a customer's own
LOOK_BACK = timedelta(days=365)
CHANNELS = ("call", "sms", "email")
Cell = tuple[str, int]

TRIED = """
WITH tried AS (
    SELECT c.customer_id, k.channel, k.at, k.outcome = ANY(%(right)s) AS reached
    FROM collections_contact AS k JOIN collections_case AS c ON c.id = k.case_id
    WHERE k.at >= %(since)s AND k.at < %(at)s AND k.channel = ANY(%(channels)s) AND c.legal_entity_id = %(entity)s
        AND (%(all)s OR c.customer_id = ANY(%(ids)s::bigint[]))
    UNION ALL
    SELECT m.customer_id, m.channel, m.sent_at, NULL FROM customers_message AS m JOIN customers_customer AS c ON c.id = m.customer_id
    WHERE m.purpose = 'collection' AND m.status IN ('sent', 'delivered') AND m.sent_at >= %(since)s AND m.sent_at < %(at)s
        AND m.channel = ANY(%(channels)s) AND c.legal_entity_id = %(entity)s AND (%(all)s OR m.customer_id = ANY(%(ids)s::bigint[]))
)
SELECT {who} t.channel, extract(hour FROM t.at AT TIME ZONE coalesce(nullif(p.zone, ''), %(zone)s))::int / %(band)s * %(band)s AS hour, count(*),
    count(*) FILTER (WHERE CASE WHEN t.channel = 'call' THEN t.reached ELSE
        EXISTS (SELECT FROM credit_loan AS l JOIN credit_transaction AS r ON r.loan_id = l.id AND r.kind IN ('repayment', 'prepayment')
            WHERE l.customer_id = t.customer_id AND r.at >= t.at AND r.at < t.at + interval '3 days' AND r.at < %(at)s)
        OR EXISTS (SELECT FROM collections_contact AS k JOIN collections_case AS c ON c.id = k.case_id
            WHERE c.customer_id = t.customer_id AND k.channel = 'inbound' AND k.at >= t.at AND k.at < t.at + interval '3 days' AND k.at < %(at)s)
        END)
FROM tried AS t JOIN customers_customer AS p ON p.id = t.customer_id
GROUP BY {group}
"""


@dataclass(frozen=True, slots=True)
class Best:
    """What is recommended; `tries` of the customer's own stand behind it, none where the house's share alone speaks."""

    channel: str
    hour: int
    rate: Decimal
    tries: int


def of_house(entity: int, *, at: datetime, zone: str) -> dict[Cell, tuple[int, int]]:
    """Return by channel and band of hours how often people of the house were tried and answered, within a year; one statement."""
    rows = _read(TRIED.format(who="", group="1, 2"), entity, (), at=at, zone=zone, every=True)
    return {(channel, hour): (tried, answered) for channel, hour, tried, answered in rows}


def of_customers(entity: int, ids: Collection[int], *, at: datetime, zone: str) -> dict[int, dict[Cell, tuple[int, int]]]:
    """Return the same of each customer; one statement."""
    found: dict[int, dict[Cell, tuple[int, int]]] = defaultdict(dict)
    for who, channel, hour, tried, answered in _read(
        TRIED.format(who="t.customer_id,", group="1, 2, 3"), entity, ids, at=at, zone=zone, every=False
    ):
        found[who][channel, hour] = (tried, answered)
    return found


def _read(sql: str, entity: int, ids: Collection[int], *, at: datetime, zone: str, every: bool) -> list[tuple]:  # type: ignore[type-arg]
    asked: dict[str, Any] = {
        "right": [str(each) for each in team.SPOKEN_TO], "since": at - LOOK_BACK, "at": at, "channels": list(CHANNELS), "all": every,
        "ids": list(ids), "zone": zone, "band": BAND, "entity": entity,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(sql, asked)
        return list(cursor.fetchall())


def best(
    own: Mapping[Cell, tuple[int, int]], house: Mapping[Cell, tuple[int, int]], *, opens: int, closes: int, barred: Collection[str]
) -> Best | None:
    """Return where the drawn share is highest, of the hours within the gate's window and the channels that are not stopped; pure.

    :param opens: first minute of the day in which contact is allowed
    :param closes: the minute from which it is not
    """
    found: Best | None = None
    for cell in sorted(house):
        channel, hour = cell
        tried, answered = house[cell]
        if tried < LEAST or channel in barred or hour * 60 < opens or (hour + BAND) * 60 > closes:
            continue
        mine, got = own.get(cell, (0, 0))
        rate = (Decimal(got) + DRAWN * Decimal(answered) / tried) / (mine + DRAWN)
        if found is None or rate > found.rate:
            found = Best(channel, hour, rate, mine)
    return None if found is None else Best(found.channel, found.hour, found.rate.quantize(Decimal("0.0001")), found.tries)
