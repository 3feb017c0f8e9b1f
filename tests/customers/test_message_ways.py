"""What cannot be delivered goes by another way, once each; gateways are used at their own rate; messages are spread over the hours."""

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crm.lib import rates
from customers import contact_policy, contacts, message_ways, messages, messages_seeds, outbox, receipts, send_times, templates
from customers.models import Activity, ContactAttempt, Message
from sandbox.messages import most_within
from tests.fixtures.cast import NOON

pytestmark = pytest.mark.django_db
TOLD = templates.declare("test.ways", label="A notice", purpose="service", samples={"word": ("hello", "你好")})
READ = templates.declare("test.read_out", label="Read out", purpose="collection", samples={"word": ("hello", "你好")})


@pytest.fixture(autouse=True)
def _seeded(cast: Any) -> None:
    messages_seeds.words(TOLD, "sms", body_en="Say {word}", body_zh="说{word}")
    messages_seeds.words(READ, "ivr", body_en="Say {word}", body_zh="说{word}")
    messages_seeds.words(READ, "app", body_en="Say {word}", body_zh="说{word}")


@pytest.fixture
def write(cast: Any, customer: Any) -> Any:
    def write(
        key: str = "k", channel: str = "sms", to: Any = customer, purpose: str = "service", template: str = TOLD, **more: Any
    ) -> Message:
        told = {"values": {"word": "你好"}, "actor": cast.loan_officer, "at": NOON} | more
        return messages.send(customer=to, template=template, channel=channel, key=key, purpose=purpose, **told)

    return write


def run(channel: str = "sms", at: Any = NOON) -> Any:
    return outbox.send_batch(channel, clock=lambda: at)


def fresh(message: Message) -> Message:
    return Message.objects.get(pk=message.pk)


# --- another way -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("purpose", ["service", "reminder", "collection"])
def test_a_number_that_is_none_goes_by_mail_once(write: Any, gateway: Any, make_customer: Any, deliver: Any, purpose: str) -> None:
    message = write(to=make_customer(mobile="13800009991", email=f"{purpose}@example.com"), purpose=purpose)
    assert run().failed == 1
    deliver()
    other = Message.objects.get(instead_of=message)
    assert (other.channel, other.text, fresh(message).problem) == ("email", "说你好", "other_way")
    assert message_ways.by_another_way(fresh(message), at=NOON) is None  # what was tried is not tried again
    assert run("email").sent == 1
    assert len(gateway.mails(to=f"{purpose}@example.com")) == 1
    assert gateway.texts(key=message.public_id) == []
    assert not Activity.objects.exists()


def test_a_receipt_that_says_undelivered_goes_by_another_way_too(write: Any, gateway: Any, make_customer: Any, deliver: Any) -> None:
    message = write(to=make_customer(email="undelivered@example.com"))
    run()
    receipts.heard(key=message.public_id, status="failed", code="absent", at=NOON)
    deliver()
    assert Message.objects.get(instead_of=message).channel == "email"


def test_without_a_way_left_one_task_for_a_person(write: Any, gateway: Any, make_customer: Any, deliver: Any) -> None:
    lost = make_customer(mobile="13800019991")
    for key in ("one", "two"):
        write(key, to=lost)
    assert run().failed == 2
    deliver()
    deliver()
    (task,) = Activity.objects.filter(customer=lost)
    assert (task.kind, task.status) == ("task", "open")
    assert not Message.objects.filter(instead_of__isnull=False).exists()
    assert set(Message.objects.values_list("status", flat=True)) == {"failed"}  # and they wait on the supervisor's list


def test_what_is_only_for_now_is_tried_again_by_the_same_way(write: Any, gateway: Any, make_customer: Any, deliver: Any) -> None:
    message = write(to=make_customer(mobile="13800009993", email="now@example.com"))
    assert run().waiting == 1
    deliver()
    assert not Message.objects.filter(instead_of=message).exists()
    assert run(at=fresh(message).due_at).sent == 1


@pytest.mark.parametrize("purpose", ["code", "marketing", "confirm"])
def test_what_need_not_arrive_is_left(purpose: str) -> None:
    assert not message_ways.for_good("refused:unknown_number", purpose)


def test_a_stopped_way_is_no_way(write: Any, gateway: Any, make_customer: Any, cast: Any, deliver: Any) -> None:
    lost = make_customer(mobile="13800029991", email="stopped@example.com")
    contacts.bar(lost, channel="email", reason="stop", actor=cast.service_agent, at=NOON)
    message = write(to=lost)
    run()
    deliver()
    assert not Message.objects.filter(instead_of=message).exists()
    assert Activity.objects.filter(customer=lost).count() == 1


def test_two_workers_that_hear_of_a_failure_plan_one_message(write: Any, gateway: Any, make_customer: Any) -> None:
    message = write(to=make_customer(mobile="13800039991", email="twice@example.com"))
    run()
    first = message_ways.after_failure(fresh(message), at=NOON)
    assert message_ways.after_failure(fresh(message), at=NOON) is None
    assert list(Message.objects.filter(instead_of=message)) == [first]


# --- the app and the robot -----------------------------------------------------------------------------------------------------
@pytest.fixture
def robot(gateway: Any, settings: Any) -> Any:
    settings.PORTS = dict(settings.PORTS) | {"app": f"{gateway.url}/app", "ivr": f"{gateway.url}/ivr"}
    return gateway


def test_a_message_in_the_app_names_nobody_outside(write: Any, robot: Any, customer: Any) -> None:
    message = write(channel="app", template=READ, purpose="collection")
    assert run("app").sent == 1
    (taken,) = robot.ask(f"/app?key={message.public_id}")["messages"]
    assert (taken["to"], taken["text"]) == (customer.public_id, "说你好")
    assert ContactAttempt.objects.get().channel == "app"


@pytest.mark.parametrize(("status", "connected"), [("delivered", True), ("failed", False)])
def test_an_automatic_call_counts_as_a_call_and_as_answered_when_it_was(write: Any, robot: Any, status: str, connected: bool) -> None:
    message = write(channel="ivr", template=READ, purpose="collection")
    assert run("ivr").sent == 1
    attempt = ContactAttempt.objects.get()
    assert (attempt.channel, attempt.connected) == ("call", False)
    assert attempt.open_until is not None  # until its end is told it holds one of the day's three
    receipts.heard(key=message.public_id, status=status, code="no_answer", at=NOON)
    attempt.refresh_from_db()
    assert (attempt.connected, attempt.open_until) == (connected, None)


def test_a_robot_makes_no_fourth_call(write: Any, robot: Any, customer: Any) -> None:
    for number in range(3):
        contacts.record(customer, channel="call", at=NOON - timedelta(minutes=number), key=f"c{number}", connected=True)
    message = write(channel="ivr", template=READ, purpose="collection")
    assert run("ivr").waiting == 1
    assert fresh(message).problem == contact_policy.CONNECTED


# --- rates -----------------------------------------------------------------------------------------------------------------
SENDER = """
import sys, time, os, urllib.request, json
import django
django.setup()
from datetime import datetime, UTC
from django.conf import settings
settings.GATEWAY_RATES = {"test": sys.argv[1]}
settings.PORTS = {"sms": sys.argv[2]}
from crm.lib import rates
from crm.lib.ports import sms
for number in range(int(sys.argv[3])):
    with rates.slot("test"):
        sms.send(to="13800000000", text="x", key=f"{sys.argv[4]}-{number}", at=datetime.now(UTC))
"""


def test_processes_share_a_gateways_rate(outside: Any) -> None:
    """Three processes with twenty messages each, twenty a second allowed: the gateway never sees more than that in any second."""
    from sandbox import messages as box
    from sandbox.payouts import Payouts
    from sandbox.server import serve

    texts = box.Texts()
    server = serve("127.0.0.1", 0, Payouts(None), texts)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/sms"
    began = time.monotonic()
    own = [sys.executable, "-c", SENDER, "20/1/4", url, "20"]
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "crm.settings"}
    senders = [subprocess.Popen([*own, f"p{number}-{began}"], env=env) for number in range(3)]
    assert [sender.wait(120) for sender in senders] == [0, 0, 0]
    server.shutdown()
    assert texts.taken == 60
    # One more than the rate may fall into a second by the jitter of the way; a window of the old kind would let forty through.
    assert most_within(list(texts.moments), 1.0) <= 22
    assert most_within(list(texts.moments), 2.0) <= 42


def test_threads_keep_to_what_may_be_under_way_at_once(settings: Any) -> None:
    settings.GATEWAY_RATES = {"narrow": "1000/1000/2"}
    under_way: list[int] = []
    now_in, lock = Counter[str](), threading.Lock()

    def call() -> None:
        with rates.slot("narrow"):
            with lock:
                now_in["n"] += 1
                under_way.append(now_in["n"])
            time.sleep(0.01)
            with lock:
                now_in["n"] -= 1

    threads = [threading.Thread(target=call) for _thread in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(under_way) == 12
    assert max(under_way) <= 2


def test_who_finds_no_place_waits_and_nothing_is_sent(write: Any, gateway: Any, settings: Any, monkeypatch: Any) -> None:
    settings.GATEWAY_RATES = dict(settings.GATEWAY_RATES) | {"sms": "1/1/1"}
    monkeypatch.setattr(rates.slot.__wrapped__, "__kwdefaults__", {"patience": 0.05})
    message = write()
    with rates.slot("sms", patience=5):
        assert run().waiting == 1
    assert (fresh(message).problem, gateway.texts(key=message.public_id)) == ("gateway_busy", [])
    assert run(at=fresh(message).due_at).sent == 1


@pytest.mark.parametrize("text", ["0/1/1", "1/0/1", "1/1", "fast"])
def test_a_rate_is_three_whole_numbers(text: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        rates.parsed(text)


# --- the minute --------------------------------------------------------------------------------------------------------------
def test_a_customer_has_one_minute_a_day_and_all_of_them_lie_evenly() -> None:
    day = date(2026, 4, 29)
    found = Counter(send_times.offset(pk, day, 60) for pk in range(6_000))
    assert set(found) == set(range(60))
    assert max(found.values()) < 160  # 100 on the average
    assert send_times.offset(7, day, 60) == send_times.offset(7, day, 60) != send_times.offset(7, day + timedelta(days=1), 60)


def test_the_best_hour_is_taken_while_it_is_to_come() -> None:
    zone = ZoneInfo("Asia/Shanghai")
    at = NOON.astimezone(zone).replace(hour=9, minute=0)
    assert send_times.moment(7, after=at, zone=zone, minutes=60, best=19).hour == 19
    assert at <= send_times.moment(7, after=at, zone=zone, minutes=60, best=8) < at + timedelta(hours=1)


def test_what_waits_for_the_morning_leaves_spread(write: Any, gateway: Any, make_customer: Any) -> None:
    night = NOON + timedelta(hours=11)
    people = [make_customer() for _person in range(12)]
    for number, person in enumerate(people):
        write(f"n{number}", to=person)
    assert run(at=night).waiting == 12
    due = sorted(Message.objects.values_list("due_at", flat=True))
    assert len(set(due)) > 6
    assert night + timedelta(hours=9) <= due[0] <= due[-1] < night + timedelta(hours=10)
