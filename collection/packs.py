"""Filing packs: what a court needs of one legal action, in one sealed ZIP made by a job: contract, movements and instalments of each loan, the
record of contacts, letters, the clock of limitation, and an index with the hash of each file.

Only the contract carries the parties in clear, as it was signed; everything else names the person masked, and no note of staff goes along.
Who asked for it and who opened it, with the purpose, stands in the ledger.
"""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, pgettext_lazy

from collection import contested, letters, limitation_book
from collection.models import Channel, FilingPack, LegalAction, LimitationClock, Outcome
from credit import books, contracts
from credit.models import Contract, Installment, Loan, Transaction
from crm.lib.errors import DomainError, Invalid
from governance import access, files, jobs
from governance.models import User
from ledger import log

JOB_KIND, TITLE = "collections.filing_pack", gettext_noop("Filing pack")
ZIP = "application/zip"
EPOCH = (2026, 1, 1, 0, 0, 0)  # every entry says it was made then: the same content gives the same bytes
LETTERS = ("sent", "delivered", "returned")


class NoPack(DomainError):
    """Only an action that was approved has something to file."""

    code = "no_pack"


@transaction.atomic
def ask(action: LegalAction, *, reason: str, actor: User, at: datetime) -> FilingPack:
    """Order a pack; a worker makes it, and the page may be left.

    :raises NoPack: if the action was not approved
    :raises CaseFrozen: if a complaint keeps `actor` from the case
    :raises Invalid: without a reason
    """
    if action.status in (LegalAction.Status.PROPOSED, LegalAction.Status.REFUSED):
        raise NoPack(_("Only an action that was approved has something to file."))
    contested.refuse_frozen(action.case, actor)
    reason = reason.strip()
    if not 5 <= len(reason) <= 200:
        sentence = _("Say in 5 to 200 characters what the pack is needed for.")
        raise Invalid(sentence, fields={"reason": sentence})
    job = jobs.start(kind=JOB_KIND, title=TITLE, actor=actor, at=at)
    made = FilingPack(action=action, job=job, reason=reason, asked_by=actor, asked_at=at)
    made.save(force_insert=True)
    log.record("collections.pack.ordered", made, actor=actor, at=at, **facts(made))
    return made


def facts(pack: FilingPack) -> dict[str, Any]:
    return {"customer_id": pack.action.case.customer_id, "case": pack.action.case.public_id, "action": pack.action.public_id}


def run(pack_id: int, *, clock: Callable[[], datetime]) -> None:
    """Make a pack that waits; one that another worker has, or that is over, is left to it."""
    pack = FilingPack.objects.select_related("job", "asked_by__role", "action__case__customer", "action__case__legal_entity").get(
        pk=pack_id
    )
    job = jobs.claim(pack.job_id, at=clock())
    if job is None:
        return
    try:
        entries = contents(pack, at=clock())
        index = [{"name": name, "size": len(body), "sha256": hashlib.sha256(body).hexdigest()} for name, body in entries]
        content = zipped([*entries, ("index.json", json.dumps(index, ensure_ascii=False, indent=1).encode())])
        stored = files.keep(content, label=FilingPack.FILE_LABEL, media_type=ZIP)
    except DomainError as refused:  # a right to open the contract is missing, or a file was lost
        jobs.fail(job, str(refused.message), at=clock())
        return
    with transaction.atomic():
        at = clock()
        FilingPack.objects.filter(pk=pack.pk).update(
            file_key=stored.seal_key, storage_key=stored.storage_key, media_type=ZIP, size=stored.size, sha256=stored.sha256, index=index,
            made_at=at,
        )  # fmt: skip
        jobs.finish(job, at=at, files=len(index))
        log.record("collections.pack.made", pack, actor=pack.asked_by, at=at, sha256=stored.sha256, files=len(index), **facts(pack))


def contents(pack: FilingPack, *, at: datetime) -> list[tuple[str, bytes]]:
    """Return the files of a pack by name; whoever asked has to have the right to open what lies in it."""
    case, actor = pack.action.case, pack.asked_by
    entries: list[tuple[str, bytes]] = []
    for loan in Loan.objects.filter(pk__in=case.debts.values("loan")).order_by("pk"):
        signed = Contract.objects.filter(offer=loan.offer_id).select_related("offer__application").order_by("-pk").first()
        if signed is not None:
            entries.append(contract_of(loan, signed, actor=actor, at=at))
        entries += [(f"{loan.public_id}/movements.csv", movements(loan)), (f"{loan.public_id}/instalments.csv", instalments(loan))]
    entries.append(("contacts.csv", contact_record(pack)))
    for letter in case.letters.filter(status__in=LETTERS).order_by("pk"):
        entries.append((f"letters/{letter.public_id}.pdf", letters.opened(letter, actor=actor, at=at)))
    entries.append(("limitation.csv", limitation_record(pack, at=at)))
    return entries


def contract_of(loan: Loan, signed: Contract, *, actor: User, at: datetime) -> tuple[str, bytes]:
    """Return the contract; where the role of who asked may not open every value in it, who may is told instead."""
    try:
        return f"{loan.public_id}/contract.pdf", contracts.opened(signed, actor=actor, at=at)
    except access.FieldClosed:
        told = "合同须由有权查看其全部信息的人员另行提供。\nThe contract is added by somebody who may open all that stands in it.\n"
        return f"{loan.public_id}/contract-withheld.txt", f"{told}SHA-256 {signed.sha256}\n".encode()


def table(heads: Iterable[Any], rows: Iterable[Iterable[Any]]) -> bytes:
    """Return a CSV that spreadsheets read as UTF-8, its heads in both languages."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([both(head) for head in heads])
    writer.writerows(["" if one is None else one for one in row] for row in rows)
    return ("\ufeff" + out.getvalue()).encode()


def both(words: Any) -> str:
    """Return words in Chinese and English: the court reads the one, an auditor perhaps the other."""
    with translation.override("zh-hans"):
        chinese = str(words)
    with translation.override("en"):
        english = str(words)
    return chinese if chinese == english else f"{chinese} / {english}"


def movements(loan: Loan) -> bytes:
    rows = (
        Transaction.objects.filter(loan=loan)
        .order_by("value_on", "pk")
        .values_list("value_on", "public_id", "kind", "amount", "reverses__public_id")
    )
    heads = (_("Value date"), _("Number"), _("Kind"), _("Amount, CNY"), _("Reverses"))
    return table(heads, ((on, number, both(Transaction.Kind(kind).label), amount, of) for on, number, kind, amount, of in rows))


def instalments(loan: Loan) -> bytes:
    names = ("seq", "due_on", "principal", "principal_paid", "interest", "interest_paid", "fee", "fee_paid", "penalty", "penalty_paid")
    heads = (
        pgettext_lazy("instalment", "No."), _("Due on"), _("Principal, CNY"), _("Principal paid, CNY"), _("Interest, CNY"),
        _("Interest paid, CNY"), _("Fee, CNY"), _("Fee paid, CNY"), _("Penalty interest, CNY"), _("Penalty interest paid, CNY"), _("Status"),
    )  # fmt: skip
    rows = Installment.objects.filter(loan=loan).order_by("seq").values_list(*names, "status")
    return table(heads, ((*row[:-1], both(Installment.Status(row[-1]).label)) for row in rows))


def contact_record(pack: FilingPack) -> bytes:
    """Return who was in touch when, by the lender's clock, by which way and how it ended; the debtor masked, nobody's notes."""
    case = pack.action.case
    rows = case.contacts.filter(relation__isnull=True).select_related("actor").order_by("at", "pk")
    who, zone = case.customer.masked_name, ZoneInfo(case.legal_entity.zone)
    heads = (_("Date and time"), _("Number"), _("Debtor"), _("Channel"), _("Outcome"), pgettext_lazy("who did it", "By"))
    return table(
        heads,
        (
            (
                row.at.astimezone(zone).isoformat(" ", timespec="minutes"), row.public_id, who, both(Channel(row.channel).label),
                both(Outcome(row.outcome).label), row.actor.public_id,
            )
            for row in rows
        ),
    )  # fmt: skip


def limitation_record(pack: FilingPack, *, at: datetime) -> bytes:
    """Return every act that bears on the period of each loan, with the number of its evidence."""
    case = pack.action.case
    on = books.value_day(case.legal_entity, at)
    rows = [
        (
            one.loan.public_id, line.act.on, both(limitation_book.KINDS[line.act.kind]), line.act.ref, both(_("yes") if line.counts else _("no")),
            line.expires_on, both(LimitationClock.State(clock.state).label),
        )
        for one, clock in limitation_book.clocks([case.customer_id], on=on).values()
        for line in clock.lines
    ]  # fmt: skip
    heads = (
        _("Loan"), _("Date"), pgettext_lazy("limitation", "Act"), _("Evidence"), pgettext_lazy("limitation", "Counts"),
        pgettext_lazy("limitation", "Period runs until"), _("State"),
    )  # fmt: skip
    return table(heads, rows)


def zipped(entries: Iterable[tuple[str, bytes]]) -> bytes:
    """Return a ZIP whose bytes depend on its content alone."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, body in entries:
            pack.writestr(zipfile.ZipInfo(name, EPOCH), body, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def opened(pack: FilingPack, *, actor: User, at: datetime) -> bytes:
    """Return a pack that is made; who opened it stands in the ledger first.

    :raises NoPack: if it is not made yet
    """
    if pack.storage_key is None or pack.file_key is None:
        raise NoPack(_("The pack is not made yet."))
    log.record("collections.pack.opened", pack, actor=actor, at=at, purpose="collections", sha256=pack.sha256, **facts(pack))
    return files.read(storage_key=pack.storage_key, seal_key=pack.file_key, sha256=pack.sha256, label=FilingPack.FILE_LABEL)
