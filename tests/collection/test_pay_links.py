"""Pay links, messages from the case, reminders of promises: amounts of the books alone, each thing once, nothing of a debt to strangers."""

import re
import urllib.request
from datetime import timedelta
from decimal import Decimal as D
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now as real_now

from collection import case_texts, cases, checks, disputes, owed, pay_links, promise_reminders, promises
from collection.judgement import Part
from collection.models import Case, Contact, PayLink
from credit.models import Receipt, Transaction
from crm.lib.errors import Invalid, NotFound
from crm.processes import wait
from customers.contacts import NotNow
from customers.models import ContactAttempt, Message
from tests.collection.conftest import AFTER, Floor, by_daylight
from tests.collection.test_calls import tell
from tests.credit.test_races import together
from tests.fixtures.outside import Outside

MINUTE = timedelta(minutes=1)


@pytest.fixture
def case(floor: Floor) -> Case:
    row = cases.claim(floor.case(), actor=floor.cast.collector, at=AFTER)
    confirm(row, floor)
    return row


def confirm(case: Case, floor: Floor, at: Any = AFTER) -> None:
    person = case.customer
    answers = {"id_last4": person.id_number[-4:], "birth_year": str(person.born_on.year)}
    checks.confirm(case, answers=answers, actor=floor.cast.collector, at=at)


def make(case: Case, floor: Floor, kind: str = "overdue", at: Any = AFTER) -> PayLink:
    return pay_links.make(case, kind=kind, actor=floor.cast.collector, at=at)


def due(case: Case) -> D:
    loan = case.debts.get().loan
    from credit import books

    return owed.of_loans([loan], on=books.value_day(case.legal_entity, AFTER))[0].demand


def contest(case: Case, floor: Floor, amount: D) -> None:
    disputes.raise_(
        case, loan=case.debts.get().loan, kind="amount", amount=amount, channel="inbound", statement="不对", owner=floor.cast.compliance,
        actor=floor.cast.collector, at=AFTER,
    )  # fmt: skip


# --- the amount ------------------------------------------------------------------------------------------------------------
def test_a_link_asks_for_what_the_books_say(case: Case, floor: Floor) -> None:
    first = make(case, floor)
    assert (first.amount, first.status) == (due(case), "open")
    whole = make(case, floor, "payoff", AFTER + MINUTE)
    assert whole.amount > first.amount
    first.refresh_from_db()
    assert first.status == "withdrawn", "one link at a time"


def test_a_link_of_a_promise_asks_for_what_lacks_of_it(case: Case, floor: Floor) -> None:
    with pytest.raises(pay_links.NothingAsked):
        make(case, floor, "promise")
    promises.take(case, parts=[Part(AFTER.date() + timedelta(days=3), D("300.00"))], channel="call", actor=floor.cast.collector, at=AFTER)
    assert make(case, floor, "promise").amount == D("300.00")


def test_nothing_contested_is_asked_for_and_nobody_unconfirmed(case: Case, floor: Floor) -> None:
    contest(case, floor, D("100.00"))
    assert make(case, floor).amount == due(case)
    with pytest.raises(pay_links.Contested):
        make(case, floor, "payoff")
    checks.third_party(case, actor=floor.cast.collector, at=AFTER + MINUTE)
    with pytest.raises(pay_links.NotConfirmed):
        make(case, floor, at=AFTER + 2 * MINUTE)
    with pytest.raises(cases.NotHeld):
        pay_links.make(case, kind="overdue", actor=floor.cast.second_collector, at=AFTER + 2 * MINUTE)


def test_a_wholly_contested_debt_has_no_link(case: Case, floor: Floor) -> None:
    contest(case, floor, due(case))
    with pytest.raises(pay_links.Contested):
        make(case, floor)


def two_loans(floor: Floor) -> tuple[Case, list[Any]]:
    """Return a case of a confirmed customer and its two open loans, both late."""
    from collection.models import CaseDebt

    other = floor.desk.loan()
    row = cases.claim(floor.case(), actor=floor.cast.collector, at=AFTER)
    confirm(row, floor)
    type(other).objects.filter(pk=other.pk).update(customer=row.customer)
    CaseDebt.objects.create(case=row, loan=other, overdue_amount=D("1.00"), dpd=8, bucket=1)
    return row, [debt.loan for debt in row.debts.select_related("loan__product").order_by("-loan_id")]


def test_of_several_loans_one_is_chosen_or_all_that_is_overdue(floor: Floor) -> None:
    from credit import books

    case, (first, second) = two_loans(floor)
    owes = {each.loan.pk: each for each in owed.of_loans([first, second], on=books.value_day(case.legal_entity, AFTER))}
    link = make(case, floor)
    assert (link.amount, link.loan) == (owes[first.pk].demand + owes[second.pk].demand, None)
    with pytest.raises(Invalid, match="choose which"):
        make(case, floor, "payoff")
    with pytest.raises(Invalid, match="open loan of this case"):
        pay_links.make(case, kind="overdue", loan="L-22222222X", actor=floor.cast.collector, at=AFTER)
    for kind, amount in (("overdue", owes[second.pk].demand), ("payoff", owes[second.pk].payoff)):
        link = pay_links.make(case, kind=kind, loan=second.public_id, actor=floor.cast.collector, at=AFTER)
        assert (link.amount, link.loan) == (amount, second)
    before = Transaction.objects.filter(loan=first).count()
    assert pay(link).status == "paid"
    second.refresh_from_db()
    assert (second.status, Transaction.objects.filter(loan=first).count()) == ("settled", before)


# --- paid ------------------------------------------------------------------------------------------------------------------
def pay(link: PayLink, at: Any = AFTER + MINUTE, **more: Any) -> PayLink:
    return pay_links.paid(**({"key": link.public_id, "gateway_id": "CK-1", "amount": link.amount, "at": at} | more))


def test_a_payment_is_booked_once_and_cures_the_case(case: Case, floor: Floor) -> None:
    link = pay(make(case, floor))
    assert (link.status, Transaction.objects.filter(reference=link.public_id).count()) == ("paid", 1)
    with pytest.raises(pay_links.PaymentReplayed):
        pay(link)
    floor.deliver()
    case.refresh_from_db()
    assert (case.status, case.close_reason) == ("closed", "cured")


def test_the_whole_loan_paid_by_link_is_settled(case: Case, floor: Floor) -> None:
    loan = case.debts.get().loan
    pay(make(case, floor, "payoff"))
    loan.refresh_from_db()
    assert loan.status == "settled"


def test_another_amount_and_an_unknown_link_are_refused(case: Case, floor: Floor) -> None:
    link = make(case, floor)
    with pytest.raises(pay_links.AnotherAmount):
        pay(link, amount=D("0.01"))
    with pytest.raises(NotFound):
        pay(link, key="PL-22222222")
    link.refresh_from_db()
    assert link.status == "open"


def test_money_for_a_link_that_ended_is_still_taken_in(case: Case, floor: Floor) -> None:
    link = make(case, floor)
    assert pay_links.sweep(at=link.expires_at) == 1
    link.refresh_from_db()
    assert link.status == "expired"
    assert pay(link, link.expires_at + MINUTE).status == "paid"


def test_money_that_nobody_asks_for_any_more_waits_in_suspense(case: Case, floor: Floor) -> None:
    link, whole = make(case, floor), make(case, floor, "payoff")
    pay(whole)
    pay(link)
    assert Receipt.objects.get(reference=link.public_id).status == "unmatched"


@pytest.mark.django_db(transaction=True)
def test_told_twice_at_once_it_is_booked_once(floor: Floor) -> None:
    row = cases.claim(floor.case(), actor=floor.cast.collector, at=AFTER)
    confirm(row, floor)
    link = make(row, floor)
    done = together(*[lambda: pay(link) for _n in range(3)])
    assert sum(isinstance(each, pay_links.PaymentReplayed) for each in done) == 2
    assert Transaction.objects.filter(reference=link.public_id).count() == 1


# --- through the gateway ---------------------------------------------------------------------------------------------------
@pytest.fixture
def till(outside: Outside, settings: Any) -> Outside:
    settings.PORTS = dict(settings.PORTS) | {"checkout": f"{outside.url}/checkout"}
    return outside


def test_the_page_of_the_link_says_nothing_of_the_debt(case: Case, floor: Floor, client: Client, till: Outside) -> None:
    link = make(case, floor)
    PayLink.objects.filter(pk=link.pk).update(expires_at=real_now() + MINUTE)
    shown = client.get(f"/y/{link.token}/").content.decode()
    for word in (floor.cast.entity.name_zh, floor.cast.entity.name_en, link.public_id, "Pay now", "Amount"):
        assert word in shown
    text = re.sub(r"<[^>]*>", " ", shown.split("<main")[-1])
    for word in (case.public_id, case.customer.name, case.debts.get().loan.public_id, "overdue", "逾期", "loan", "debt", "贷款", "欠"):
        assert word not in text
    address = re.search(r'href="(http[^"]+checkout/page[^"]+)"', shown)
    assert address is not None
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address[1].replace("/page", "/pay"), timeout=10).close()
    assert wait(lambda: till.ask(f"/checkout?key={link.public_id}")["payments"][0]["status"] == "paid", 5)
    pay_links.take_back(case.customer_id, actor=floor.cast.collector, at=AFTER)  # while the debtor had its page open
    link.refresh_from_db()
    minutes = [at for number in range(60) if (at := AFTER + (5 + number) * MINUTE).minute == link.pk % 60]
    assert pay_links.sweep(at=minutes[0] + MINUTE) == 0, "in a minute of its own"
    assert pay_links.sweep(at=minutes[0]) == 1, "a webhook that got lost is made up for"
    link.refresh_from_db()
    assert link.status == "paid"
    assert "This is paid" in client.get(f"/y/{link.token}/").content.decode()
    assert client.get("/y/nobodys-token/").status_code == 404


def test_the_webhook_is_believed_signed_once(case: Case, floor: Floor, client: Client, settings: Any) -> None:
    link = make(case, floor)
    body = {"key": link.public_id, "event": "paid", "id": "CK-9", "amount": f"{link.amount:.2f}"}

    def told(data: Any, **how: Any) -> Any:
        return tell(client, settings, data, url="/api/receipts/payments/", **how)

    assert told(body, secret="another").json()["code"] == "bad_signature"
    assert told(body | {"amount": "1.00"}).json()["code"] == "another_amount"
    assert told({"key": link.public_id}).status_code == 422
    link.refresh_from_db()
    assert link.status == "open"


def test_the_payment_appears_on_the_page_without_reload(floor: Floor, client: Client) -> None:
    row = floor.case()
    by_daylight()
    case = cases.claim(row, actor=floor.cast.collector, at=real_now())
    client.force_login(floor.cast.collector)
    confirm(Case.objects.select_related("customer").get(pk=case.pk), floor, real_now())
    url = reverse("case", args=[case.public_id])
    client.post(reverse("case-link", args=[case.public_id]), {"kind": "overdue"})
    link = PayLink.objects.get()
    shown = client.get(url).content.decode()
    assert f"/y/{link.token}/" in shown
    assert "link/state/?back=case&amp;was=open" in shown
    pay(link, real_now())
    part = client.get(reverse("case-link-state", args=[case.public_id]) + "?was=open", headers={"HX-Request": "true"}).content.decode()
    assert "paid at" in part
    assert 'id="debts" hx-swap-oob="true"' in part
    assert "load delay" not in part


# --- messages --------------------------------------------------------------------------------------------------------------
def template(case: Case, code: str, channel: str = "sms") -> str:
    return next(one.public_id for one in case_texts.offered(case) if (one.code, one.channel) == (code, channel))


def test_a_message_says_the_books_amount_in_the_customers_language_once(case: Case, floor: Floor) -> None:
    from django.utils import translation

    from crm.lib.templatetags.crm import spoken

    actor = floor.cast.collector
    shown = case_texts.written(case, template=template(case, "case.overdue"), actor=actor, at=AFTER)
    with translation.override("zh-hans"):
        assert spoken(due(case)) in shown.text
    first = case_texts.send(case, template=template(case, "case.overdue"), actor=actor, at=AFTER, key="one")
    again = case_texts.send(case, template=template(case, "case.overdue"), actor=actor, at=AFTER, key="one")
    assert (first.pk, first.text, Message.objects.count()) == (again.pk, shown.text, 1)


def test_a_message_is_written_in_the_language_one_chooses(case: Case, floor: Floor) -> None:
    actor = floor.cast.collector
    with pytest.raises(Invalid):
        case_texts.written(case, template=template(case, "case.overdue"), actor=actor, at=AFTER, language="fr")
    made = case_texts.send(case, template=template(case, "case.overdue"), actor=actor, at=AFTER, key="en", language="en")
    assert (made.language, "overdue by" in (made.text or ""), "CNY" in (made.text or "")) == ("en", True, True)


def test_a_message_stands_under_the_gate_and_speaks_of_what_is_there(case: Case, floor: Floor) -> None:
    actor = floor.cast.collector
    for code in ("case.promise", "case.pay_link"):
        with pytest.raises(case_texts.NothingToSay):
            case_texts.send(case, template=template(case, code), actor=actor, at=AFTER, key=code)
    link = make(case, floor)
    assert link.token in case_texts.send(case, template=template(case, "case.pay_link"), actor=actor, at=AFTER, key="link").text
    night = AFTER + timedelta(hours=12)
    row = cases.claim(case, actor=actor, at=night)
    with pytest.raises(NotNow):
        case_texts.send(row, template=template(case, "case.callback"), actor=actor, at=night, key="night")
    with pytest.raises(pay_links.NotConfirmed):
        case_texts.written(row, template=template(case, "case.overdue"), actor=actor, at=night)
    assert Message.objects.count() == 1
    assert not ContactAttempt.objects.exists(), "the sender counts it when it leaves"


def test_a_demand_that_waits_is_taken_back_when_the_customer_pays(case: Case, floor: Floor) -> None:
    made = case_texts.send(case, template=template(case, "case.overdue"), actor=floor.cast.collector, at=AFTER, key="one")
    floor.pay_all_overdue(case.debts.get().loan)
    made.refresh_from_db()
    assert (made.status, made.problem) == ("cancelled", "paid")


# --- reminders of promises -------------------------------------------------------------------------------------------------
@pytest.fixture
def promised(case: Case, floor: Floor) -> Any:
    day = AFTER.date()
    parts = [Part(day + timedelta(days=3), D("100.00")), Part(day + timedelta(days=8), D("200.00"))]
    return promises.take(case, parts=parts, channel="call", actor=floor.cast.collector, at=AFTER)


def test_a_part_is_reminded_of_on_its_days_once(promised: Any, floor: Floor) -> None:
    day = promised.first_due_on
    done = [
        sum(promise_reminders.plan(floor.cast.entity, on=day - timedelta(days=n), at=AFTER) for _twice in range(2)) for n in (4, 3, 2, 1, 0)
    ]
    assert done == [0, 1, 0, 1, 0]
    keys = {message.key.split(":", 1)[1] for message in Message.objects.all()}
    assert len(keys) == 2
    assert all(message.text is None for message in Message.objects.all()), "what it says is read when it leaves"


def test_a_reminder_says_what_lacks_and_goes_when_it_is_paid_or_replaced(promised: Any, case: Case, floor: Floor) -> None:
    promise_reminders.plan(floor.cast.entity, on=promised.first_due_on - timedelta(days=1), at=AFTER)
    batch = list(Message.objects.select_related("customer__legal_entity"))
    said = promise_reminders.values_of(batch, AFTER)[batch[0].pk]
    assert said is not None and "100.00" in said["amount"]
    promised.paid_amount = D("60.00")
    promised.save(update_fields=["paid_amount"])
    said = promise_reminders.values_of(batch, AFTER)[batch[0].pk]
    assert said is not None and "40.00" in said["amount"]
    promised.paid_amount = D("100.00")
    promised.save(update_fields=["paid_amount"])
    assert promise_reminders.values_of(batch, AFTER) == {batch[0].pk: None}, "this part is paid"
    promised.paid_amount = D("0.00")
    promised.save(update_fields=["paid_amount"])
    promises.cancel(promised, reason="withdrawn", actor=floor.cast.collector, at=AFTER)
    assert promise_reminders.values_of(batch, AFTER) == {batch[0].pk: None}


def test_a_reminder_leaves_through_the_outbox_or_is_cancelled(promised: Any, floor: Floor, gateway: Outside) -> None:
    from customers import outbox

    promise_reminders.plan(floor.cast.entity, on=promised.first_due_on - timedelta(days=1), at=AFTER)
    Message.objects.update(due_at=AFTER)
    outbox.send_due(clock=lambda: AFTER)
    message = Message.objects.get()
    assert (message.status, "100.00" in (message.text or "")) == ("sent", True)


@pytest.mark.parametrize("outcome", ["complaint", "hardship", "deceased"])
def test_nobody_is_reminded_of_a_promise_while_a_matter_stands(promised: Any, floor: Floor, outcome: str) -> None:
    """Said on the telephone after the promise: what waits to leave is no longer wanted."""
    promise_reminders.plan(floor.cast.entity, on=promised.first_due_on - timedelta(days=3), at=AFTER)
    waiting = list(Message.objects.filter(key__startswith=promise_reminders.KEY).select_related("customer"))
    assert [said for said in promise_reminders.values_of(waiting, AFTER).values() if said] and waiting
    told = {"next_action": "call", "next_action_on": AFTER.date(), "actor": floor.cast.collector}
    Contact.objects.create(case=promised.case, channel="inbound", outcome=outcome, at=AFTER + MINUTE, **told)
    assert set(promise_reminders.values_of(waiting, AFTER).values()) == {None}


def test_a_dispute_reaches_the_demands_that_are_out_already(case: Case, floor: Floor) -> None:
    """The link is withdrawn and the text that waits is taken back; money paid all the same is taken in."""
    confirm(case, floor)
    link = make(case, floor)
    text = case_texts.send(case, template=template(case, "case.overdue"), actor=floor.cast.collector, at=AFTER, key="one")
    contest(case, floor, D("10.00"))
    floor.deliver()
    link.refresh_from_db()
    text.refresh_from_db()
    assert (link.status, text.status) == ("withdrawn", "cancelled")


# --- the page of a message -------------------------------------------------------------------------------------------------
def test_a_form_without_its_key_sends_what_it_says_and_a_long_one_breaks_nothing(floor: Floor, page_of: Any) -> None:
    """The key names the form, once; a page that was tampered with is answered, and no message is said to leave that does not."""
    case, browser = floor.case(), page_of(floor.cast.collector)
    by_daylight()
    url = f"/collections/cases/{case.public_id}/"
    browser.post(f"{url}claim/")
    row = Case.objects.select_related("customer").get(pk=case.pk)
    confirm(row, floor, real_now())
    text = next(one.public_id for one in case_texts.offered(row) if one.channel == "sms")
    once = str(uuid4())
    for key, number in (("", 1), ("", 2), ("x" * 500, 3), (once, 4), (once, 4)):
        assert browser.post(f"{url}write/", {"template": text, "form_key": key}).status_code == 303
        assert Message.objects.filter(key__startswith=case_texts.KEY).count() == number
