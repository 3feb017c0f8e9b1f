"""How fast a gateway may be used: so many calls a second, so many at once, over all processes of the house.

Kept in Valkey by its own clock, as the theoretical time of the next call (GCRA): smooth, with no window whose end lets twice as many through.
A process that dies leaves its place among those at once; it is free again after `LEASE`.
"""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import redis
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError

LEASE = 60  # seconds
PATIENCE = 120.0  # seconds one waits for a place
LOOK = 0.02  # seconds between two looks at a full gateway

# → microseconds to wait before the call, or -1 when as many as allowed are under way. One step for all processes.
ENTER = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[3]) then return -1 end
local next = tonumber(redis.call('GET', KEYS[1]) or '0')
if next < now then next = now end
local wait = next - tonumber(ARGV[2]) - now
if wait < 0 then wait = 0 end
redis.call('SET', KEYS[1], string.format('%.0f', next + ARGV[1]), 'PX', 600000)
redis.call('ZADD', KEYS[2], string.format('%.0f', now + wait + ARGV[4] * 1000000), ARGV[5])
redis.call('PEXPIRE', KEYS[2], 600000)
return wait
"""


class Busy(DomainError):
    """The gateway is used as much as it may be, or its counter cannot be asked: nothing was sent."""

    code = "gateway_busy"


@dataclass(frozen=True, slots=True)
class Rate:
    """Calls a second, how many may come at once after a pause, and how many may be under way."""

    per_second: int
    burst: int
    at_once: int

    @property
    def handful(self) -> int:
        """Return how many fit into the time one sender keeps a batch."""
        return max(1, self.per_second * 20)


def of(gateway: str) -> Rate:
    """Return what `settings.GATEWAY_RATES` says of a gateway: "calls a second/burst/at once".

    :raises ValueError: if it is not three whole numbers above zero
    """
    return parsed(settings.GATEWAY_RATES[gateway])


@cache
def parsed(text: str) -> Rate:
    found = Rate(*(int(part) for part in text.split("/")))
    if min(found.per_second, found.burst, found.at_once) < 1:
        raise ValueError(f"{text}: calls a second, burst and calls at once are whole numbers above zero")
    return found


@cache
def _client(url: str) -> Any:
    return redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2)


@contextmanager
def slot(gateway: str, *, patience: float = PATIENCE) -> Iterator[None]:
    """Wait for a place at a gateway and hold it while the call is made. Outside transactions: it may take `patience` seconds.

    :raises Busy: if no place came free, or the counter cannot be asked
    """
    rate, client, token = of(gateway), _client(settings.REDIS_URL), uuid.uuid4().hex
    keys = (f"crm:rate:{gateway}:next", f"crm:rate:{gateway}:now")
    step = 1_000_000 // rate.per_second
    ends = time.monotonic() + patience
    try:
        while (wait := client.eval(ENTER, 2, *keys, step, step * (rate.burst - 1), rate.at_once, LEASE, token)) < 0:
            if time.monotonic() > ends:
                raise Busy(_("The gateway is used as much as it may be; it is tried again in a moment."))
            time.sleep(LOOK)
    except redis.RedisError as error:
        raise Busy(_("The gateway is used as much as it may be; it is tried again in a moment.")) from error
    try:
        time.sleep(wait / 1_000_000)
        yield
    finally:
        with suppress(redis.RedisError):  # the place is free by itself after the lease
            client.zrem(keys[1], token)
