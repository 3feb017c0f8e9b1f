"""Pages of messages: masked, of one's own customers, with what a person may do; templates are looked at before they go live."""

import uuid

import pytest
from django.utils.timezone import now as real_now

from crm.lib.errors import Invalid, NotAllowed
from customers import contacts, messages, messages_seeds, outbox, sms_length, template_life, templates
from customers.models import ContactBar, Message, MessageTemplate
from governance import changes
from governance.models import ChangeRequest
from ledger.models import Entry
from tests.fixtures.cast import NOON

pytestmark = pytest.mark.django_db
KIND = templates.declare("test.page", label="A page's word", purpose="service", samples={"word": ("hello", "你好")})


@pytest.fixture(autouse=True)
def _seeded(cast):
    messages_seeds.words(KIND, "sms", body_en="Say {word}", body_zh="说{word}")


@pytest.fixture
def message(cast, customer):
    return messages.send(
        customer=customer,
        template=KIND,
        channel="sms",
        values={"word": "你好"},
        key="k",
        actor=cast.loan_officer,
        at=NOON,
        purpose="service",
    )


@pytest.fixture
def failed(message):
    Message.objects.filter(pk=message.pk).update(status="failed", problem="refused:unknown_number")
    return Message.objects.get(pk=message.pk)


def test_the_panel_shows_what_was_written_and_no_number(page_of, cast, customer, message):
    answer = page_of(cast.loan_officer).get(f"/customers/{customer.public_id}/panels/messages/")
    assert answer.status_code == 200
    assert "A page&#x27;s word" in answer.text
    assert customer.mobile not in answer.text
    assert customer.masked_mobile in answer.text


@pytest.mark.parametrize("path", ["/customers/{customer}/panels/messages/", "/messages/{message}/"])
def test_another_branch_sees_nothing(page_of, cast, customer, message, path):
    address = path.format(customer=customer.public_id, message=message.public_id)
    assert page_of(cast.outsider).get(address).status_code == 404
    assert page_of(cast.loan_officer).get(address).status_code == 200


def test_the_list_is_narrowed_and_takes_few_queries(page_of, cast, make_customer, django_assert_max_num_queries):
    for number in range(30):
        messages.send(
            customer=make_customer(), template=KIND, channel="sms", values={"word": "x"}, key=f"k{number}", actor=cast.loan_officer, at=NOON,
            purpose="service",
        )  # fmt: skip
    client = page_of(cast.collections_supervisor)
    client.get("/messages/")
    with django_assert_max_num_queries(14):
        assert client.get("/messages/").text.count("MS-") >= 30
    assert "MS-" not in page_of(cast.outsider).get("/messages/").text.split("<main")[-1]
    assert client.get("/messages/?show=stuck").status_code == 200


def test_a_supervisor_sends_again_or_gives_up_and_others_may_not(page_of, cast, failed):
    assert page_of(cast.loan_officer).post(f"/messages/{failed.public_id}/again/").status_code == 403
    assert page_of(cast.collections_supervisor).post(f"/messages/{failed.public_id}/again/").status_code == 303
    failed.refresh_from_db()
    assert failed.status == "waiting"
    Message.objects.filter(pk=failed.pk).update(status="parked")
    assert page_of(cast.collections_supervisor).post(f"/messages/{failed.public_id}/give-up/").status_code == 303
    failed.refresh_from_db()
    assert (failed.status, failed.problem) == ("cancelled", "given_up")
    assert page_of(cast.collections_supervisor).post(f"/messages/{failed.public_id}/again/").status_code == 409


def test_the_home_of_a_supervisor_counts_what_waits(page_of, cast, failed):
    from customers.message_views import stuck

    assert stuck(cast.collections_supervisor, NOON)["figure"] == "1"
    assert stuck(cast.west_collector, NOON)["figure"] == "0"
    assert page_of(cast.collections_supervisor).get("/messages/?show=stuck").text.count(failed.public_id) >= 1


def test_a_code_is_never_shown(page_of, cast, customer):
    from customers import one_time_codes

    made = one_time_codes.issue("O-222222222", customer=customer, purpose="accept_offer", at=NOON)
    digits = "".join(sign if sign.isdigit() else " " for sign in made.message.text).split()[0]
    assert digits not in page_of(cast.collections_supervisor).get(f"/messages/{made.message.public_id}/").text


def test_a_stop_is_set_and_lifted_on_the_record(page_of, cast, customer, message, gateway):
    client = page_of(cast.service_agent)
    assert client.post(f"/customers/{customer.public_id}/contact/stop/", {"channel": "sms", "reason": "stop"}).status_code == 303
    assert client.post(f"/customers/{customer.public_id}/contact/stop/", {"channel": "sms", "reason": "stop"}).status_code == 422
    assert not contacts.may_contact(customer, "sms", NOON).allowed
    assert client.post(f"/customers/{customer.public_id}/contact/sms/reopen/").status_code == 303
    assert contacts.may_contact(customer, "sms", NOON).allowed
    assert ContactBar.objects.get().lifted_at
    assert set(Entry.objects.filter(event__startswith="customers.contact.").values_list("event", flat=True)) == {
        "customers.contact.stopped",
        "customers.contact.reopened",
    }


def test_templates_are_looked_at_drafted_and_put_live_by_a_second_person(page_of, cast):
    writer, second = page_of(cast.admin), page_of(cast.compliance)
    address = f"/message-templates/{KIND}/sms/"
    assert "说你好" in writer.get(address).text
    words = {"body_en": "Please say {word}", "body_zh": "请说{word}"}
    looked = writer.post(f"{address}new/", words | {"do": "look"})
    assert "请说你好" in looked.text
    assert "sent as 1 text" in looked.text
    assert MessageTemplate.objects.filter(code=KIND).count() == 1
    assert writer.post(f"{address}new/", words | {"do": "save"}).status_code == 303
    assert "Propose to a second person" in writer.get(f"{address}?version=2").text
    key = str(uuid.uuid4())
    for _time in range(2):  # sent twice, proposed once
        assert writer.post(f"{address}propose/", {"reason": "kinder", "form_key": key}).status_code == 303
    change = ChangeRequest.objects.get(kind="customers.template")
    assert "请说你好" not in writer.get(address).text  # what waits is not said
    with pytest.raises(NotAllowed):
        changes.confirm(change, actor=cast.admin, at=real_now())
    assert "请说{word}" in second.get(f"/admin/changes/{change.public_id}/").text
    changes.confirm(change, actor=cast.compliance, at=real_now())
    page = writer.get(address).text
    assert "请说你好" in page and "approved by" in page
    assert "说你好" in writer.get(f"{address}?version=1").text


def test_what_waits_is_not_written_over_and_a_refused_draft_comes_back(page_of, cast, deliver):
    row = template_life.draft(
        KIND, channel="sms", words={"body_en": "Now {word}", "body_zh": "现在{word}"}, actor=cast.admin, at=real_now()
    )
    change = template_life.propose(row, reason="x", actor=cast.admin, at=real_now())
    answer = page_of(cast.admin).post(f"/message-templates/{KIND}/sms/new/", {"body_en": "{word}", "body_zh": "{word}", "do": "save"})
    assert answer.status_code == 409 or "waits for a second person" in answer.text
    changes.refuse(change, actor=cast.compliance, at=real_now(), answer="unkind")
    deliver()
    row.refresh_from_db()
    assert row.status == "draft"
    assert page_of(cast.admin).post(f"/message-templates/{KIND}/sms/drop/").status_code == 303
    assert page_of(cast.admin).post(f"/message-templates/{KIND}/sms/drop/").status_code == 404
    assert templates.live(KIND, "sms").version == 1


def test_the_words_that_are_live_are_no_draft(cast):
    with pytest.raises(Invalid):
        template_life.draft(KIND, channel="sms", words={"body_en": "Say {word}", "body_zh": "说{word}"}, actor=cast.admin, at=NOON)


def test_what_is_not_declared_is_refused_at_its_field(page_of, cast):
    answer = page_of(cast.admin).post(f"/message-templates/{KIND}/sms/new/", {"body_en": "{name}", "body_zh": "{word}", "do": "save"})
    assert answer.status_code == 422
    assert "{name} is not declared" in answer.text
    assert page_of(cast.admin).get("/message-templates/nothing/sms/").status_code == 404


@pytest.mark.parametrize(
    ("text", "letters", "parts", "wide"),
    [
        ("", 0, 0, False), ("a" * 160, 160, 1, False), ("a" * 161, 161, 2, False), ("a" * 307, 307, 3, False), ("€" * 80, 160, 1, False),
        ("€" * 81, 162, 2, False), ("还" * 70, 70, 1, True), ("还" * 71, 71, 2, True), ("还" * 135, 135, 3, True), ("“quoted”", 8, 1, True),
        ("😀" * 35, 70, 1, True), ("CNY 1,100.16 is due", 19, 1, False),
    ],
)  # fmt: skip
def test_a_text_is_counted_in_the_parts_it_is_paid_for(text, letters, parts, wide):
    assert sms_length.of(text) == sms_length.Length(letters, parts, wide)


def test_the_timeline_tells_it(page_of, cast, customer, message, gateway):
    outbox.send_batch("sms", clock=lambda: NOON)
    assert "sent by SMS" in page_of(cast.loan_officer).get(f"/customers/{customer.public_id}/timeline/").text
