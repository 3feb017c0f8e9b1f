"""Messages leave once: by key, by claim, by the gateway's own count; what cannot be known is parked, what must wait waits."""

import hashlib
import hmac
import json
from datetime import timedelta

import pytest
from django.utils.timezone import now as real_now

from crm.lib.errors import Invalid
from customers import carriers, consents, contacts, messages, messages_seeds, outbox, templates, webhooks
from customers.messages import NoAddress, NoConsent
from customers.models import Consent, ContactAttempt, Message, Purpose
from governance import purposes
from governance.lifecycle import IllegalMove
from governance.models import DataPurpose
from ledger.models import Entry
from tests.fixtures.cast import NOON
from tests.fixtures.outside import RECEIPT_SECRET

pytestmark = pytest.mark.django_db
KIND = templates.declare("test.hello", label="Hello", purpose="service", samples={"word": ("hello", "你好")})
NIGHT = NOON + timedelta(hours=11)  # 23:00 in Shanghai


@pytest.fixture(autouse=True)
def _seeded(cast):
    messages_seeds.words(KIND, "sms", body_en="Say {word}", body_zh="说{word}")
    messages_seeds.words(KIND, "email", subject_en="A word", subject_zh="一句话", body_en="Say {word}", body_zh="说{word}")


@pytest.fixture
def write(cast, customer):
    def write(key="k", channel="sms", to=customer, **changes):
        values = {"template": KIND, "values": {"word": "你好"}, "actor": cast.loan_officer, "at": NOON, "purpose": "service"} | changes
        return messages.send(customer=to, channel=channel, key=key, **values)

    return write


def run(channel="sms", at=NOON):
    return outbox.send_batch(channel, clock=lambda: at)


def fresh(message):
    return Message.objects.select_related("template", "customer").get(pk=message.pk)


def with_end(make_customer, end):
    return make_customer(mobile=f"1380000{end}")


# --- planning ------------------------------------------------------------------------------------------------------
def test_a_key_is_one_message_for_ever(write):
    assert write().pk == write(values={"word": "other"}).pk
    assert Message.objects.count() == 1


def test_the_language_is_the_customers(write, make_customer):
    english = make_customer()
    english.language = "en"
    english.save(update_fields=["language"])
    assert write("zh").text == "说你好"
    assert write("en", to=english).text == "Say 你好"


def test_text_and_address_lie_sealed(write, customer):
    message = write()
    raw = Message.objects.filter(pk=message.pk).values_list("text", "address")[0]
    assert customer.mobile.encode() not in bytes(raw[1])
    assert "说".encode() not in bytes(raw[0])
    assert fresh(message).address == customer.mobile
    assert customer.mobile not in str(list(Entry.objects.values_list("facts", flat=True)))


def test_without_an_address_or_a_value_nothing_is_planned(write):
    with pytest.raises(NoAddress):
        write(channel="email")
    with pytest.raises(KeyError):
        write(values={})
    with pytest.raises(NoConsent):
        write(purpose="marketing")
    assert not Message.objects.exists()


# --- sending -------------------------------------------------------------------------------------------------------
def test_it_is_sent_once_and_counted(write, gateway):
    message = write()
    assert run().sent == 1
    assert run().claimed == 0
    message = fresh(message)
    assert (message.status, message.sent_at) == ("sent", NOON)
    (text,) = gateway.texts(key=message.public_id)
    assert (text["calls"], text["to"], text["text"]) == (1, message.customer.mobile, "说你好")
    assert ContactAttempt.objects.get().message_id == message.pk
    assert list(Entry.objects.filter(event__startswith="customers.message.").order_by("pk").values_list("event", flat=True)) == [
        "customers.message.planned",
        "customers.message.sent",
    ]


def test_mail_goes_by_smtp_with_our_message_id(write, gateway, make_customer):
    message = write(channel="email", to=make_customer(email="Wang@Example.com"))
    assert run("email").sent == 1
    (letter,) = gateway.mails(id=f"<{message.public_id}@lender.invalid>")
    assert (letter["to"], letter["subject"], letter["text"].strip(), letter["copies"]) == ("Wang@example.com", "一句话", "说你好", 1)


def test_batch_after_batch_until_nothing_is_due_and_nobody_is_left_out(write, gateway, make_customer):
    rows = [write(f"k{n}", channel="email", to=make_customer(email=f"many{n}@example.com")) for n in range(outbox.LINES + 3)]
    rows.append(write("text"))
    assert outbox.send_due(clock=lambda: NOON, limit=outbox.LINES + 1).sent == len(rows)
    assert [len(gateway.mails(to=f"many{n}@example.com")) for n in range(outbox.LINES + 3)] == [1] * (outbox.LINES + 3)


def test_one_channel_alone_may_be_asked_for(write, gateway, make_customer):
    text, letter = write("text"), write("mail", channel="email", to=make_customer(email="alone@example.com"))
    assert outbox.send_due(clock=lambda: NOON, channels=["email"]).sent == 1
    assert (fresh(text).status, fresh(letter).status) == ("planned", "sent")


def test_a_night_waits_for_the_morning_and_is_not_lost(write, gateway):
    message = write(at=NIGHT)
    assert run(at=NIGHT).waiting == 1
    message = fresh(message)
    assert (message.status, message.problem) == ("waiting", "contact.hours")
    assert timedelta(hours=9) <= message.due_at - NIGHT < timedelta(hours=10)  # from eight on, not all at eight
    assert run(at=NIGHT + timedelta(hours=8)).claimed == 0
    assert run(at=message.due_at).sent == 1


def test_the_third_of_a_day_waits_for_the_next(write, gateway):
    rows = [write(f"k{number}") for number in range(3)]
    done = run()
    assert (done.sent, done.waiting) == (2, 1)
    last = fresh(rows[2])
    assert last.problem == "contact.per_day"
    assert timedelta(hours=20) <= last.due_at - NOON < timedelta(hours=21)  # the next morning, at a minute of its own


def test_codes_know_no_hour_and_go_first(write, gateway, customer):
    from customers import one_time_codes

    slow = write(at=NIGHT)
    code = one_time_codes.issue("O-222222222", customer=customer, purpose="accept_offer", at=NIGHT)
    outbox.send_batch("sms", clock=lambda: NIGHT, limit=1)
    assert (fresh(code.message).status, fresh(slow).status) == ("sent", "planned")
    assert fresh(code.message).text is None, "a secret that is out is not kept"


def test_a_stopped_channel_fails_with_its_rule(write, gateway, cast, customer):
    message = write()
    contacts.bar(customer, channel="sms", reason="stop", actor=cast.service_agent, at=NOON)
    assert run().failed == 1
    assert fresh(message).problem == "contact.stop"
    assert gateway.texts(key=message.public_id) == []


def test_a_stop_ends_a_channel_and_what_must_be_told_goes_by_the_other(write, gateway, cast, customer, deliver):
    customer.email = "li@example.com"
    customer.save()
    told, asked = write("told"), write("asked", purpose="collection")
    contacts.bar(customer, channel="sms", reason="stop", actor=cast.service_agent, at=NOON)
    assert run().failed == 2
    deliver()
    deliver()
    other = Message.objects.get(channel="email")
    assert (other.key, other.text, other.address, other.subject) == ("told:by:email", fresh(told).text, "li@example.com", "Hello")
    assert not Message.objects.filter(key__startswith=f"{asked.key}:").exists(), "collection is no duty to tell"
    contacts.bar(customer, channel="email", reason="stop", actor=cast.service_agent, at=NOON)
    assert run("email").failed == 1
    deliver()
    assert Message.objects.count() == 3, "no way back and forth"


def test_a_refused_number_fails_and_a_person_may_send_it_again(write, gateway, cast, make_customer):
    message = write(to=with_end(make_customer, "9991"))
    assert run().failed == 1
    message = fresh(message)
    assert message.problem == "refused:unknown_number"
    customer = message.customer
    customer.mobile = "13800001234"
    customer.save()
    messages.send_again(fresh(message), actor=cast.collections_supervisor, at=NOON + timedelta(minutes=1))
    assert run(at=NOON + timedelta(minutes=1)).sent == 1
    (text,) = gateway.texts(key=f"{message.public_id}-1")
    assert text["to"] == "13800001234"


def test_silence_is_asked_again_with_the_same_key(write, gateway, make_customer):
    message = write(to=with_end(make_customer, "9993"))
    assert run().waiting == 1
    later = fresh(message).due_at
    assert run(at=later).sent == 1
    (text,) = gateway.texts(key=message.public_id)
    assert text["calls"] == 2
    assert ContactAttempt.objects.count() == 1, "asked twice is one contact"


def test_without_a_certain_answer_a_text_is_parked_in_the_end(write, settings):
    settings.PORTS = dict(settings.PORTS) | {"sms": "http://127.0.0.1:9/sms"}
    message, at = write(), NOON
    for _attempt in range(carriers.ATTEMPTS):
        run(at=at)
        at = fresh(message).due_at
    assert (fresh(message).status, fresh(message).problem) == ("parked", "no_answer")


def test_a_mail_without_an_answer_is_parked_and_never_sent_again_by_itself(write, gateway, make_customer, monkeypatch):
    from crm.lib.ports import mail

    monkeypatch.setattr(mail.Session.__init__, "__kwdefaults__", {"read_seconds": 0.5})
    message = write(channel="email", to=make_customer(email="x9992@example.com"))
    assert run("email").parked == 1
    assert fresh(message).problem == "unknown_result"
    assert run("email", at=NOON + timedelta(days=1)).claimed == 0
    outbox.recover(at=NOON + timedelta(days=1))
    assert fresh(message).status == "parked"
    (letter,) = gateway.mails(to="x9992@example.com")
    assert letter["copies"] == 1


def test_a_mail_that_was_put_off_goes_later(write, gateway, make_customer):
    message = write(channel="email", to=make_customer(email="y9993@example.com"))
    assert run("email").waiting == 1
    assert run("email", at=fresh(message).due_at).sent == 1


def test_a_row_that_does_not_open_holds_nobody_up(write, gateway, make_customer):
    broken, whole = write("broken"), write("whole", to=make_customer())
    Message.objects.filter(pk=broken.pk).update(text=b"\x01" + bytes(60))
    done = run()
    assert (done.failed, done.sent) == (1, 1)
    assert (fresh(broken).problem, fresh(whole).status) == ("cannot_open", "sent")


def test_a_message_reads_the_person_for_its_purpose(write, gateway, cast, make_customer):
    agreed, regretting = make_customer(), make_customer()
    sent = {}
    for person in (agreed, regretting):
        consents.give(person, purpose=Purpose.MARKETING, actor=cast.loan_officer, at=NOON)
        sent[person] = write(str(person.pk), to=person, purpose="marketing")
    Consent.objects.filter(customer=regretting).update(withdrawn_at=NOON)  # as if between planning and sending
    count = run()
    assert (count.sent, count.cancelled) == (1, 1)
    assert fresh(sent[regretting]).problem == "no_consent"
    refused = Entry.objects.get(event="governance.use.refused")
    assert (refused.customer_id, refused.facts["consent"]) == (regretting.pk, "marketing")


def test_for_a_purpose_that_was_ended_nothing_is_sent(write, gateway):
    message = write()
    DataPurpose.objects.filter(code="service").update(is_active=False)
    purposes.forget()
    assert run().failed == 1
    purposes.forget()
    assert fresh(message).problem == "unlawful_use"


def test_no_port_no_loss(write, settings):
    settings.PORTS = dict(settings.PORTS) | {"sms": ""}
    message = write()
    assert run().waiting == 1
    assert fresh(message).problem == "port_off"


# --- a sender that died --------------------------------------------------------------------------------------------
def test_a_text_whose_sender_died_is_asked_again_with_its_key(write, gateway):
    message = write()
    outbox.claim("sms", at=NOON, limit=10, count=outbox.Count())
    assert outbox.recover(at=NOON + timedelta(minutes=4)).moved == 0
    later = NOON + timedelta(minutes=6)
    assert outbox.recover(at=later).waiting == 1
    assert run(at=later).sent == 1
    assert gateway.texts(key=message.public_id)[0]["calls"] == 1


def test_a_mail_is_parked_only_if_it_had_begun_to_leave(write, gateway, make_customer):
    begun, untouched = (write(key, channel="email", to=make_customer(email=f"{key}@example.com")) for key in ("a", "b"))
    outbox.claim("email", at=NOON, limit=10, count=outbox.Count())
    Message.objects.filter(pk=begun.pk).update(tried_at=NOON)
    outbox.recover(at=NOON + timedelta(minutes=6))
    assert (fresh(begun).status, fresh(untouched).status) == ("parked", "waiting")


def test_who_lost_the_claim_tells_nothing(write, gateway):
    message = write()
    count = outbox.Count()
    ready = outbox.claim("sms", at=NOON, limit=10, count=count)
    outbox.recover(at=NOON + timedelta(minutes=6))
    outbox.settle([carriers.Outcome(ready[0], "sent", receipt="late")], at=NOON + timedelta(minutes=7), count=count)
    assert (fresh(message).status, count.sent) == ("waiting", 0)


# --- by a person ---------------------------------------------------------------------------------------------------
def test_what_is_out_cannot_be_taken_back(write, gateway, cast):
    message = write()
    run()
    with pytest.raises(IllegalMove):
        messages.cancel(fresh(message), reason="given_up", actor=cast.collections_supervisor, at=NOON)
    with pytest.raises(IllegalMove):
        messages.send_again(fresh(message), actor=cast.collections_supervisor, at=NOON)


def test_a_parked_text_keeps_its_key_and_its_words(write, settings, cast, gateway):
    message = write()
    Message.objects.filter(pk=message.pk).update(
        status="parked", claimed_at=NOON, address=Message.objects.get(pk=message.pk).__dict__["address"]
    )
    messages.send_again(fresh(message), actor=cast.collections_supervisor, at=NOON)
    assert messages.wire_key(fresh(message)) == message.public_id


def test_a_code_is_never_sent_again(cast, customer):
    from customers import one_time_codes

    code = one_time_codes.issue("O-222222222", customer=customer, purpose="accept_offer", at=NOON)
    Message.objects.filter(pk=code.message_id).update(status="failed")
    with pytest.raises(Invalid):
        messages.send_again(fresh(code.message), actor=cast.collections_supervisor, at=NOON)


# --- receipts ------------------------------------------------------------------------------------------------------
def told(client, settings, *, key, status="delivered", secret=RECEIPT_SECRET, moment=None, code=""):
    settings.RECEIPT_SECRET = RECEIPT_SECRET
    body = json.dumps({"key": key, "status": status, "code": code}).encode()
    stamp = str(int(moment if moment is not None else real_now().timestamp()))
    signature = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return client.post(
        "/api/receipts/sms/", body, content_type="application/json", headers={"X-Timestamp": stamp, "X-Signature": signature}
    )


def test_a_signed_receipt_is_believed_once(write, gateway, client, settings):
    message = write()
    run()
    moment = real_now().timestamp()
    answers = [told(client, settings, key=message.public_id, moment=moment - after).json() for after in (0, 0, 1)]
    assert [answer.get("result") or answer["code"] for answer in answers] == ["delivered", "replayed", "known"]  # the last one signed anew
    assert told(client, settings, key=message.public_id, status="failed").json()["result"] == "known"
    assert fresh(message).status == "delivered"
    assert Entry.objects.filter(event="customers.message.delivered").count() == 1


def test_an_undelivered_text_has_failed(write, gateway, client, settings):
    message = write()
    run()
    told(client, settings, key=message.public_id, status="failed", code="absent")
    assert (fresh(message).status, fresh(message).problem) == ("failed", "undelivered:absent")


@pytest.mark.parametrize(
    "how",
    [
        {"secret": "another"},
        {"moment": lambda: 0},
        {"moment": lambda: real_now().timestamp() - 301},
        {"moment": lambda: real_now().timestamp() + 900},
    ],
)
def test_what_is_not_signed_or_old_is_refused(write, gateway, client, settings, how):
    message = write()
    run()
    if "moment" in how:
        how = how | {"moment": how["moment"]()}  # now, not when the tests were collected
    assert told(client, settings, key=message.public_id, **how).status_code == 403
    assert fresh(message).status == "sent"


def test_without_a_secret_nothing_is_believed(settings):
    settings.RECEIPT_SECRET = ""
    body, stamp = b"{}", str(int(NOON.timestamp()))
    signature = hmac.new(b"", stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    with pytest.raises(webhooks.BadSignature):
        webhooks.verify(body, moment=stamp, signature=signature, at=NOON)


def test_a_receipt_that_overtakes_its_sender_settles_for_it(write, gateway, client, settings):
    message = write()
    ready = outbox.claim("sms", at=NOON, limit=10, count=outbox.Count())
    assert told(client, settings, key=message.public_id).json()["result"] == "delivered"
    count = outbox.Count()
    outbox.settle(carriers.carry_texts(ready, at=NOON), at=NOON, count=count)
    assert (fresh(message).status, count.sent) == ("delivered", 0)
    assert [Entry.objects.filter(event=f"customers.message.{name}").count() for name in ("sent", "delivered")] == [1, 1]


def test_a_receipt_finds_what_a_dead_sender_held(write, gateway, client, settings):
    message = write()
    carriers.carry_texts(outbox.claim("sms", at=NOON, limit=10, count=outbox.Count()), at=NOON)  # and died before it wrote that down
    outbox.recover(at=NOON + timedelta(minutes=6))
    assert fresh(message).status == "waiting"
    assert told(client, settings, key=message.public_id).json()["result"] == "delivered"
    run(at=NOON + timedelta(minutes=7))
    assert (fresh(message).status, len(gateway.texts(key=message.public_id))) == ("delivered", 1)


def test_unknown_keys_and_broken_bodies(client, settings, db):
    assert told(client, settings, key="MS-NOBODY").status_code == 404
    assert told(client, settings, key="\0").status_code == 404
    assert told(client, settings, key="MS-1", status="lost").status_code == 422


# --- templates -----------------------------------------------------------------------------------------------------
def publish(cast, **words):
    return templates.publish(KIND, channel="sms", words={"body_en": "Say {word}", "body_zh": "说{word}"} | words, actor=cast.admin, at=NOON)


def test_a_new_version_retires_the_one_before_and_messages_keep_theirs(write, cast):
    message = write()
    second = publish(cast, body_zh="请说{word}")
    assert (second.version, second.status) == (2, "live")
    assert fresh(message).template.status == "retired"
    assert write("k2").text == "请说你好"
    assert publish(cast, body_zh="请说{word}").pk == second.pk, "the same words are the same version"


@pytest.mark.parametrize(
    "words", [{"body_en": ""}, {"body_zh": "说{name}"}, {"body_en": "Say {word} {"}, {"body_en": "x" * 301}, {"body_en": "Say it"}]
)
def test_words_are_checked_against_what_is_declared(cast, words):
    with pytest.raises(templates.CannotBeSaid):
        publish(cast, **words)
    assert templates.live(KIND, "sms").version == 1
