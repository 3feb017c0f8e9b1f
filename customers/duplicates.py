"""Files that may be one person's: found by fingerprints and by likeness, shown masked and only to those who may see them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import Invalid
from customers import identifiers
from customers.likeness import alike
from customers.models import Customer, Note
from governance import uses
from governance.models import User
from ledger import log

SHOWN = 10
BORN_THAT_DAY = 1_000  # names opened for one comparison, at most
FILL = 1_000

REASONS: dict[str, Any] = {
    "id_number": _("same id number"),
    "bank_card": _("same bank card"),
    "mobile": _("same mobile"),
    "name": _("similar name, born on the same day"),
}


class SayWhy(Invalid):
    """There are files that may be this person's, and no reason was given for another one."""

    code = "duplicate_needs_reason"


@dataclass(frozen=True)
class Hit:
    """A file that may be the same person's, and why it looks so."""

    customer: Customer
    reasons: tuple[str, ...]

    @property
    def words(self) -> list[Any]:
        return [REASONS[reason] for reason in self.reasons]

    @property
    def sentence(self) -> str:
        """Say which file and why, without a personal value: for reports of files and machines."""
        words = {"customer": self.customer.public_id, "reasons": " · ".join(str(word) for word in self.words)}
        return str(_("May be the same person as %(customer)s: %(reasons)s.") % words)


@dataclass
class Found:
    """What a look found: hits the person may see, and whether there are others, of which nothing else is told."""

    hits: list[Hit] = field(default_factory=list)
    elsewhere: bool = False
    ids: list[int] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.hits) or self.elsewhere

    def read_for(self, purpose: str, *, actor: User, at: datetime) -> Self:
        """Bind the hits to what they are shown for; whoever only counts them need not.

        :raises uses.UnlawfulUse: naming the missing consent
        """
        uses.bind([hit.customer for hit in self.hits], purpose, actor=actor, at=at)
        return self


def look(values: Mapping[str, Any], *, user: User, legal_entity_id: int | None) -> Found:
    """Look for the person that `values` (name, id_number, mobile, bank_card as typed so far) describe. Four queries at most."""
    keys: dict[str, str] = {}
    born = ""
    for name in ("id_number", "mobile", "bank_card"):
        filed = identifiers.filed_forms(str(values.get(name) or ""))[name]
        if filed and "\0" not in filed:
            keys[f"{name}_key"] = _key(name, filed)
            if name == "id_number" and identifiers.ID_NUMBER.fullmatch(filed):
                born = _born_key(filed[6:14])
    name = identifiers.filed_forms(str(values.get("name") or ""))["name"]
    return _search(keys, name, born, user=user, legal_entity_id=legal_entity_id)


def of(customer: Customer, *, user: User) -> Found:
    """Return the other files that may be this customer's person."""
    keys = {name: value for name in ("mobile_key", "bank_card_key") if (value := getattr(customer, name))}
    return _search(keys, customer.name, customer.born_key or "", user=user, legal_entity_id=customer.legal_entity_id, but=customer.pk)


def _key(name: str, value: str) -> str:
    column: Any = Customer._meta.get_field(f"{name}_key")
    return str(column.of(value))


def _born_key(text: str) -> str:
    column: Any = Customer._meta.get_field("born_key")
    return str(column.of(text))


def _search(keys: dict[str, str], name: str, born: str, *, user: User, legal_entity_id: int | None, but: int | None = None) -> Found:
    rows = Customer.objects.exclude(pk=but) if but else Customer.objects.all()
    if legal_entity_id:
        rows = rows.filter(legal_entity=legal_entity_id)
    reasons: dict[int, list[str]] = {}
    if keys:
        wanted = Q()
        for column, value in keys.items():
            wanted |= Q(**{column: value})
        for row in rows.filter(wanted).order_by("-pk").values("pk", *keys)[: SHOWN * 2]:
            reasons[row["pk"]] = [column.removesuffix("_key") for column, value in keys.items() if row[column] == value]
    if name and born:
        for one in rows.filter(born_key=born).only("pk", "seal_key", "name").order_by("-pk")[:BORN_THAT_DAY]:
            if alike(name, one.name):
                reasons.setdefault(one.pk, []).append("name")
    if not reasons:
        return Found()
    seen = Customer.objects.visible_to(user).for_list().filter(pk__in=reasons)
    hits = [Hit(row, tuple(sorted(reasons[row.pk], key=list(REASONS).index))) for row in seen]
    hits.sort(key=lambda hit: (-len(hit.reasons), list(REASONS).index(hit.reasons[0]), -hit.customer.pk))
    return Found(hits[:SHOWN], elsewhere=len(hits) < len(reasons), ids=sorted(reasons))


@transaction.atomic
def overrule(customer: Customer, *, found: Found, reason: str, actor: User, at: datetime) -> None:
    """Keep why `customer` got a file of their own although others look alike.

    :raises SayWhy: if no reason is given
    """
    reason = reason.strip()
    if not reason:
        sentence = _("Say why this is another person, or open the file that exists.")
        raise SayWhy(sentence, fields={"despite": sentence})
    note = Note.objects.create(customer=customer, author=actor, text=reason[:2_000], at=at)
    log.record(
        "customers.duplicate.overruled", customer, actor=actor, at=at, files=found.ids, note_id=note.pk,
        reasons=sorted({reason for hit in found.hits for reason in hit.reasons}), elsewhere=found.elsewhere,
    )  # fmt: skip


def fill(*, limit: int | None = None) -> int:
    """Give files from before the look by likeness their fingerprint of the birth date; return how many. May run twice."""
    done = 0
    while limit is None or done < limit:
        rows = list(
            Customer.objects.filter(born_key__isnull=True, erased_at__isnull=True).only("pk", "seal_key", "id_number").order_by("pk")[:FILL]
        )
        for row in rows:
            row.born_key = _born_key(row.born_text)
        Customer.objects.bulk_update(rows, ["born_key"])
        done += len(rows)
        if len(rows) < FILL:
            break
    return done
