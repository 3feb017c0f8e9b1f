"""Half an hour after midnight where the lender is, while it is still yesterday in UTC: it is the lender's day that counts."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from collection import contact_rules, hardship, replays
from collection.models import Complaint, Contact
from crm.lib.errors import Invalid
from customers import consents, messages, messages_seeds, replies, templates
from customers.models import Consent
from governance import rules
from governance.models import Rule
from tests.collection.conftest import Floor

MIDNIGHT = datetime(2026, 4, 10, 16, 30, tzinfo=UTC)
TODAY = date(2026, 4, 11)  # in Shanghai
pytestmark = pytest.mark.django_db


def test_care_is_looked_at_again_on_a_later_day(floor: Floor) -> None:
    told: dict[str, Any] = {"kind": "means", "needs": "慢一点说", "consented": True, "actor": floor.cast.collector, "at": MIDNIGHT}
    customer = floor.desk.make_customer()
    with pytest.raises(Invalid) as refused:
        hardship.flag_care(customer, review_on=TODAY, **told)
    assert set(refused.value.fields) == {"review_on"}
    assert hardship.flag_care(customer, review_on=TODAY + timedelta(days=1), **told).pk


def test_a_policy_begins_tomorrow_at_the_earliest_and_a_replay_ends_today(floor: Floor) -> None:
    values = {row["code"]: row["value"] for row in contact_rules.drafted()}
    told: dict[str, Any] = {"title": "x", "values": values, "actor": floor.cast.compliance, "at": MIDNIGHT}
    with pytest.raises(Invalid) as refused:
        contact_rules.draft(since=TODAY, **told)
    assert set(refused.value.fields) == {"since"}
    draft = contact_rules.draft(since=TODAY + timedelta(days=1), **told)
    by: dict[str, Any] = {"entity": floor.cast.entity, "since": TODAY - timedelta(days=9), "actor": floor.cast.compliance, "at": MIDNIGHT}
    assert replays.start(draft, until=TODAY, **by).pk
    with pytest.raises(Invalid):
        replays.start(draft, until=TODAY + timedelta(days=1), **by)


def test_a_complaint_told_before_eight_and_filed_after_is_one(floor: Floor) -> None:
    """Eight in the morning in Shanghai is midnight of UTC."""
    case, cast = floor.case(), floor.cast
    told, filed = datetime(2026, 4, 10, 23, 50, tzinfo=UTC), datetime(2026, 4, 11, 0, 10, tzinfo=UTC)
    Contact.objects.create(
        case=case, channel="inbound", outcome="complaint", at=told, actor=cast.collector, next_action="call", next_action_on=TODAY
    )
    Complaint.objects.create(
        case=case, kind="manner", is_complex=False, channel="inbound", owner=cast.compliance, opened_by=cast.collector, opened_at=filed,
        opened_on=TODAY, due_on=TODAY, rule="x",
    )  # fmt: skip
    found = replays.complaints([case.customer_id], since=told - timedelta(hours=1), until=filed + timedelta(hours=1))
    assert [(who, at) for who, at, _attempt in found] == [(case.customer_id, told)]


def test_words_that_begin_today_hold_from_midnight(floor: Floor) -> None:
    values: dict[str, Any] = {"unit": rules.TEXT, "meaning_en": "x", "meaning_zh": "x", "citation": "", "verification": "policy"}
    Rule.objects.filter(code="reply.stop_whole.sms.en").update(effective_to=TODAY)
    rules.put("reply.stop_whole.sms.en", value=["BASTA"], effective_from=TODAY, **values)
    heard = replies.hear(channel="sms", external_id="R", sender=floor.desk.make_customer().mobile, text="basta", at=MIDNIGHT)
    assert heard.kind == "stop"


def test_a_consent_that_ends_today_lets_nothing_out_from_midnight(floor: Floor) -> None:
    customer, actor = floor.desk.make_customer(), floor.cast.loan_officer
    word = templates.declare("test.offer", label="An offer", purpose="marketing", samples={})
    messages_seeds.words(word, "sms", body_en="An offer", body_zh="优惠")
    consents.give(customer, purpose="marketing", actor=actor, at=MIDNIGHT - timedelta(days=30))
    Consent.objects.filter(customer=customer, purpose="marketing").update(expires_on=TODAY)
    told: dict[str, Any] = {"template": word, "channel": "sms", "purpose": "marketing", "values": {}, "actor": actor}
    assert messages.send(customer=customer, key="a", at=MIDNIGHT - timedelta(hours=1), **told).pk
    with pytest.raises(messages.NoConsent):
        messages.send(customer=customer, key="b", at=MIDNIGHT, **told)
