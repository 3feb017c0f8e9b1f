"""Doors of a contract's paper: set once per cost table, kept sealed, proved by its SHA-256 in the ledger, opened by those who may."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from credit import papers_pdf
from credit.models import Contract, Offer
from customers import guarded
from governance import access, files, papers_taken
from governance.models import User
from governance.models.identity import Level
from ledger import log

LABEL = Contract.FILE_LABEL
PAPER = "credit.contract"  # its name among the files taken
papers_taken.PAPERS.register(PAPER, papers_taken.Paper(_("Contract"), {"customer": _("The customer's copy")}))


def paper(offer: Offer, *, actor: User, at: datetime) -> Contract:
    """Return the paper of `offer` as it stands, set and kept now if it was not before. Called outside transactions.

    :raises NoFont: if the font of papers is missing
    :raises PortUnknown: if the storage gives no certain answer
    """
    known = Contract.objects.filter(offer=offer, cost_hash=offer.cost_hash, template=papers_pdf.TEMPLATE).first()
    if known is not None:
        return known
    stored = files.keep(papers_pdf.contract(offer), label=LABEL, allowed=(files.PDF,))
    try:
        with transaction.atomic():
            made = Contract.objects.create(
                offer=offer,
                cost_hash=offer.cost_hash,
                template=papers_pdf.TEMPLATE,
                sha256=stored.sha256,
                size=stored.size,
                storage_key=stored.storage_key,
                seal_key=stored.seal_key,
                made_at=at,
                made_by=actor,
            )
            facts = {"sha256": made.sha256, "cost_hash": made.cost_hash, "size": made.size}
            log.record("credit.contract.made", offer, actor=actor, at=at, customer_id=offer.application.customer_id, **facts)
    except IntegrityError:  # somebody asked at the same time
        files.discard(stored)
        return Contract.objects.get(offer=offer, cost_hash=offer.cost_hash, template=papers_pdf.TEMPLATE)
    return made


def draft(offer: Offer, *, actor: User, at: datetime) -> bytes:
    """Return what the contract will say, the borrower masked, for whoever holds the link of a standing offer; recorded first, kept nowhere.

    :raises NoFont: if the font of papers is missing
    """
    log.record(
        "credit.contract.draft_opened", offer, actor=actor, at=at, customer_id=offer.application.customer_id, cost_hash=offer.cost_hash
    )
    return papers_pdf.draft(offer)


def opened(contract: Contract, *, actor: User, at: datetime) -> bytes:
    """Return the paper's bytes; who opened it is recorded first.

    :raises NotKept: if the storage lost it
    :raises FileAltered: if it is not what was kept
    :raises FieldClosed: if the actor's role may not open a value that stands in it
    """
    offer = contract.offer
    for field in ("name", "id_number", "mobile", "bank_card"):  # all four stand in it unmasked
        access.demand(actor, guarded.of(field), Level.REVEAL)
    log.record("credit.contract.opened", offer, actor=actor, at=at, customer_id=offer.application.customer_id, sha256=contract.sha256)
    return files.read(storage_key=contract.storage_key, seal_key=contract.seal_key, sha256=contract.sha256, label=LABEL)


def taken(contract: Contract, *, actor: User, at: datetime) -> bytes:
    """Return the paper's bytes for one of the staff: as `opened`, and it stands among the files taken. Called outside transactions."""
    content = opened(contract, actor=actor, at=at)
    papers_taken.took(PAPER, contract.offer.public_id, purpose="customer", actor=actor, at=at)
    return content
