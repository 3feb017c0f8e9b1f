"""Who waits too long for a record that another holds is told so, on the page and over the API; nothing is changed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection, connections, transaction
from django.test import Client
from rest_framework.test import APIClient

from customers.models import Customer
from tests.fixtures.cast import Cast


def impatient(ask: Callable[[], Any]) -> Any:
    """Run `ask` on a connection of its own that gives up on a lock after 200 ms."""

    def run() -> Any:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '200ms'")
            return ask()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result(timeout=30)


def test_a_held_record_is_said_to_be_busy(transactional_db: None, cast: Cast, make_customer: Callable[..., Customer]) -> None:
    customer = make_customer()
    page, api = Client(), APIClient()
    page.force_login(cast.loan_officer)
    api.force_login(cast.loan_officer)
    address = f"/api/v1/customers/{customer.public_id}/"
    form = {
        "name": customer.name, "id_number": customer.id_number, "mobile": "13912345678", "monthly_debt": "0", "version": "1",
    }  # fmt: skip
    with transaction.atomic():
        Customer.objects.select_for_update().get(pk=customer.pk)
        over_api = impatient(lambda: api.patch(address, {"version": 1, "mobile": "13912345678"}, format="json"))
        on_page = impatient(lambda: page.post(f"/customers/{customer.public_id}/edit/", form))
    assert (over_api.status_code, over_api.json()["code"]) == (409, "busy")
    assert on_page.status_code == 409
    assert Customer.objects.get().version == 1
