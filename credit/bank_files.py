"""Files of receipts from a bank: encoding and columns found, each bad line reported, no bank reference booked twice."""

import csv
import hashlib
import io
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from credit import batches, suspense
from credit.batches import BadLine, Row
from credit.models import BankFile, Receipt
from crm.lib import money
from crm.lib.errors import DomainError, Invalid
from governance import jobs
from governance.models import LegalEntity, User
from ledger import log

KIND = "credit.bank_file"
LARGEST = 10 * 1024 * 1024  # bytes
PREFACE = 15  # lines a bank may put above the headings
ENCODINGS = ("utf-8-sig", "gb18030")  # the second reads almost anything, so the strict one goes first

# Our column → how banks name it, compared without spaces, case and brackets.
HEADINGS: Mapping[str, tuple[str, ...]] = {
    "reference": (
        "reference",
        "bankreference",
        "transactionid",
        "serialnumber",
        "流水号",
        "交易流水号",
        "银行流水号",
        "交易流水",
        "凭证号",
    ),
    "received_on": ("date", "valuedate", "bookingdate", "交易日期", "入账日期", "记账日期", "交易时间", "日期"),
    "amount": ("amount", "credit", "creditamount", "金额", "交易金额", "贷方金额", "贷方发生额", "收入金额", "收入"),
    "payer_name": ("payer", "payername", "付款人", "付款人名称", "付款人户名", "对方户名", "对方名称"),
    "payer_account": ("payeraccount", "付款人账号", "付款账号", "对方账号"),
    "account": ("account", "virtualaccount", "creditedaccount", "虚拟账号", "收款账号", "收款子账号", "入账账号"),
    "direction": ("direction", "debitcredit", "借贷标志", "借贷方向", "收支"),
    "remittance": ("remittance", "remittancetext", "text", "purpose", "附言", "摘要", "用途", "备注", "摘要附言"),
}
REQUIRED = ("reference", "received_on", "amount")
OUT = ("D", "DR", "DEBIT", "OUT", "借", "支出", "付")
DATE = re.compile(r"(20[0-9]{2})[-/.年]?([0-9]{1,2})[-/.月]?([0-9]{1,2})日?(?:[ T].*)?")


class NotABankFile(Invalid):
    """The file cannot be read as a table of receipts at all."""

    code = "not_a_bank_file"


class FileKnown(DomainError):
    """The same file was brought in before; `extra["file"]` names it."""

    code = "bank_file_known"


def bring_in(content: bytes, *, file_name: str, legal_entity: LegalEntity, actor: User, at: datetime) -> BankFile:
    """Take a CSV file of receipts in and start the job that works through it on a worker after commit.

    :raises NotABankFile: if it is no such table: too large, in an unknown encoding, without the columns that are needed, empty
    :raises FileKnown: if the very same file was brought in before
    """
    text, encoding = decode(content)
    columns, rows = read(text)
    sha256 = hashlib.sha256(content).hexdigest()
    known = BankFile.objects.filter(legal_entity=legal_entity, sha256=sha256).first()
    if known is not None:
        raise file_known(known)
    try:
        with transaction.atomic():
            job = jobs.start(kind=KIND, title=file_name[:120], actor=actor, at=at, total=len(rows))
            batch = BankFile(
                legal_entity=legal_entity,
                entered_by=actor,
                job=job,
                file_name=file_name[:120],
                sha256=sha256,
                content=text,
                encoding="UTF-8" if encoding == "utf-8-sig" else "GB18030",
                headings=columns,
                lines=len(rows),
                created_at=at,
            )
            batch.save(force_insert=True)
            log.record("credit.bank_file.started", batch, actor=actor, at=at, lines=len(rows), sha256=sha256, job=job.public_id)
    except IntegrityError:  # the same file in two windows at once
        raise file_known(BankFile.objects.get(legal_entity=legal_entity, sha256=sha256)) from None
    return batch


def file_known(known: BankFile) -> FileKnown:
    return FileKnown(
        _("This very file was brought in before, as %(file)s: nothing was booked again.") % {"file": known}, file=known.public_id
    )


def run(batch_id: int, *, at: datetime, clock: Callable[[], datetime] | None = None) -> BankFile | None:
    """Work through a file from where it stands; None when another worker holds it or it is finished."""
    return batches.run(BankFile, batch_id, read=lambda batch: read(str(batch.content or ""))[1], line=_line, at=at, clock=clock)


def unfinished(*, at: datetime) -> list[int]:
    """Return files that no worker holds and that are not finished."""
    return batches.unfinished(BankFile, at=at)


def decode(content: bytes) -> tuple[str, str]:
    """Return the text of a file and the encoding it is in.

    :raises NotABankFile: if it is too large or in none of ours
    """
    if len(content) > LARGEST:
        raise _refused(_("The file is larger than 10 MB."))
    for encoding in ENCODINGS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:  # UTF-16 and spreadsheets
            return text, encoding
    raise _refused(_("The file is neither UTF-8 nor GB18030 text. Save it as CSV."))


def read(text: str) -> tuple[dict[str, str], list[Row]]:
    """Return which of the file's columns is which of ours, and its rows under our names, each with its line number.

    :raises NotABankFile: if the headings that are needed are not among the first lines, or nothing stands below them
    """
    head = "\n".join(text.splitlines()[:PREFACE])
    comma = max(",;\t", key=head.count)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=comma)
        table = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error:
        raise _refused(_("The file is not a readable CSV table.")) from None
    heads = [(place, row) for place, (_number, row) in enumerate(table[:PREFACE]) if set(REQUIRED) <= named(row).keys()]
    if not heads:
        raise _refused(_("No line names the columns: bank reference, date and amount are needed."))
    place, row = heads[0]
    columns = named(row)
    places = {name: row.index(heading) for name, heading in columns.items()}
    rows = [
        (number, {name: cells[at] if at < len(cells) else "" for name, at in places.items()})
        for number, cells in table[place + 1 :]
        if any(cells)
    ]
    if not rows:
        raise _refused(_("The file has no line below its headings."))
    return columns, rows


def named(row: list[str]) -> dict[str, str]:
    """Return our names for the headings of a row, the first of ours that fits each."""
    found: dict[str, str] = {}
    for heading in row:
        plain = re.sub(r"[\s()（）/_\-:：]|人民币|CNY|RMB|元", "", unicodedata.normalize("NFKC", heading)).lower()
        for name, words in HEADINGS.items():
            if plain in words and name not in found:
                found[name] = heading
    return found


def _line(batch: BankFile, row: Mapping[str, str], *, at: datetime) -> str:
    """Book the receipt of one line, or leave it in suspense; return the counter.

    :raises BadLine: with a sentence per wrong field
    """
    if row.get("direction", "").upper() in OUT:
        return "outgoing"
    problems: dict[str, Any] = {}
    reference = row["reference"].lstrip("'")
    if not reference or len(reference) > 64 or not reference.isprintable():
        problems["reference"] = gettext("Enter the bank's reference, at most 64 characters.")
    received_on, amount = day(row["received_on"]), _amount(row["amount"])
    if received_on is None:
        problems["received_on"] = gettext("Enter a day such as 2026-11-22.")
    if amount is None or amount <= 0:
        problems["amount"] = gettext("Enter an amount above 0 in whole cents.")
    if problems or received_on is None or amount is None:
        raise BadLine(problems)
    known = Receipt.objects.filter(legal_entity=batch.legal_entity_id, reference=reference).first()
    if known is not None:
        if (known.amount, known.received_on) != (amount, received_on):
            raise BadLine({"reference": gettext("This bank reference was booked before with another amount or day.")})
        return "known"
    receipt = suspense.take_in(
        legal_entity=batch.legal_entity,
        bank_file=batch,
        reference=reference,
        received_on=received_on,
        amount=amount,
        payer_name=row.get("payer_name", ""),
        payer_account=row.get("payer_account", ""),
        account=row.get("account", ""),
        remittance=row.get("remittance", ""),
        actor=batch.entered_by,
        at=at,
    )
    return "booked" if receipt.status == Receipt.Status.MATCHED else "suspended"


def day(text: str) -> date | None:
    """Return the day a bank wrote: 2026-11-22, 2026/11/22, 20261122, 2026年11月22日, with a time or without."""
    found = DATE.fullmatch(unicodedata.normalize("NFKC", text).strip())
    try:
        return date(*(int(part) for part in found.groups())) if found else None
    except ValueError:
        return None


def _amount(text: str) -> Decimal | None:
    try:
        return money.parse(text)
    except ValueError:
        return None


def _refused(sentence: Any) -> NotABankFile:
    return NotABankFile(sentence, fields={"file": sentence})
