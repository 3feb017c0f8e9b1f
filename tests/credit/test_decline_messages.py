"""What an applicant hears of a decline."""

import pytest

from credit import applications, decline_messages, seeds
from customers.models import Message
from tests.credit.decisions import stored_decision
from tests.fixtures.cast import NOON


@pytest.fixture
def declined(desk):
    def make(*reasons, facts=None, figures=None):
        seeds.seed()
        application = desk.evaluating()
        decision = stored_decision(application, "decline", reasons=list(reasons), facts=facts or {}, figures=figures or {})
        return applications.conclude(application, decision=decision, actor=desk.cast.system, at=NOON)

    return make


def test_the_reasons_come_in_the_customer_s_words_and_once(declined):
    application = declined("dti_far_above_limit", figures={"dti": 0.81, "dti_limit": 0.55})
    assert decline_messages.tell(application, at=NOON) == decline_messages.tell(application, at=NOON) > 0
    text = Message.objects.filter(template__code=decline_messages.DECLINED).first().text
    assert "81%" in text and application.public_id in text


def test_nobody_hears_that_they_stand_on_a_list(declined):
    application = declined("listed_black", "mobile_shared_by_many", figures={"mobile_decline": 3})
    for language in ("en", "zh-hans"):
        told = decline_messages.reasons_for(application, language)
        assert len(told) == 1  # both have the same neutral words
        assert not any(word in told[0].lower() for word in ("list", "fraud", "mobile", "名单", "欺诈", "手机"))


def test_four_reasons_at_most_and_a_person_s_own_too(desk, declined):
    application = declined(
        "age_below_minimum", "no_income", "overdue_now", "limit_below_product", "purpose_not_allowed", figures={"age_min": 18}
    )
    assert len(decline_messages.reasons_for(application, "en")) == 4
    application.reason_codes = ["credit.income_not_proved"]
    assert decline_messages.reasons_for(application, "en") == ["Income could not be proved."]


def test_only_a_decline_that_stands_is_told(desk):
    application = desk.evaluating()
    assert decline_messages.tell(application, at=NOON) == 0
