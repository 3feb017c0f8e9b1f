"""Relations and activities over HTTP: doors with a key, masks, and nobody else's rows."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils.timezone import now

from customers.models import Activity, Customer, Relation

R, A = "/api/v1/relations/", "/api/v1/activities/"


def own(customer: Customer, cast: Any) -> Customer:
    """Give a customer to the service account, whose scope is its own rows."""
    Customer.objects.filter(pk=customer.pk).update(owner=cast.service)
    return customer


def test_a_relation_is_added_once_per_key_and_ended(cast: Any, customer: Customer, api_of: Callable[..., Any]) -> None:
    client = api_of("customers:read", "customers:write")
    body = {"customer": own(customer, cast).public_id, "kind": "family", "name": "李雷", "mobile": "13812345678", "source": "customer"}
    first, again = (client.post(R, body, format="json", HTTP_IDEMPOTENCY_KEY="r-1") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201) and Relation.objects.count() == 1
    made = first.json()
    assert (made["name"], made["mobile"], made["may_contact"], made["other"]) == ("李*", "138****5678", False, None)
    assert client.get(R).json()["results"][0]["id"] == made["id"]
    assert client.post(f"{R}{made['id']}/end/").json()["ended_at"]
    assert client.post(f"{R}{made['id']}/end/").status_code == 409


def test_a_file_that_is_not_the_callers_is_nobodys(
    cast: Any, customer: Customer, make_customer: Callable[..., Any], api_of: Callable[..., Any]
) -> None:
    client, mine = api_of("customers:read", "customers:write"), own(make_customer(), cast)
    body = {"kind": "family", "source": "customer"}
    for names in (
        {"customer": customer.public_id, "name": "李雷", "mobile": "13812345678"},
        {"customer": mine.public_id, "other": customer.public_id},
    ):
        answer = client.post(R, body | names, format="json")
        assert (answer.status_code, answer.json()["code"]) == (422, "no_such_file")
    Relation.objects.create(customer=mine, other=customer, kind="referral", source="staff", created_by=cast.service, created_at=now())
    shown = client.get(R).json()["results"][0]
    assert (shown["other"], shown["name"], shown["mobile"]) == (None, "", "")


def test_an_activity_is_planned_and_done_and_its_text_stays_inside(cast: Any, customer: Customer, api_of: Callable[..., Any]) -> None:
    client = api_of("customers:write")
    due = (now() + timedelta(days=2)).isoformat()
    body = {
        "customer": own(customer, cast).public_id,
        "kind": "call",
        "text": "回访王小明",
        "due_at": due,
        "assignee": cast.colleague.public_id,
    }
    made = client.post(A, body, format="json")
    assert made.status_code == 201 and "王小明" not in made.content.decode()
    assert (made.json()["assignee"], made.json()["status"]) == (cast.colleague.public_id, "open")
    done = client.post(f"{A}{made.json()['id']}/done/", {"result": "已联系"}, format="json")
    assert done.json()["status"] == "done" and Activity.objects.get().result == "已联系"
    wrong = client.post(A, body | {"assignee": cast.outsider.public_id}, format="json")
    assert wrong.status_code == 422 and "assignee" in wrong.json()["errors"]
