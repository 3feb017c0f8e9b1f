"""Files that an agency is given, and whose a leaked one is.

Customer by customer, as little as the work needs: masked name and number, no id number. Each file carries a visible line, a row about nobody
(the canary) and a reference in every row; the last two are keyed, so that nobody without the keys can make or guess them, and any one row of a
leaked copy tells for which agency it was made, when and by whom.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.http import QueryDict
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from collection import permissions
from collection.models import Agency, AgencyFile, Placement
from crm.lib import tables
from crm.lib.errors import Invalid
from crm.lib.fields import ALPHABET, LENGTH
from crm.lib.tables import Sheet, Table
from governance import exports, uses
from governance.models import User
from ledger import log

NAME = "agency-file"
REFERENCE = 12  # characters of base32: sixty bits
TOKEN = re.compile(rf"(?<![A-Z2-7])[A-Z2-7]{{{REFERENCE}}}(?![A-Z2-7])")
PLACED = re.compile(rf"(?<![A-Z0-9])PL-[0-9A-Z]{{{LENGTH}}}(?![0-9A-Z])")
MOST_FILES, MOST_ROWS = 5_000, 200  # looked through by a trace
LONGEST = 500_000  # characters of a leaked copy


class NothingPlaced(Invalid):
    """The agency has no case to make a file of."""

    code = "nothing_placed"


@dataclass(frozen=True)
class Trace:
    """One file whose marks stand in a leaked copy: how many rows carry them, and whether the canary does."""

    file: AgencyFile
    rows: int
    canary: bool
    line: bool


# --- marks ---------------------------------------------------------------------------------------------------------
def digest(file: AgencyFile, about: str) -> bytes:
    return hmac.new(file.agency.watermark.bytes + file.secret.bytes, about.encode(), hashlib.sha256).digest()


def reference(file: AgencyFile, placement: str) -> str:
    """Return the keyed reference of a row of a file: the same row of another file has another one."""
    return base64.b32encode(digest(file, placement)).decode()[:REFERENCE]


def mark(file: AgencyFile) -> str:
    return reference(file, "file")


def canary(file: AgencyFile, *, days: Sequence[str] = ()) -> list[Any]:
    """Return a row that looks like the others and is about nobody.

    :param days: the days on which the other rows come back: the canary has one of them, for a day of its own would give it away
    """
    seed = digest(file, "canary")
    number = "PL-" + "".join(ALPHABET[byte % len(ALPHABET)] for byte in seed[:LENGTH])
    amount = Decimal(int.from_bytes(seed[20:23], "big") % 900_000 + 40_000) / 100
    mobile = f"1{3 + seed[12] % 6}{seed[13] % 10}****{int.from_bytes(seed[14:16], 'big') % 10_000:04d}"
    day = days[seed[18] % len(days)] if days else localtime(file.made_at).date().isoformat()
    return [reference(file, number), number, "王李张刘陈"[seed[16] % 5] + "*", mobile, "", amount, 31 + seed[17] % 90, 1, day]


# --- making --------------------------------------------------------------------------------------------------------
@transaction.atomic
def order(agency: Agency, *, form: str, reason: str, actor: User, at: datetime, language: str = "") -> AgencyFile:
    """Order the file of what is with an agency now; a worker writes it, and it can be fetched for a day.

    :raises NothingPlaced: if the agency has no case that `actor` sees
    :raises NotAllowed: without the right to make such files
    """
    ids = list(
        Placement.objects.visible_to(actor).running().filter(agency=agency).order_by("pk").values_list("pk", flat=True)[: exports.MOST]
    )
    if not ids:
        raise NothingPlaced(_("No case is with this agency now."))
    made = AgencyFile(agency=agency, placements=ids, made_by=actor, made_at=at)
    made.export = exports.ask_table(
        FILE, query=f"file={made.public_id}", form=form, purpose="work", reason=reason, actor=actor, at=at, language=language
    )
    made.save(force_insert=True)
    log.record("collections.agency_file.made", made, actor=actor, at=at, agency=agency.code, cases=len(ids))
    return made


def sheets(user: User, params: QueryDict) -> Sequence[Sheet]:
    """Return the file: the visible line, then the cases with the canary among them."""
    file = AgencyFile.objects.select_related("agency").get(public_id=params.get("file", ""), made_by=user)
    rows = list(Placement.objects.visible_to(user).filter(pk__in=file.placements).with_agency().order_by("pk"))
    uses.bind([row.case.customer for row in rows], "collections", actor=user, at=file.made_at)
    body = [row_of(file, row) for row in rows]
    body.insert(digest(file, "place")[0] % (len(body) + 1), canary(file, days=[row[-1] for row in body]))
    words = {"agency": file.agency, "file": file.public_id, "day": localtime(file.made_at).date().isoformat(), "mark": mark(file)}
    line = _("Only for %(agency)s; file %(file)s of %(day)s, mark %(mark)s. Every row is marked: do not pass on.") % words
    heads = [
        pgettext("file of an agency", "Reference"), _("Placement"), _("Name"), _("Mobile"), _("Language"), _("Overdue (CNY)"), _("Days past due"), _("Loans"),
        _("Comes back on"),
    ]  # fmt: skip
    return [Sheet(_("Placements"), heads, [[line, *[None] * (len(heads) - 1)], *body])]


def row_of(file: AgencyFile, row: Placement) -> list[Any]:
    case, debts = row.case, [debt for debt in row.case.debts.all() if debt.overdue_amount]
    person = case.customer
    return [
        reference(file, row.public_id), row.public_id, person.masked_name, person.masked_mobile, person.language, case.overdue_amount, case.dpd,
        len(debts), row.back_on.isoformat(),
    ]  # fmt: skip


FILE = tables.declare(
    Table(
        name=NAME, title=gettext_lazy("Cases for an agency"), permission=permissions.VIEW_AGENCY, export_permission=permissions.EXPORT_PLACEMENT,
        address=lambda: reverse("agency-list"), sheets=sheets,
    )
)  # fmt: skip


# --- tracing -------------------------------------------------------------------------------------------------------
def trace(text: str, *, actor: User, at: datetime) -> list[Trace]:
    """Return the files whose marks stand in a leaked copy, or in a part of one, the best matched first; who asked is on record.

    :raises Invalid: for nothing, or more than 500,000 characters
    """
    if not 0 < len(text.strip()) <= LONGEST:
        raise Invalid(
            _("Paste what leaked, at most 500,000 characters."), fields={"text": _("Paste what leaked, at most 500,000 characters.")}
        )
    tokens, ids = set(TOKEN.findall(text)), list(dict.fromkeys(PLACED.findall(text)))[:MOST_ROWS]
    found = []
    if tokens:
        for file in AgencyFile.objects.select_related("agency", "made_by", "export").order_by("-pk")[:MOST_FILES]:
            fake = canary(file)
            rows = sum(reference(file, one) in tokens for one in ids if one != fake[1])
            one = Trace(file, rows, fake[0] in tokens, mark(file) in tokens)
            if one.rows or one.canary or one.line:
                found.append(one)
    log.record("collections.agency_file.traced", actor, actor=actor, at=at, files=[one.file.public_id for one in found])
    return sorted(found, key=lambda one: (-one.rows, -one.canary, -one.line, -one.file.pk))
