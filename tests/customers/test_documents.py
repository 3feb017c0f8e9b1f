"""Papers of a person: who puts them in, looks at them, opens them; what the ledger keeps of it."""

from base64 import b64encode
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from customers import documents
from customers.models import Document
from governance.lifecycle import IllegalMove, MovedMeanwhile
from ledger import log
from tests.fixtures.cast import NOON
from tests.fixtures.papers import pdf

pytestmark = pytest.mark.django_db


@pytest.fixture
def put(cast: Any, storage: Any) -> Any:
    def add(customer: Any, content: bytes = pdf("x"), kind: str = "income_proof") -> Any:
        return documents.add(customer, kind=kind, stored=documents.keep(content), file_name="王小明.pdf", actor=cast.loan_officer, at=NOON)

    return add


def upload(client: Any, customer: Any, content: bytes, name: str = "payslip.pdf", **more: Any) -> Any:
    data = {"kind": "income_proof", "file": SimpleUploadedFile(name, content)} | more
    return client.post(f"/customers/{customer.public_id}/documents/add/", data)


def test_a_paper_is_put_in_and_opened_on_the_record(cast: Any, customer: Any, put: Any) -> None:
    document = put(customer)
    assert documents.opened(document, actor=cast.underwriter, at=NOON) == pdf("x")
    entries = list(log.history(document).order_by("id"))
    assert [entry.event for entry in entries] == ["customers.document.added", "customers.document.opened"]
    assert entries[1].actor_id == cast.underwriter.pk
    assert "王小明" not in str([entry.facts for entry in entries])
    assert Document.objects.get().file_name == "王小明.pdf"


def test_the_same_file_is_not_kept_twice_unless_it_was_rejected(cast: Any, customer: Any, put: Any) -> None:
    first = put(customer)
    with pytest.raises(documents.AlreadyThere):
        put(customer)
    documents.reject(first, words="blurred", actor=cast.underwriter, at=NOON)
    assert put(customer).pk != first.pk


def test_the_same_page_in_two_files_is_seen(customer: Any, make_customer: Any, put: Any) -> None:
    mine, other, own = put(customer), put(make_customer()), put(customer, pdf("other"))
    assert documents.elsewhere([mine, own]) == {mine.pk}
    assert documents.elsewhere([other]) == {other.pk}


def test_a_check_says_good_or_why_not_and_a_stale_one_is_told(cast: Any, customer: Any, put: Any) -> None:
    document = put(customer)
    documents.accept(document, actor=cast.underwriter, at=NOON, version=1)
    with pytest.raises(IllegalMove):
        documents.accept(document, actor=cast.underwriter, at=NOON)
    with pytest.raises(MovedMeanwhile):
        documents.reject(document, words="no", actor=cast.underwriter, at=NOON, version=1)
    with pytest.raises(documents.Invalid):
        documents.reject(document, words=" ", actor=cast.underwriter, at=NOON)
    documents.reject(document, words="只有一页", actor=cast.underwriter, at=NOON, version=2)
    assert (document.status, Document.objects.get().words) == ("rejected", "只有一页")


def test_the_page_takes_a_file_and_hands_it_out_as_an_attachment(cast: Any, customer: Any, storage: Any, page_of: Any) -> None:
    assert upload(page_of(cast.loan_officer), customer, pdf("x"), name="<b>.exe").status_code == 303
    document = Document.objects.get()
    assert document.media_type == "application/pdf"
    panel = page_of(cast.underwriter).get(f"/customers/{customer.public_id}/documents/")
    assert "Proof of income" in panel.text
    assert ".exe" not in panel.text
    answer = page_of(cast.underwriter).get(f"/documents/{document.public_id}/file/")
    assert answer.content == pdf("x")
    assert answer["Content-Disposition"] == f'attachment; filename="{document.public_id}.pdf"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "no-store"
    assert "sandbox" in answer["Content-Security-Policy"]


@pytest.mark.parametrize("content", [b"MZ" + b"\x00" * 100, b"", b"%PDF-" + b"x" * (10 * 1024 * 1024)], ids=["program", "empty", "large"])
def test_what_is_no_paper_leaves_nothing_behind(content: bytes, cast: Any, customer: Any, storage: Any, page_of: Any) -> None:
    answer = upload(page_of(cast.loan_officer), customer, content)
    assert answer.status_code == 422
    assert answer.context["form"].errors["file"]
    assert not Document.objects.exists()
    assert [path for path in storage.rglob("*") if path.is_file()] == []


def test_a_double_click_keeps_one_file(cast: Any, customer: Any, storage: Any, page_of: Any) -> None:
    client, key = page_of(cast.loan_officer), "11111111-2222-3333-4444-555555555555"
    for _time in range(2):
        assert upload(client, customer, pdf("x"), form_key=key).status_code == 303
    assert Document.objects.count() == 1
    assert len([path for path in storage.rglob("*") if path.is_file()]) == 1


def test_another_branch_s_paper_is_not_there(cast: Any, customer: Any, put: Any, page_of: Any) -> None:
    document = put(customer)
    client = page_of(cast.outsider)
    for url in (f"/documents/{document.public_id}/file/", f"/customers/{customer.public_id}/documents/"):
        assert client.get(url).status_code == 404
    assert page_of(cast.west_underwriter).get(f"/documents/{document.public_id}/check/").status_code == 404
    assert page_of(cast.collector).get(f"/documents/{document.public_id}/file/").status_code == 403


def test_a_check_by_page(cast: Any, customer: Any, put: Any, page_of: Any) -> None:
    document, client = put(customer), page_of(cast.underwriter)
    url = f"/documents/{document.public_id}/check/?back=/applications/A-1/"
    assert client.post(url, {"verdict": "bad", "words": "", "version": 1}).status_code == 422
    done = client.post(url, {"verdict": "bad", "words": "blurred", "version": 1})
    assert (done.status_code, done["Location"]) == (303, "/applications/A-1/")
    assert client.post(f"{url}&back=https://evil.example/", {"verdict": "good", "version": 2})["Location"].startswith("/customers/")


def test_the_api_takes_a_file_once_and_never_gives_its_content(cast: Any, make_customer: Any, storage: Any, api_of: Any) -> None:
    customer = make_customer(actor=cast.service)
    client = api_of("documents:write", "documents:read")
    body = {"customer": customer.public_id, "kind": "id_card", "content": b64encode(pdf("x")).decode()}
    made = [client.post("/api/v1/documents/", body, format="json", headers={"Idempotency-Key": "one"}) for _time in range(2)]
    assert [answer.status_code for answer in made] == [201, 201]
    assert made[0].json() == made[1].json()
    assert made[0].json()["sha256"] == Document.objects.get().sha256
    listed = client.get(f"/api/v1/documents/?customer={customer.public_id}").json()["results"]
    assert [row["id"] for row in listed] == [made[0].json()["id"]]
    for wrong in ("!", b64encode(b"MZ" + b"0" * 99).decode()):
        answer = client.post("/api/v1/documents/", body | {"content": wrong}, format="json")
        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["content"])
    foreign = make_customer()
    answer = client.post("/api/v1/documents/", body | {"customer": foreign.public_id}, format="json")
    assert answer.status_code == 422


def lying(storage: Any) -> int:
    return len([path for path in storage.rglob("*") if path.is_file()])


def test_over_the_api_a_repeated_or_refused_request_leaves_one_file(cast: Any, make_customer: Any, storage: Any, api_of: Any) -> None:
    customer, foreign, client = make_customer(actor=cast.service), make_customer(), api_of("documents:write")
    body = {"customer": customer.public_id, "kind": "id_card", "content": b64encode(pdf("x")).decode()}

    def sent(key: str, **changes: str) -> Any:
        return client.post("/api/v1/documents/", body | changes, format="json", headers={"Idempotency-Key": key})

    assert (sent("one").status_code, lying(storage)) == (201, 1)
    again = sent("one")
    assert (again.status_code, again["Idempotent-Replay"], lying(storage)) == (201, "true", 1)
    assert sent("one", kind="income_proof").json()["code"] == "idempotency_key_used"
    assert sent("two").json()["code"] == "document_already_there"
    assert sent("three", customer=foreign.public_id).status_code == 422
    assert sent("x" * 200).json()["code"] == "idempotency_key_missing"
    assert (Document.objects.count(), lying(storage)) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_over_the_api_the_file_is_kept_while_no_transaction_is_open(
    cast: Any, make_customer: Any, storage: Any, api_of: Any, monkeypatch: Any
) -> None:
    from crm.lib.ports import storage as port

    seen, put = [], port.put

    def watched(key: str, data: bytes) -> None:
        seen.append(connection.in_atomic_block)
        put(key, data)

    monkeypatch.setattr(port, "put", watched)
    customer = make_customer(actor=cast.service)
    body = {"customer": customer.public_id, "kind": "id_card", "content": b64encode(pdf("x")).decode()}
    answer = api_of("documents:write").post("/api/v1/documents/", body, format="json", headers={"Idempotency-Key": "one"})
    assert (answer.status_code, seen) == (201, [False])
