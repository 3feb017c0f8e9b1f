"""Files of applications: each bad line is reported with its number and field, the rest goes on, a repeat creates nothing twice."""

import csv
import hashlib
import io
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from credit import applications, batches
from credit.batches import BadLine, Row, Warned
from credit.models import Application, ImportBatch, Product
from credit.stated import questions
from crm.lib import money
from crm.lib.errors import DomainError, Invalid
from customers import consents, duplicates, profiles
from customers.identifiers import filed_forms
from customers.models import Customer, Purpose
from governance import jobs
from governance.models import Partner, Team, User
from governance.models.identity import Channel
from ledger import log

KIND = "credit.import_applications"
PERSON = ("name", "id_number", "mobile", "bank_card", "address", "employer", "income", "monthly_debt")
REQUEST = ("reference", "product", "amount", "term", "purpose", "consent_bureau")
REQUIRED = ("reference", "name", "id_number", "mobile", "product", "amount", "term", "purpose")
LARGEST = 5 * 1024 * 1024  # bytes
LIKE = 3  # files named in one warning


class NotATable(Invalid):
    """The file cannot be read as a table of applications at all."""

    code = "not_a_table"


def columns() -> list[str]:
    """Return the headings a file may have, the required ones first."""
    optional = [name for name in (*REQUEST, *PERSON, *questions()) if name not in REQUIRED]
    return [*REQUIRED, *optional]


def bring_in(content: bytes, *, file_name: str, branch: Team, actor: User, at: datetime, partner: Partner | None = None) -> ImportBatch:
    """Take a CSV file in (UTF-8, first line headings) and start the job that works through it on a worker after commit.

    :raises NotATable: if it is no such table: too large, not UTF-8, without the required headings, with unknown ones, empty
    """
    rows = _read(content)
    with transaction.atomic():
        job = jobs.start(kind=KIND, title=file_name[:120], actor=actor, at=at, total=len(rows))
        batch = ImportBatch(
            legal_entity_id=branch.legal_entity_id,
            branch=branch,
            partner=partner,
            entered_by=actor,
            job=job,
            file_name=file_name[:120],
            sha256=hashlib.sha256(content).hexdigest(),
            content=content.decode("utf-8-sig"),
            lines=len(rows),
            created_at=at,
        )
        batch.save(force_insert=True)
        log.record("credit.import.started", batch, actor=actor, at=at, lines=len(rows), sha256=batch.sha256, job=job.public_id)
    return batch


def run(batch_id: int, *, at: datetime, clock: Callable[[], datetime] | None = None) -> ImportBatch | None:
    """Work through a batch from where it stands; None when another worker holds it or it is finished."""
    return batches.run(ImportBatch, batch_id, read=_rows, line=_line, at=at, clock=clock)


def unfinished(*, at: datetime) -> list[int]:
    """Return batches that no worker holds and that are not finished."""
    return batches.unfinished(ImportBatch, at=at)


def _rows(batch: ImportBatch) -> list[Row]:
    return _read(str(batch.content or "").encode())


def _line(batch: ImportBatch, row: Mapping[str, str], *, at: datetime) -> str | Warned:
    """Enter and submit the application of one line; return the counter: `created`, or `known` when it was there before.

    A new person who looks like one with a file is warned of: a file of lines has nobody to ask.

    :raises BadLine: with a sentence per wrong field
    """
    missing = {name: gettext("This field is required.") for name in REQUIRED if not row.get(name)}
    if missing:
        raise BadLine(missing)
    reference = row["reference"]
    if Application.objects.filter(legal_entity=batch.legal_entity_id, reference=reference).exists():
        return "known"
    problems: dict[str, Any] = {}
    income = _amount(row, "income", problems)
    monthly_debt = _amount(row, "monthly_debt", problems)
    amount = _amount(row, "amount", problems)
    term = int(row["term"]) if re.fullmatch(r"[0-9]{1,4}", row["term"]) else None
    if term is None:
        problems["term"] = gettext("Enter a whole number of months.")
    product = Product.objects.live().filter(legal_entity=batch.legal_entity_id, code=row["product"]).first()
    if product is None:
        problems["product"] = gettext("There is no such product on sale.")
    if len(reference) > 60:
        problems["reference"] = gettext("Enter at most 60 characters.")
    if problems or amount is None or term is None or product is None:
        raise BadLine(problems)
    try:
        customer, new = _customer(batch, row, income=income, monthly_debt=monthly_debt, at=at)
        if row.get("consent_bureau", "").lower() in ("yes", "true", "1"):
            consents.give(customer, purpose=Purpose.BUREAU, actor=batch.entered_by, at=at, channel=Channel.IMPORT)
        application = applications.create(
            customer=customer,
            product=product,
            amount=amount,
            term=term,
            purpose=row["purpose"],
            stated={name: row[name] for name in questions() if row.get(name)},
            actor=batch.entered_by,
            at=at,
            channel=Channel.IMPORT,
            branch=batch.branch,
            partner=batch.partner,
            reference=reference,
        )
        applications.submit(application, actor=batch.entered_by, at=at)
    except DomainError as error:
        raise BadLine(error.fields or {"": error.message}) from None
    if new and (found := duplicates.of(customer, user=batch.entered_by)):
        return Warned("created", {"name": _likeness(found)})
    return "created"


def _likeness(found: duplicates.Found) -> str:
    """Return whom a new person may be, by file numbers; of a file that the sender may not see only that there is one."""
    sentences = [hit.sentence for hit in found.hits[:LIKE]]
    if found.elsewhere:
        sentences.append(gettext("A file exists in another branch."))
    return " ".join(sentences)


def _customer(
    batch: ImportBatch, row: Mapping[str, str], *, income: Decimal | None, monthly_debt: Decimal | None, at: datetime
) -> tuple[Customer, bool]:
    """Return the person's file and whether it was opened now. A file that exists is not changed by a line of a table."""
    key = Customer._meta.get_field("id_number_key").of(filed_forms(row["id_number"])["id_number"])
    known = Customer.objects.filter(legal_entity=batch.legal_entity_id, id_number_key=key).first()
    if known is not None:
        return known, False
    opened = profiles.create(
        name=row["name"],
        id_number=row["id_number"],
        mobile=row["mobile"],
        bank_card=row.get("bank_card") or None,
        address=row.get("address") or None,
        employer=row.get("employer") or None,
        income=income,
        monthly_debt=monthly_debt or Decimal("0.00"),
        branch=batch.branch,
        actor=batch.entered_by,
        at=at,
        channel=Channel.IMPORT,
        partner=batch.partner,
    )
    return opened, True


def _amount(row: Mapping[str, str], name: str, problems: dict[str, Any]) -> Decimal | None:
    if not row.get(name):
        return None
    try:
        return money.parse(row[name])
    except ValueError:
        problems[name] = gettext("Enter an amount in whole cents.")
        return None


def _read(content: bytes) -> list[Row]:
    """Return the rows of a file, stripped, each with its line number; empty lines are left out.

    :raises NotATable: if it cannot be read as a table of applications
    """
    if len(content) > LARGEST:
        raise _refused(_("The file is larger than 5 MB."))
    try:
        text = content.decode("utf-8-sig")
        if "\0" in text:  # the database cannot hold it
            raise ValueError
    except ValueError:
        raise _refused(_("The file is not UTF-8 text.")) from None
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        table = [(reader.line_num, row) for row in reader]
    except csv.Error:
        raise _refused(_("The file is not a readable CSV table.")) from None
    if len(table) < 2:
        raise _refused(_("The file has no line below its headings."))
    headings = [heading.strip().lower() for heading in table[0][1]]
    if missing := [name for name in REQUIRED if name not in headings]:
        raise _refused(_("These columns are missing: %(names)s.") % {"names": ", ".join(missing)})
    if unknown := sorted(set(headings) - set(columns()) - {""}):
        raise _refused(_("These columns are not known: %(names)s.") % {"names": ", ".join(unknown)[:200]})
    if len(set(headings)) != len(headings):
        raise _refused(_("A column comes twice."))
    return [
        (number, {name: cell.strip() for name, cell in zip(headings, row, strict=False)})
        for number, row in table[1:]
        if any(cell.strip() for cell in row)
    ]


def _refused(sentence: Any) -> NotATable:
    return NotATable(sentence, fields={"file": sentence})
