"""Files of applications: the template, a file with bad lines, what cannot be read at all."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from credit import imports
from credit.models import Application, ImportBatch
from tests.fixtures.cast import NOON

HTMX = {"HX-Request": "true"}
KEY = "11111111-2222-3333-4444-555555555555"


def send(client: Any, content: bytes, name: str = "applications.csv", key: str = KEY) -> Any:
    return client.post("/applications/import/", {"file": SimpleUploadedFile(name, content, "text/csv"), "form_key": key})


def test_the_template_is_a_file_that_goes_through(desk: Any, page_of: Any) -> None:
    client = page_of(desk.cast.loan_officer)
    template = client.get("/applications/import/template.csv")
    assert "attachment" in template["Content-Disposition"]
    answer = send(client, template.content)
    batch = ImportBatch.objects.get()
    assert answer["Location"] == f"/applications/import/{batch.public_id}/"
    imports.run(batch.pk, at=NOON)
    batch.refresh_from_db()
    assert (batch.created, batch.job.failed, batch.job.problems) == (1, 0, [])
    assert Application.objects.get().channel == "import"


def test_each_bad_line_is_reported_with_its_number(desk: Any, page_of: Any) -> None:
    client = page_of(desk.cast.loan_officer)
    lines = client.get("/applications/import/template.csv").content.decode().splitlines()
    good = lines[1]
    bad = good.replace("WEB-0001", "WEB-0002").replace("12000.00", "a lot").replace("13800001234", "12")
    send(client, "\n".join([lines[0], good, bad]).encode())
    batch = ImportBatch.objects.get()
    url = f"/applications/import/{batch.public_id}/"
    assert "load delay:2s" in client.get(url).text
    imports.run(batch.pk, at=NOON)
    last = client.get(url, headers=HTMX)
    assert last.status_code == 286
    assert {row["line"] for row in last.context["problems"]} == {3}
    assert Application.objects.count() == 1
    assert "Amount" in client.get(f"{url}problems.csv").content.decode() or "amount" in client.get(f"{url}problems.csv").content.decode()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"only,headings\n", b"name\n1\n", b'"broken\n'])
def test_what_is_no_table_is_a_sentence(content: bytes, desk: Any, page_of: Any) -> None:
    answer = send(page_of(desk.cast.loan_officer), content)
    assert answer.status_code == 422
    assert answer.context["form"].errors["file"]
    assert not ImportBatch.objects.exists()


def test_a_second_click_sends_no_second_file(desk: Any, page_of: Any) -> None:
    client = page_of(desk.cast.loan_officer)
    content = client.get("/applications/import/template.csv").content
    assert send(client, content)["Location"] == send(client, content)["Location"]
    assert ImportBatch.objects.count() == 1


def test_anothers_file_is_not_shown(desk: Any, page_of: Any) -> None:
    client = page_of(desk.cast.loan_officer)
    send(client, client.get("/applications/import/template.csv").content)
    batch = ImportBatch.objects.get()
    for path in ("", "problems.csv"):
        assert page_of(desk.cast.colleague).get(f"/applications/import/{batch.public_id}/{path}").status_code == 404
    assert page_of(desk.cast.underwriter).get("/applications/import/").status_code == 403
