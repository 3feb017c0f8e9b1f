"""A document's PDF that is taken stands among the files taken, for who controls; the document page alone leaves nothing there."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from credit import loan_documents
from governance import exports, papers_taken
from governance.list_forms import ExportForm
from governance.models import Export
from ledger.models import Entry
from tests.fixtures.cast import NOON, TODAY, Cast


@pytest.fixture
def made(desk: Any) -> Any:
    """The statement of a loan, made as a document."""
    loan = desk.loan()
    return loan_documents.statement(loan, first=TODAY, last=TODAY, purpose="customer", actor=desk.cast.loan_operations, at=NOON)


def test_each_pdf_taken_stands_among_the_files_taken(made: Any, cast: Cast, page_of: Any) -> None:
    clerk, auditor = page_of(cast.loan_operations), page_of(cast.auditor)
    assert made.serial in clerk.get(reverse("loan-document", args=[made.public_id])).content.decode()
    assert not Export.objects.exists()
    answer = clerk.get(reverse("loan-document-pdf", args=[made.public_id]))
    assert answer.content.startswith(b"%PDF-")
    row = Export.objects.get()
    assert (row.list, row.subject, row.actor, row.purpose, row.rows, row.downloads, row.job, row.content) == (
        "credit.document.statement", made.serial, cast.loan_operations, "customer", 1, 1, None, None,
    )  # fmt: skip
    assert Entry.objects.filter(event="credit.document.taken").latest("pk").facts["serial"] == made.serial
    page = auditor.get(reverse("export-list")).content.decode()
    assert made.serial in page and "Statement of account" in page and "The customer asked for it" in page
    assert page_of(cast.loan_operations).get(reverse("export-list")).status_code == 403


def test_a_paper_is_no_file_to_fetch_again(made: Any, cast: Cast, page_of: Any) -> None:
    loan_documents.taken(made, actor=cast.loan_operations, at=NOON)
    row = Export.objects.get()
    assert page_of(cast.loan_operations).get(reverse("export-file", args=[row.public_id])).status_code == 404
    assert exports.forget(at=NOON) == 0 and exports.unfinished(at=NOON.replace(year=2100)) == []


def test_only_known_papers_are_noted_and_lists_are_exported_for_their_own_purposes(cast: Cast) -> None:
    told: dict[str, Any] = {"actor": cast.auditor, "at": NOON}
    with pytest.raises(KeyError):
        papers_taken.took("credit.nothing", "ST-2026-0000001", purpose="customer", **told)
    with pytest.raises(KeyError):
        papers_taken.took("credit.document.statement", "ST-2026-0000001", purpose="marketing", **told)
    with pytest.raises(IntegrityError), transaction.atomic():
        papers_taken.took("credit.document.statement", "", purpose="customer", **told)
    offered = [value for value, _label in ExportForm(uses=[]).fields["purpose"].choices]  # type: ignore[attr-defined]
    assert offered == ["work", "report", "control", "authority"]


def test_a_payoff_quote_and_a_contract_stand_there_too(desk: Any, cast: Cast, page_of: Any) -> None:
    from credit import payoffs

    loan = desk.loan_now()
    day = loan.legal_entity.business_date
    quote = payoffs.issue(loan, settles_on=max(day, loan.starts_on), actor=cast.loan_operations, at=loan.booked_at)
    clerk, auditor = page_of(cast.loan_officer), page_of(cast.auditor)
    assert clerk.get(reverse("payoff", args=[quote.public_id])).status_code == 200 and not Export.objects.exists()
    assert clerk.get(reverse("payoff-pdf", args=[quote.public_id])).content.startswith(b"%PDF-")
    assert clerk.get(reverse("offer-contract", args=[loan.offer.public_id])).content.startswith(b"%PDF-")
    rows = {(row.list, row.subject, row.actor, row.purpose, row.downloads) for row in Export.objects.all()}
    assert rows == {
        ("credit.payoff_quote", quote.public_id, cast.loan_officer, "customer", 1),
        ("credit.contract", loan.offer.public_id, cast.loan_officer, "customer", 1),
    }
    assert Entry.objects.filter(event="credit.payoff.taken").count() == 1
    page = auditor.get(reverse("export-list")).content.decode()
    assert quote.public_id in page and "Payoff quote" in page and "The customer&#x27;s copy" in page
