"""Pages of the back office: bank files, unmatched money, payoff, reversal, refund; an offer's what-if and paper."""

from decimal import Decimal as D
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.timezone import localdate, now

from credit import bank_files, refunds, suspense
from credit.models import BankFile, Offer, PayoffQuote, Receipt, Refund, Transaction
from tests.fixtures.cast import NOON

HTMX = {"HX-Request": "true"}
KEY = "11111111-2222-3333-4444-555555555555"


def receipt(desk: Any, amount: str = "100.00", text: str = "", payer: str = "王小明") -> Receipt:
    return suspense.take_in(
        legal_entity=desk.cast.entity, reference=f"S-{Receipt.objects.count()}", received_on=NOON.date(), amount=D(amount), payer_name=payer,
        payer_account="6222020000001234", remittance=text, actor=desk.cast.loan_operations, at=NOON,
    )  # fmt: skip


def test_a_bank_file_is_taken_in_and_followed(desk: Any, page_of: Any, deliver: Any) -> None:
    client, loan = page_of(desk.cast.loan_operations), desk.loan()
    content = f"reference,date,amount,payer,text\r\nN1,2026-03-02,500,王小明,{loan.public_id}\r\nN2,2026-03-02,x,王,\r\n".encode()
    answer = client.post("/payments/files/", {"file": SimpleUploadedFile("bank.csv", content), "form_key": KEY})
    assert answer.status_code == 303
    batch = BankFile.objects.get()
    assert client.get(answer.headers["Location"]).status_code == 200
    bank_files.run(batch.pk, at=NOON)
    page = client.get(f"/payments/files/{batch.public_id}/", headers=HTMX)
    assert page.status_code == 286
    assert "Enter an amount above 0" in page.content.decode()
    assert "N" not in client.get(f"/payments/files/{batch.public_id}/problems.csv").content.decode().splitlines()[1].split(",")[0]
    again = client.post("/payments/files/", {"file": SimpleUploadedFile("bank.csv", content)})
    assert again.status_code == 409
    assert "brought in before" in again.content.decode()


def test_another_lenders_file_and_money_are_not_there(desk: Any, page_of: Any) -> None:
    from governance.models import LegalEntity

    other = LegalEntity.objects.create(code="OTHER", name_en="Other", name_zh="另一家", business_date=NOON.date(), zone="Asia/Shanghai")
    theirs = suspense.take_in(legal_entity=other, reference="x", received_on=NOON.date(), amount=D("1.00"), actor=desk.cast.system, at=NOON)
    client = page_of(desk.cast.loan_operations)
    assert client.get(f"/payments/{theirs.public_id}/").status_code == 404
    assert theirs.public_id not in client.get("/payments/").content.decode()


def test_the_queue_shows_masks_and_ages(desk: Any, page_of: Any) -> None:
    receipt(desk, text="贷款还款 王小明 6222020000009999")
    client = page_of(desk.cast.loan_operations)
    page = client.get("/payments/").content.decode()
    assert "王小明" not in page
    one = client.get(f"/payments/{Receipt.objects.get().public_id}/").content.decode()
    assert "王小明" not in one
    assert "6222020000009999" not in one
    assert "贷款还款" in one


def test_a_receipt_is_matched_from_its_page_once(desk: Any, page_of: Any) -> None:
    loan = desk.loan()
    money, client = receipt(desk), page_of(desk.cast.loan_operations)
    assert loan.public_id in client.get(f"/payments/{money.public_id}/").content.decode()  # a candidate by name
    url = f"/payments/{money.public_id}/allocate/"
    wrong = client.post(url, {"loan": "L-22222222X", "version": 1})
    assert (wrong.status_code, "There is no such loan." in wrong.content.decode()) == (422, True)
    typed = loan.public_id.lower().replace("l-", "")
    for _click in range(2):
        assert client.post(url, {"loan": typed, "version": 1, "form_key": KEY}).status_code == 303
    assert Transaction.objects.filter(kind="repayment").count() == 1
    assert client.post(url, {"loan": loan.public_id, "version": 1}).status_code == 409  # a page that is old


def test_large_money_is_decided_by_another_person(desk: Any, page_of: Any) -> None:
    loan, money = desk.loan(), receipt(desk, "20000.00")
    first, second = page_of(desk.cast.loan_operations), page_of(desk.cast.risk_manager)
    first.post(f"/payments/{money.public_id}/allocate/", {"loan": loan.public_id, "version": 1})
    assert first.post(f"/payments/{money.public_id}/decide/", {"decision": "approve", "version": 2}).status_code == 403
    assert "Approve" in second.get(f"/payments/{money.public_id}/").content.decode()
    assert second.post(f"/payments/{money.public_id}/decide/", {"decision": "approve", "version": 2}).status_code == 303
    assert Receipt.objects.get().status == "matched"


def test_money_goes_back(desk: Any, page_of: Any) -> None:
    money = receipt(desk)
    assert page_of(desk.cast.loan_operations).post(f"/payments/{money.public_id}/return/", {"version": 1}).status_code == 303
    assert Receipt.objects.get().status == "returned"


def test_the_list_asks_a_constant_number_of_queries(desk: Any, page_of: Any, django_assert_max_num_queries: Any) -> None:
    client = page_of(desk.cast.loan_operations)
    for _n in range(4):
        receipt(desk)
    client.get("/payments/")
    with django_assert_max_num_queries(26):
        client.get("/payments/")
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as few:
        client.get("/payments/")
    for _n in range(12):
        receipt(desk)
    with CaptureQueriesContext(connection) as many:
        client.get("/payments/")
    assert len(few) == len(many)


# --- payoff, reversal, refund --------------------------------------------------------------------------------------
def test_a_quote_is_previewed_issued_and_downloaded(desk: Any, page_of: Any) -> None:
    loan, client = desk.loan_now(), page_of(desk.cast.loan_officer)
    today = localdate().isoformat()
    told = client.get(f"/loans/{loan.public_id}/payoff/", {"settles_on": today}, headers=HTMX)
    assert told.context["sum"] == D("12000.00")
    assert "hint" in client.get(f"/loans/{loan.public_id}/payoff/", {"settles_on": "2020-01-01"}, headers=HTMX).context
    assert client.get(f"/loans/{loan.public_id}/payoff/", {"settles_on": "13"}, headers=HTMX).status_code == 200
    answer = client.post(f"/loans/{loan.public_id}/payoff/", {"settles_on": today, "form_key": KEY})
    quote = PayoffQuote.objects.get()
    assert answer.headers["Location"] == f"/payoffs/{quote.public_id}/"
    assert "12,000.00" in client.get(f"/payoffs/{quote.public_id}/").content.decode()
    paper = client.get(f"/payoffs/{quote.public_id}/quote.pdf")
    assert paper.content.startswith(b"%PDF-")


def test_a_reversal_says_what_it_changes_and_does_it(desk: Any, page_of: Any) -> None:
    loan, client = desk.loan_now(), page_of(desk.cast.loan_operations)
    from credit import repayments

    movement = repayments.receive(loan, amount=D("1500.00"), actor=desk.cast.loan_officer, at=now(), key="counter")
    url = f"/repayments/{movement.public_id}/reverse/"
    page = client.get(url)
    assert [row["number"] for row in page.context["changes"]["rows"]] == [1]
    assert client.post(url, {"reason": ""}).status_code == 422
    for _click in range(2):
        assert client.post(url, {"reason": "bounced", "form_key": KEY}).status_code == 303
    loan.refresh_from_db()
    assert (loan.principal_outstanding, loan.overpayment) == (D("12000.00"), D("0.00"))
    assert client.get(url).status_code == 409
    assert "reversed" in client.get(f"/loans/{loan.public_id}/").content.decode()


def test_a_refund_from_request_to_decision(desk: Any, page_of: Any) -> None:
    loan = desk.loan()
    desk.pay(loan, "1500.00")
    officer, second = page_of(desk.cast.loan_officer), page_of(desk.cast.risk_manager)
    assert officer.post(f"/loans/{loan.public_id}/refund/", {"amount": "400"}).status_code == 422
    assert officer.post(f"/loans/{loan.public_id}/refund/", {"amount": "399.84", "form_key": KEY}).status_code == 303
    refund = Refund.objects.get()
    assert refund.public_id in second.get("/refunds/").content.decode()
    assert second.post(f"/refunds/{refund.public_id}/decide/", {"decision": "approve", "version": 9}).status_code == 409
    assert second.post(f"/refunds/{refund.public_id}/decide/", {"decision": "approve", "version": 1}).status_code == 303
    refund.refresh_from_db()
    assert refund.status == "approved"
    for tab in ("approved", "confirmed", "failed", "declined", "nonsense"):
        assert second.get(f"/refunds/?status={tab}").status_code == 200


def test_home_shows_the_work_of_the_back_office(desk: Any, page_of: Any) -> None:
    loan = desk.loan()
    desk.pay(loan, "1500.00")
    receipt(desk)
    refunds.request(loan, amount=D("10.00"), actor=desk.cast.loan_officer, at=NOON)
    home = page_of(desk.cast.loan_operations).get("/").content.decode()
    assert "Unmatched money" in home
    assert loan.public_id in home


# --- offers --------------------------------------------------------------------------------------------------------
@pytest.fixture
def offer(desk: Any) -> Any:
    return desk.offer(at=now())


def test_what_if_is_told_before_it_is_done(desk: Any, page_of: Any, offer: Any) -> None:
    client = page_of(desk.cast.loan_officer)
    told = client.get(f"/offers/{offer.public_id}/what-if/", {"amount": "9,000", "term": "12"}, headers=HTMX)
    assert told.context["cost"]["principal"] == D("9000.00")
    for amount, term in (("12001", "12"), ("x", "12"), ("9000", "99"), ("", "")):
        assert "hint" in client.get(f"/offers/{offer.public_id}/what-if/", {"amount": amount, "term": term}, headers=HTMX).context
    assert client.post(f"/offers/{offer.public_id}/replace/", {"amount": "99999", "term": "12"}, headers=HTMX).status_code == 422
    done = client.post(f"/offers/{offer.public_id}/replace/", {"amount": "9000", "term": "12", "version": offer.version, "form_key": KEY})
    assert done.status_code == 303
    assert Offer.objects.get().amount == D("9000.00")
    assert client.get(f"/offers/{offer.public_id}/").status_code == 200


def test_the_contract_is_downloaded_by_those_who_may(desk: Any, page_of: Any, offer: Any, settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT, settings.PORTS = tmp_path, settings.PORTS | {"storage": ""}
    answer = page_of(desk.cast.loan_officer).get(f"/offers/{offer.public_id}/contract.pdf")
    assert (answer.headers["Content-Type"], answer.content[:5]) == ("application/pdf", b"%PDF-")
    assert page_of(desk.cast.service_agent).get(f"/offers/{offer.public_id}/contract.pdf").status_code == 403
