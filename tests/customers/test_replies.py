"""What customers answer: heard once, a stop carried out at once, somebody else's number barred, the rest on a list for a person."""

import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now as real_now

from customers import contacts, messages, messages_seeds, outbox, replies, reply_words, templates
from customers.models import Activity, BarredNumber, ContactBar, Message, MessageChannel, Reply
from ledger.models import Entry
from tests.credit.test_races import together
from tests.fixtures.cast import NOON
from tests.fixtures.outside import RECEIPT_SECRET

pytestmark = pytest.mark.django_db
TOLD = templates.declare("test.told", label="A notice", purpose="service", samples={"word": ("hello", "你好")})
WORDS = {row["code"]: row["value"] for row in reply_words.shipped()}


@pytest.fixture(autouse=True)
def _seeded(cast: Any) -> None:
    messages_seeds.words(TOLD, "sms", body_en="Say {word}", body_zh="说{word}")


@pytest.fixture
def write(cast: Any, customer: Any) -> Any:
    def write(key: str = "k", to: Any = customer, purpose: str = "reminder", **more: Any) -> Message:
        told = {"template": TOLD, "values": {"word": "你好"}, "actor": cast.loan_officer, "at": NOON} | more
        return messages.send(customer=to, channel="sms", key=key, purpose=purpose, **told)

    return write


def heard(customer: Any, text: str, external_id: str = "R-1", **more: Any) -> Reply:
    values = {"channel": "sms", "sender": customer.mobile, "at": NOON} | more
    return replies.hear(external_id=external_id, text=text, **values)


def post(client: Any, settings: Any, body: Any, *, channel: str = "sms", secret: str = RECEIPT_SECRET, before: int = 0) -> Any:
    settings.RECEIPT_SECRET = RECEIPT_SECRET
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    stamp = str(int(real_now().timestamp()) - before)
    signature = hmac.new(secret.encode(), stamp.encode() + b"." + data, hashlib.sha256).hexdigest()
    headers = {"X-Timestamp": stamp, "X-Signature": signature}
    return client.post(f"/api/replies/{channel}/", data, content_type="application/json", headers=headers)


# --- what an answer says -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("STOP", "stop"), ("stop.", "stop"), ("s t o p", "stop"), ("Ｔ　Ｄ", "stop"), ("退 订", "stop"), ("退訂", "stop"),
        (" Stop please ", "stop"), ("T", "stop"), ("td", "stop"), ("ＴＤ", "stop"), ("退订", "stop"),
        ("我要退订", "stop"), ("unsubscribe", "stop"), ("please stop texting me", "stop"), ("不要再发短信了", "stop"), ("Opt-out", "stop"),
        ("I stopped by the bank and paid", "other"), ("End of month I pay the rest", "other"), ("取消自动扣款可以吗", "other"),
        ("Tomorrow", "other"), ("", "other"), ("START", "start"), ("恢复", "start"), ("wrong number", "wrong"), ("您发错了，我不是本人", "wrong"),
        ("I have already paid", "paid"), ("已还款", "paid"), ("wrong number, stop texting", "stop"), ("你们几点上班", "other"),
    ],
)  # fmt: skip
def test_an_answer_is_read_by_the_words_of_the_rule_book(text: str, kind: str) -> None:
    assert reply_words.kind_of(text, channel="sms", words=WORDS) == kind


def test_a_mail_is_read_above_the_letter_it_quotes() -> None:
    quoted = "When is it due?\n\nOn Mon 3 Nov, the lender wrote:\n> Answer unsubscribe to get no more mails"
    assert reply_words.kind_of(quoted, channel="email", words=WORDS) == "other"
    assert reply_words.kind_of("unsubscribe\n> hello", channel="email", words=WORDS) == "stop"


# --- a stop ------------------------------------------------------------------------------------------------------------------
def test_a_stop_ends_the_channel_at_once_and_is_confirmed_once(write: Any, customer: Any, gateway: Any) -> None:
    reminder = write("reminder")
    assert heard(customer, "TD").kind == "stop"
    assert ContactBar.objects.get(customer=customer).channel == "sms"
    reminder.refresh_from_db()
    assert (reminder.status, reminder.problem) == ("cancelled", "stopped")
    heard(customer, "STOP", "R-2")  # said again: nothing more to confirm
    (confirmation,) = Message.objects.filter(purpose="confirm")
    assert outbox.send_batch("sms", clock=lambda: NOON + timedelta(hours=11)).sent == 1  # by night too: it was asked for
    (text,) = gateway.texts(key=confirmation.public_id)
    assert "已为您停止短信" in text["text"]
    answer = contacts.may_contact(customer, "sms", NOON)
    assert (answer.allowed, answer.rule) == (False, "contact.stop")
    assert contacts.may_contact(customer, "call", NOON).allowed  # a channel ends, not every contact


@pytest.mark.django_db(transaction=True)
def test_a_stop_said_twice_at_once_is_heard_twice_and_stops_once(customer: Any) -> None:
    found = together(*[lambda n=n: heard(customer, "STOP", f"R-{n}") for n in range(3)])
    assert [getattr(row, "kind", row) for row in found] == ["stop"] * 3
    assert (ContactBar.objects.count(), Reply.objects.count()) == (1, 3)
    assert Message.objects.filter(purpose="confirm").count() == 1


def test_what_has_to_be_told_goes_another_way(write: Any, make_customer: Any) -> None:
    customer = make_customer(email="told@example.com")
    notice, reminder = write("notice", to=customer, purpose="service"), write("reminder", to=customer)
    heard(customer, "退订")
    instead = Message.objects.get(key="notice:by:email")
    assert (instead.channel, instead.text, instead.status) == ("email", notice.text, "planned")
    assert {Message.objects.get(pk=each.pk).status for each in (notice, reminder)} == {"cancelled"}
    assert not Message.objects.filter(key__startswith="reminder:").exists()


def test_a_stop_holds_for_every_file_with_the_number_and_is_lifted_by_a_word(make_customer: Any) -> None:
    both = [make_customer(mobile="13800007777") for _time in range(2)]
    heard(both[0], "STOP")
    assert ContactBar.objects.filter(customer__in=both, channel="sms", reason="stop").count() == 2
    heard(both[0], "恢复", "R-2")
    assert not ContactBar.objects.filter(lifted_at__isnull=True).exists()


@pytest.mark.parametrize("written", ["+86{}", "0086 {}", "86{}", "+86-{}", "full"])
def test_a_stop_is_heard_however_the_gateway_writes_the_number(customer: Any, written: str) -> None:
    wide = str.maketrans("0123456789", "０１２３４５６７８９")
    sender = customer.mobile.translate(wide) if written == "full" else written.format(customer.mobile)
    row = heard(customer, "退订", sender=sender)
    assert (row.customer, row.number_key) == (customer, customer.mobile_key)
    assert not contacts.may_contact(customer, "sms", NOON).allowed


def test_what_another_reason_stopped_no_word_opens(customer: Any, cast: Any) -> None:
    contacts.bar(customer, channel="sms", reason="vulnerable", actor=cast.collector, at=NOON)
    heard(customer, "START")
    assert ContactBar.objects.filter(lifted_at__isnull=True).exists()


@pytest.mark.parametrize(
    ("channel", "text", "kind"),
    [
        ("app", "退订", "stop"), ("app", "STOP", "stop"), ("app", "please stop messaging me", "stop"), ("app", "几点上班", "other"),
        ("ivr", "退订", "stop"), ("ivr", "请不要再打给我了", "stop"), ("ivr", "please stop calling me", "stop"), ("ivr", "STOP", "stop"),
        ("ivr", "我停一下再说", "other"), ("app", "恢复", "start"), ("ivr", "打错了", "wrong"),
    ],
)  # fmt: skip
def test_a_stop_has_its_words_on_every_channel(channel: str, text: str, kind: str) -> None:
    assert reply_words.kind_of(text, channel=channel, words=WORDS) == kind


def test_every_channel_of_messages_has_words_for_a_stop() -> None:
    wanted = {
        f"reply.stop_{how}.{channel}.{language}"
        for how in ("whole", "within")
        for channel in MessageChannel.values
        for language in ("zh", "en")
    }
    assert wanted <= set(WORDS)


def test_a_stop_in_the_app_ends_the_app_for_the_file_it_names(customer: Any, make_customer: Any) -> None:
    make_customer()
    row = heard(customer, "退订", channel="app", sender=customer.public_id)
    assert (row.customer, row.kind, row.status) == (customer, "stop", "done")
    assert [(bar.customer, bar.channel) for bar in ContactBar.objects.all()] == [(customer, "app")]
    assert row.number_key is None
    heard(customer, "恢复", "R-2", channel="app", sender=customer.public_id)
    assert contacts.may_contact(customer, "app", NOON).allowed


def test_a_stop_to_an_automatic_call_ends_calls_for_every_file_with_the_number(make_customer: Any) -> None:
    both = [make_customer(mobile="13800007777") for _time in range(2)]
    row = heard(both[0], "不要再打了", channel="ivr")
    assert {(bar.customer_id, bar.channel) for bar in ContactBar.objects.all()} == {(each.pk, "call") for each in both}
    assert row.number_key == both[0].mobile_key
    assert [contacts.may_contact(both[1], way, NOON).allowed for way in ("call", "sms")] == [False, True]
    heard(both[0], "不要再打了", "R-2", channel="ivr")  # said again
    heard(both[0], "START", "R-3", channel="ivr")
    assert contacts.may_contact(both[1], "call", NOON).allowed


def test_who_was_called_by_mistake_bars_the_number_by_telephone_too(customer: Any) -> None:
    heard(customer, "打错了", channel="ivr")
    assert BarredNumber.objects.get().number_key == customer.mobile_key


@pytest.mark.parametrize(
    ("channel", "sender"), [("email", "somebody@example.com"), ("sms", "19900000000"), ("app", "C-NOBODY"), ("ivr", "19900000000")]
)
def test_a_stop_of_nobody_we_know_waits_on_the_list_of_whoever_sees_to_answers(
    channel: str, sender: str, page_of: Any, cast: Any, customer: Any
) -> None:
    row = heard(customer, "STOP", channel=channel, sender=sender)
    assert (row.customer, row.kind, row.status) == (None, "stop", "open")
    browser = page_of(cast.service_agent)
    listed, page = browser.get("/replies/").text, browser.get(f"/replies/{row.public_id}/").text
    assert row.public_id in listed and "a sender in no file" in listed
    assert "Find out who it is" in page and "is stopped, and what waited" not in page
    assert channel == "app" or sender not in listed + page
    assert browser.post(f"/replies/{row.public_id}/read/").status_code == 303
    assert row.public_id not in browser.get("/replies/").text


# --- somebody else's number --------------------------------------------------------------------------------------------------
def test_somebody_elses_number_is_barred_everywhere_and_looked_after(write: Any, customer: Any) -> None:
    waiting = write()
    assert heard(customer, "发错了，我不认识这个人").kind == "wrong"
    assert BarredNumber.objects.get().number_key == customer.mobile_key
    assert [contacts.may_contact(customer, way, NOON).allowed for way in ("sms", "call", "email")] == [False, False, True]
    assert Message.objects.get(pk=waiting.pk).problem == "wrong_number"
    task = Activity.objects.get(customer=customer)
    assert (task.kind, task.status) == ("task", "open")
    assert not Message.objects.filter(purpose="confirm").exists()  # somebody else is told nothing


def test_the_number_they_answered_from_is_barred_not_the_one_filed_since(write: Any, customer: Any) -> None:
    message = write()
    old = customer.mobile
    customer.mobile = "13811110000"
    customer.save()
    heard(customer, "wrong number", sender=old, in_reply_to=message.public_id)
    assert contacts.may_contact(customer, "sms", NOON).allowed
    assert BarredNumber.objects.count() == 1


# --- the rest ----------------------------------------------------------------------------------------------------------------
def test_the_rest_waits_for_a_person_masked(page_of: Any, cast: Any, customer: Any, write: Any) -> None:
    write()
    row = heard(customer, "我已还款，卡号6222020000001234")
    browser = page_of(cast.service_agent)
    page = browser.get("/replies/").text
    assert "我已还款" in page
    assert "6222020000001234" not in page
    assert customer.mobile not in page
    assert "6222020000001234" not in browser.get(f"/replies/{row.public_id}/").text
    assert "Says it was paid" in browser.get(f"/customers/{customer.public_id}/timeline/").text
    assert page_of(cast.outsider).get(f"/replies/{row.public_id}/").status_code == 404
    assert browser.post(f"/replies/{row.public_id}/read/").status_code == 303
    assert "我已还款" not in browser.get("/replies/").text
    assert browser.post(f"/replies/{row.public_id}/read/").status_code == 409
    assert customer.mobile not in str(list(Entry.objects.values_list("facts", flat=True)))


def test_the_list_takes_few_queries(page_of: Any, cast: Any, make_customer: Any, django_assert_max_num_queries: Any) -> None:
    for number in range(12):
        heard(make_customer(), "几点上班", f"R-{number}")
    browser = page_of(cast.service_agent)
    browser.get("/replies/")
    with django_assert_max_num_queries(25):
        browser.get("/replies/")


# --- the webhook -------------------------------------------------------------------------------------------------------------
def test_a_signed_answer_is_heard_once(client: Any, settings: Any, customer: Any) -> None:
    body = {"id": "G-1", "from": customer.mobile, "text": "几点上班"}
    assert post(client, settings, body).json() == {"result": "other"}
    for before in (0, 2):  # played back as it was, and signed anew
        again = post(client, settings, body, before=before)
        assert (again.status_code, again.json()["code"]) == (409, "replayed")
    changed = post(client, settings, body | {"text": "STOP"})
    assert (changed.status_code, changed.json()["code"]) == (409, "replayed")
    assert Reply.objects.count() == 1
    assert not ContactBar.objects.exists()


@pytest.mark.parametrize("more", [{"secret": "another"}, {"before": 600}, {"before": -600}])
def test_a_wrong_or_old_signature_is_refused_by_name(client: Any, settings: Any, customer: Any, more: dict[str, Any]) -> None:
    answer = post(client, settings, {"id": "G-1", "from": customer.mobile, "text": "STOP"}, **more)
    assert (answer.status_code, answer.json()["code"]) == (403, "bad_signature")
    assert not Reply.objects.exists()


def test_an_unknown_number_is_kept_and_does_no_harm(client: Any, settings: Any) -> None:
    assert post(client, settings, {"id": "G-1", "from": "13900000001", "text": "STOP"}).json() == {"result": "kept"}
    row = Reply.objects.get()
    assert (row.customer, row.status, row.text) == (None, "open", "STOP"), "a person finds out who it is"
    assert not ContactBar.objects.exists() and not Message.objects.exists()


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b"\xff", {"id": "G"}, {"id": "G", "from": "1", "text": ""}, {"id": "G", "from": "1", "text": 5}, {"id": "", "from": "1", "text": "x"},
     {"id": "x" * 101, "from": "1", "text": "x"}, {"id": "G", "from": "\x00", "text": "x"}, {"id": "G", "from": "1", "text": "x" * 2001}, b"x" * 20_000,
     b'{"id": "\\ud800", "from": "1", "text": "x"}', b'{"id": "G", "from": "\\ud800", "text": "x"}', b'{"id": "G", "from": "1", "text": "\\udfff"}'],
)  # fmt: skip
def test_bad_input_is_refused_in_words(client: Any, settings: Any, body: Any) -> None:
    answer = post(client, settings, body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert answer.json()["detail"] and not Reply.objects.exists()


def test_a_way_that_does_not_exist_is_refused(client: Any, settings: Any) -> None:
    assert post(client, settings, {"id": "G", "from": "1", "text": "x"}, channel="fax").status_code == 422
