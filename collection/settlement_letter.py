"""The letter of a settlement as PDF in both languages: what is paid by when, what is forgiven then, what a breach brings back."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from collection.models import Settlement
from credit import papers_pdf
from credit.books import local_day
from crm.lib.errors import DomainError
from governance.models import User
from ledger import log

Status = Settlement.Status
WITH_LETTER = (Status.APPROVED, Status.ACCEPTED, Status.PAID, Status.SETTLED)


class NoLetter(DomainError):
    """Only what was approved is put on paper."""

    code = "no_letter"


def paper(row: Settlement, *, actor: User, at: datetime) -> bytes:
    """Return the letter; who made it stands in the ledger. The same settlement gives the same bytes.

    :raises NoLetter: if it is not approved
    """
    if row.status not in WITH_LETTER or row.approved_at is None:
        raise NoLetter(_("The letter is made once the settlement is approved."))
    log.record("collections.settlement.letter", row, actor=actor, at=at, customer_id=row.case.customer_id, case=row.case.public_id)
    return papers_pdf.document(data(row))


def data(row: Settlement) -> dict[str, Any]:
    """Return what the letter says, the borrower masked."""
    fact, money, entity = papers_pdf.fact, papers_pdf.money, row.case.legal_entity
    loans = [debt.loan.public_id for debt in row.case.debts.select_related("loan").order_by("pk")]
    parts = [[str(part.seq), part.due_on.isoformat(), money(part.amount)] for part in row.parts.order_by("seq")]
    approved = local_day(entity, row.approved_at) if row.approved_at else row.offered_on
    last = max(part[1] for part in parts)
    return {
        "title": {"zh": "协商结清函", "en": "Settlement letter"},
        "number": row.public_id,
        "facts": [
            fact("编号", "Serial", row.public_id),
            *papers_pdf.lender("出具机构", "Issued by", entity),
            fact("借款人", "Borrower", row.case.customer.masked_name),
            fact("证件号码", "Identity number", row.case.customer.masked_id_number),
            fact("贷款", "Loans", ", ".join(loans)),
            fact("出具日期", "Issued", approved.isoformat()),
            fact("有效期至", "Valid until", row.expires_on.isoformat()),
        ],
        "tables": [
            {
                "zh": "结清条件（元）", "en": "Terms (CNY)",
                "rows": [
                    fact("要约日应还总额", "Owed in all on the day of the offer", money(row.balance)),
                    fact("协商应付总额", "To be paid", money(row.amount)),
                    fact("履行完毕后减免", "Forgiven once it is paid", money(row.to_forgive)),
                ],
            },
            {
                "zh": "付款安排（元）", "en": "Payments (CNY)",
                "heads": [papers_pdf.head("期数", "No."), papers_pdf.head("付款日", "By", wide=True), papers_pdf.head("金额", "Amount", money=True)],
                "rows": parts, "foot": ["", "合计 Total", money(row.amount)],
            },
        ],
        "lines": [
            {
                "zh": f"全部款项于{last}前到账后，剩余债务予以减免，贷款结清。",
                "en": f"Once all of it has arrived by {last}, the rest of the debt is forgiven and the loans are settled.",
            },
            {
                "zh": "任何一笔未按期足额到账，本函即告失效，恢复全部债务；已付款项照常冲抵。",
                "en": "If a payment does not arrive in full in time, this letter ends and the whole debt is owed again; what was paid counts.",
            },
            {
                "zh": "是否结清及减免情况将如实报送征信系统。",
                "en": "That the debt was settled for less is reported to the credit bureau as it is.",
            },
        ],
    }  # fmt: skip
