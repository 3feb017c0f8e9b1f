"""The search index of customers: written by the doors of the file, asked at each key stroke. Nothing is opened to search."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from customers import guarded, name_tokens
from customers.models import Customer, SearchKeys
from governance import access, jobs, probes, vault
from governance.models import Job, User
from governance.models.identity import Level, Scope

LABEL = "customers.search"
KIND = "customers.reindex"
FEW = 2_000  # a scope of this size is walked; a larger one is met soon enough among the hits
CANDIDATES = 15
CHUNK = 500


def key_of(piece: str) -> int:
    """Return the keyed hash of a piece as a signed 64-bit number."""
    return int(vault.fingerprint(piece, label=LABEL)[:16], 16) - 2**63


# Pieces of names repeat from row to row; the cache holds no more than a worker needs for one chunk.
_cached = lru_cache(maxsize=20_000)(key_of)


def pieces_of(customer: Customer) -> set[str]:
    """Return what `customer` is filed under; opens the name, the mobile and the card."""
    return (
        name_tokens.of_name(customer.name) | name_tokens.of_tail("m", customer.mobile) | name_tokens.of_tail("c", customer.bank_card or "")
    )


def keys_of(customer: Customer) -> list[int]:
    return sorted(_cached(piece) for piece in pieces_of(customer))


def write(customers: Iterable[Customer]) -> None:
    """File `customers` under their pieces, anew where they are filed already."""
    SearchKeys.objects.bulk_create(
        [SearchKeys(customer=customer, keys=keys_of(customer), rule=name_tokens.RULE) for customer in customers],
        update_conflicts=True,
        unique_fields=["customer"],
        update_fields=["keys", "rule"],
    )


def find(user: Any, text: str, limit: int) -> list[Customer]:
    """Return at most `limit` customers `user` may see: those whose number, full name or id is exactly `text`, then others.

    Of many the newest are not promised: an order over all hits of a common piece would read them all.
    """
    rows = Customer.objects.visible_to(user)
    found = list(rows.for_list().found_by(text).order_by("-pk")[:limit])
    match = _match(text, user)
    if match is None or len(found) >= limit:
        return found
    filed = SearchKeys.objects.filter(match)
    if user.scope != Scope.ALL:
        mine = list(rows.order_by().values_list("pk", flat=True)[: FEW + 1])
        filed = filed.filter(pk__in=mine) if len(mine) <= FEW else filed.filter(customer__in=rows)
    else:
        filed = filed.filter(customer__in=rows)
    candidates = filed.exclude(pk__in=[customer.pk for customer in found]).order_by()
    more = sorted(candidates.values_list("pk", flat=True)[:CANDIDATES], reverse=True)[: limit - len(found)]
    loaded = Customer.objects.for_list().in_bulk(more)
    return found + [loaded[pk] for pk in more]


def exactly(text: str, *, user: Any, at: datetime, most: int) -> list[Customer]:
    """Return at most `most` customers `user` may see whose number, full name or id is exactly `text`, newest first; a miss is counted.

    :raises probes.TooManyGuesses: once a day's misses are used up
    """
    found = list(Customer.objects.visible_to(user).for_list().found_by(text).order_by("-pk")[:most])
    if text.strip() and not found:
        probes.guessed(user, at=at)
    return found


def _match(text: str, user: Any) -> Q | None:
    """Return the condition for `text` in any of the ways it may name a person; None when it is too short, or would tell too much.

    Pieces of a name are for who may open names: to others they would tell it character by character. The last four digits of a mobile
    and a card stand in their masks and are for who sees those.
    """
    if text.strip().isdigit():
        closed = any(access.level(user, guarded.of(field)) == Level.NONE for field in ("mobile", "bank_card"))
    else:
        closed = not access.may(user, guarded.NAME, Level.REVEAL)
    if closed:
        return None
    match = Q()
    for way in name_tokens.ways(text):
        condition = Q()
        for alternatives in way:
            condition &= Q(keys__overlap=[key_of(piece) for piece in sorted(alternatives)])
        match |= condition
    return match or None


# --- filing what is not filed, or by an older rule -------------------------------------------------------------------
def unfiled() -> Any:
    """Return the customers that the search does not know, or by pieces of an older rule."""
    filed = SearchKeys.objects.filter(customer=OuterRef("pk"), rule=name_tokens.RULE)
    return Customer.objects.filter(~Exists(filed), erased_at__isnull=True)


def plan(*, actor: User | None, at: datetime) -> Job:
    """Start the job that files every customer the search does not know."""
    return jobs.start(kind=KIND, title="Search index of customers", actor=actor, at=at, total=unfiled().count())


def run(job_id: int, *, at: datetime) -> Job | None:
    """Work the job off in chunks; each is one transaction, so that a restart repeats little. None when another worker has it."""
    job = jobs.claim(job_id, at=at)
    if job is None:
        return None
    after = 0
    while True:
        with transaction.atomic():
            # locked, so that a change of a name meanwhile is not overwritten by pieces of the old one
            rows = list(unfiled().filter(pk__gt=after).select_for_update(of=("self",)).order_by("pk")[:CHUNK])
            write(rows)
        if not rows:
            break
        after = rows[-1].pk
        jobs.progress(job, at=at, done=len(rows))
    return jobs.finish(job, at=at)
