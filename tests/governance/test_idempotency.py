"""The same request twice does its work once, whoever sends it again, and however closely behind the first."""

import json
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from crm.lib.errors import DomainError
from customers.models import Consent, Customer
from governance import idempotency
from governance.models import FormReceipt, IdempotencyKey, Job
from tests.fixtures.cast import NOON, Cast
from tests.fixtures.support import identities

URL = "/api/v1/customers/"


def body(**changes: Any) -> dict[str, Any]:
    serial = next(identities.serials)
    return {"name": "王小明", "id_number": identities.id_number(serial), "mobile": identities.mobile(serial)} | changes


@pytest.fixture
def api(api_of: Callable[..., APIClient]) -> APIClient:
    return api_of()


def post(api: APIClient, data: Any, key: str | None = "k-1", url: str = URL) -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    return api.post(url, data, format="json", headers=headers)


def test_the_same_key_and_body_give_the_first_answer(api: APIClient) -> None:
    data = body()
    first, second = post(api, data), post(api, data)
    assert (first.status_code, second.status_code) == (201, 201)
    assert json.loads(first.content) == json.loads(second.content)
    assert second.headers["Idempotent-Replay"] == "true"
    assert Customer.objects.count() == 1


def test_spaces_and_order_of_the_body_do_not_matter(api: APIClient) -> None:
    data = body()
    post(api, data)
    text = json.dumps(dict(reversed(data.items())), indent=3)
    again = api.post(URL, text, content_type="application/json", headers={"Idempotency-Key": "k-1"})
    assert again.status_code == 201
    assert again.headers["Idempotent-Replay"] == "true"


def test_the_same_key_with_another_body_is_refused(api: APIClient) -> None:
    post(api, body())
    other = post(api, body())
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_used")
    assert Customer.objects.count() == 1


def test_the_same_key_on_another_route_is_refused(api: APIClient) -> None:
    customer = post(api, body()).json()["id"]
    refused = post(api, {"purpose": "marketing"}, url=f"{URL}{customer}/consents/")
    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_key_used")
    assert not Consent.objects.exists()


def test_keys_belong_to_their_caller(api: APIClient, api_of: Callable[..., APIClient], cast: Cast) -> None:
    other = cast.person("another_service", "api_client", cast.west, kind="service")
    first, second = post(api, body()), post(api_of(user=other), body())
    assert (first.status_code, second.status_code) == (201, 201)
    assert "Idempotent-Replay" not in second.headers


def test_a_refusal_is_not_kept(api: APIClient) -> None:
    data = body()
    wrong = post(api, data | {"mobile": "1"})
    assert wrong.status_code == 422
    assert not IdempotencyKey.objects.exists()
    assert post(api, data).status_code == 201, "corrected and sent again under the same key"


def test_without_a_key_each_request_is_its_own(api: APIClient) -> None:
    data = body()
    assert post(api, data, key=None).status_code == 201
    assert post(api, data, key=None).json()["code"] == "already_customer"


@pytest.mark.parametrize("key", ["x" * 129, "tab\there"])
def test_odd_keys_are_refused(api: APIClient, key: str) -> None:
    refused = post(api, body(), key=key)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_missing")


def test_the_longest_key_is_kept(api: APIClient) -> None:
    assert post(api, body(), key="x" * 128).status_code == 201


def test_malformed_json_is_400_and_takes_no_key(api: APIClient) -> None:
    refused = api.post(URL, "{", content_type="application/json", headers={"Idempotency-Key": "k-1"})
    assert refused.status_code == 400
    assert not IdempotencyKey.objects.exists()


def test_the_kept_answer_is_sealed(api: APIClient) -> None:
    post(api, body())
    kept = IdempotencyKey.objects.get()
    assert kept.body is not None
    assert b"C-" not in bytes(kept.body)


# --- actions that move money -------------------------------------------------------------------------------------
class Refused(DomainError):
    code = "test_refused"


class Mover(APIView):
    """An action of a kind that moves money; what it does is counted in jobs."""

    permission_classes = ()

    @idempotency.idempotent(required=True)
    def post(self, request: Any) -> Response:
        if request.data.get("refuse"):
            raise Refused("no")
        job = Job.objects.create(kind="test", title=request.data["title"], created_at=NOON, updated_at=NOON)
        return Response({"job": job.public_id}, status=201)


def move(user: Any, data: dict[str, Any], key: str | None = "m-1") -> Response:
    request = APIRequestFactory().post("/move", data, format="json", headers={} if key is None else {"Idempotency-Key": key})
    force_authenticate(request, user=user)
    return Mover.as_view()(request)


def test_a_missing_key_is_refused_where_money_moves(cast: Cast) -> None:
    for key in (None, "", "  "):
        refused = move(cast.service, {"title": "a"}, key)
        assert (refused.status_code, refused.data["code"]) == (422, "idempotency_key_missing")
    assert not Job.objects.exists()


def test_many_at_once_do_the_work_once(transactional_db: None, cast: Cast) -> None:
    senders = 6
    barrier = Barrier(senders)

    def send(_number: int) -> Any:
        try:
            barrier.wait(timeout=10)
            answer = move(cast.service, {"title": "a"})
            return answer.status_code, answer.data["job"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(senders) as pool:
        answers = set(pool.map(send, range(senders)))
    assert answers == {(201, Job.objects.get().public_id)}


def test_of_a_refusal_and_its_correction_at_once_one_works(transactional_db: None, cast: Cast) -> None:
    """The second waits for the first; that one is refused and leaves no key, so the second does the work."""
    barrier = Barrier(2)

    def send(refuse: bool) -> int:
        try:
            barrier.wait(timeout=10)
            return int(move(cast.service, {"title": "a", "refuse": refuse}).status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(send, [True, False])) == [201, 409]
    assert Job.objects.count() == 1


def test_a_request_that_waits_too_long_is_told_so(transactional_db: None, cast: Cast, settings: Any) -> None:
    """While the first holds the key, the second gives up after the lock time-out with 409, not with a broken page."""
    from django.db import connection, transaction

    waiting = ThreadPoolExecutor(1)

    def second() -> Any:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '200ms'")
            return move(cast.service, {"title": "a"})
        finally:
            connections.close_all()

    with transaction.atomic():
        IdempotencyKey.objects.create(caller=cast.service, key="m-1", route="/move", body_hash="x", created_at=NOON)
        answer = waiting.submit(second).result(timeout=20)
    assert (answer.status_code, answer.data["code"]) == (409, "idempotency_key_in_use")


# --- forms -------------------------------------------------------------------------------------------------------
def send_form(user: Any, key: str, *, fail: bool = False) -> tuple[bool, str]:
    with idempotency.Once(user, key, at=NOON) as sent:
        if sent.again:
            return True, sent.location
        Job.objects.create(kind="form", title="a", created_at=NOON, updated_at=NOON)
        if fail:
            raise Refused("no")
        return False, sent.result("/jobs/1/")


def test_a_second_click_returns_to_the_first_result(cast: Cast) -> None:
    key = str(uuid.uuid4())
    assert send_form(cast.admin, key) == (False, "/jobs/1/")
    assert send_form(cast.admin, key) == (True, "/jobs/1/")
    assert Job.objects.count() == 1


def test_a_form_that_was_refused_may_be_sent_again(cast: Cast) -> None:
    key = str(uuid.uuid4())
    with pytest.raises(Refused):
        send_form(cast.admin, key, fail=True)
    assert not Job.objects.exists()
    assert send_form(cast.admin, key) == (False, "/jobs/1/")


def test_a_form_whose_refusal_was_caught_inside_may_be_sent_again(cast: Cast) -> None:
    """A view may show the refusal at its field without leaving the block: no result, no receipt."""
    key = str(uuid.uuid4())
    with idempotency.Once(cast.admin, key, at=NOON) as sent:
        assert not sent.again
    assert not FormReceipt.objects.exists()
    assert send_form(cast.admin, key) == (False, "/jobs/1/")


@pytest.mark.parametrize("key", ["", "no uuid", None])
def test_a_form_without_a_key_is_sent_each_time(cast: Cast, key: Any) -> None:
    assert send_form(cast.admin, key) == send_form(cast.admin, key) == (False, "/jobs/1/")
    assert Job.objects.count() == 2


def test_the_same_form_key_of_two_people_is_two_forms(cast: Cast) -> None:
    key = str(uuid.uuid4())
    assert send_form(cast.admin, key)[0] is False
    assert send_form(cast.auditor, key)[0] is False


def test_a_double_click_does_the_work_once(transactional_db: None, cast: Cast) -> None:
    key, barrier = str(uuid.uuid4()), Barrier(4)

    def click(_number: int) -> tuple[bool, str]:
        try:
            barrier.wait(timeout=10)
            return send_form(cast.admin, key)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        clicks = sorted(pool.map(click, range(4)))
    assert clicks == [(False, "/jobs/1/"), (True, "/jobs/1/"), (True, "/jobs/1/"), (True, "/jobs/1/")]
    assert Job.objects.count() == 1


def test_old_keys_and_receipts_are_forgotten(cast: Cast) -> None:
    for days in (1, 31):
        IdempotencyKey.objects.create(caller=cast.service, key=f"k{days}", route="/", body_hash="x", created_at=NOON - timedelta(days=days))
        FormReceipt.objects.create(user=cast.admin, key=uuid.uuid4(), created_at=NOON - timedelta(days=days - 1, hours=1))
    assert idempotency.forget(at=NOON) == 2
    assert IdempotencyKey.objects.get().key == "k1"
    assert FormReceipt.objects.count() == 1
