"""The ledger's pages: read by those who may, nothing personal on them, parked deliveries tried again."""

from collections.abc import Callable
from typing import Any

from django.test import Client

from customers.models import Customer
from ledger.models import Delivery, Entry

PageOf = Callable[[Any], Client]


def text(response: Any) -> str:
    return response.content.decode()


def test_an_auditor_reads_what_happened(cast: Any, customer: Customer, page_of: PageOf) -> None:
    client = page_of(cast.auditor)
    page = text(client.get("/ledger/?area=customers"))
    assert "customers.customer.created" in page and "governance.user.created" not in page
    assert customer.name not in page and customer.mobile not in page
    assert client.get("/ledger/?event=customers.customer.created&since=2026-01-01").status_code == 200
    assert page_of(cast.loan_officer).get("/ledger/").status_code == 403


def test_a_parked_delivery_is_listed_and_tried_again(cast: Any, customer: Customer, page_of: PageOf) -> None:
    delivery = Delivery.objects.create(
        entry=Entry.objects.order_by("pk")[0], handler="app.tasks.gone", status="parked", attempts=8, error="no subscriber"
    )
    assert "no subscriber" in text(page_of(cast.auditor).get("/ledger/deliveries/"))
    url = f"/ledger/deliveries/{delivery.pk}/retry/"
    assert page_of(cast.auditor).post(url).status_code == 403
    assert page_of(cast.admin).get(url).status_code == 405
    assert page_of(cast.admin).post(url).status_code == 303
    delivery.refresh_from_db()
    assert delivery.status == Delivery.Status.PENDING
