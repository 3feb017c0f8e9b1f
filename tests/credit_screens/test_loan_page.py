"""The page of a loan with a past: the newest movements, a way to the others, and no query more than for a young loan."""

from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from credit.document_forms import CheckForm
from credit.views.loans import MOVEMENTS


def test_a_long_past_costs_no_query_and_leads_to_the_statement(desk: Any, page_of: Any) -> None:
    client, loan = page_of(desk.cast.loan_officer), desk.loan()
    here, statement = reverse("loan", args=[loan.public_id]), reverse("loan-statement", args=[loan.public_id])
    client.get(here)
    with CaptureQueriesContext(connection) as young:
        page = client.get(here)
    assert not page.context["earlier"] and "Earlier ones stand" not in page.content.decode()
    for n in range(MOVEMENTS + 1):
        desk.pay(loan, "10.00", date(2026, 3, 3) + timedelta(days=n))
    with CaptureQueriesContext(connection) as old:
        page = client.get(here)
    assert len(old) <= len(young) + 1
    assert page.context["earlier"] and len(page.context["movements"]) == MOVEMENTS
    text = page.content.decode()
    assert text.count('class="movement"') == MOVEMENTS and f'<a href="{statement}">Earlier ones stand in the statement</a>' in text
    assert client.get(statement).content.decode().count("Repayment") == MOVEMENTS + 1


def test_the_check_of_a_paper_speaks_the_reader_s_language() -> None:
    with translation.override("en"):
        assert CheckForm().fields["digits"].help_text == "at least 12, as on the paper"
    with translation.override("zh-hans"):
        assert CheckForm().fields["digits"].help_text != "at least 12, as on the paper"
