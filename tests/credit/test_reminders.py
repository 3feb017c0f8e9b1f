"""Reminders: which instalments on which day, once for ever, together per customer, silent when paid; killed and again is the same."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D

import pytest
from django.db import connection

from credit import reminders
from credit.models import Installment, Reminder, ReminderRun
from customers import outbox, send_times
from customers.models import Message
from governance import rules
from ledger.models import Entry
from tests import databases
from tests.credit.portfolio import multiply

pytestmark = pytest.mark.django_db
FIRST_DUE = date(2026, 4, 2)


def noon(day):
    return datetime(day.year, day.month, day.day, 4, 0, tzinfo=UTC)


def plan(desk, day):
    entity = desk.cast.entity
    type(entity).objects.filter(pk=entity.pk).update(business_date=day)
    entity.refresh_from_db()
    return reminders.plan_now(entity, day, at=noon(day) - timedelta(hours=11))


def send(day):
    return outbox.send_batch("sms", clock=lambda: noon(day))


@pytest.mark.parametrize(
    ("days", "kind", "words"),
    [
        (-4, None, None),
        (-3, "T-3", "reminder.before"),
        (-2, None, None),
        (0, "T0", "reminder.due"),
        (1, "T+1", "reminder.late"),
        (2, None, None),
        (3, "T+3", "reminder.late"),
        (4, None, None),
    ],
)
def test_each_day_has_its_reminder(desk, days, kind, words):
    desk.loan()
    plan(desk, FIRST_DUE + timedelta(days=days))
    assert list(Reminder.objects.values_list("kind", "channel", "message__template__code")) == ([(kind, "sms", words)] if kind else [])


def test_mail_goes_to_those_who_have_an_address(desk, make_customer):
    desk.loan(customer=make_customer(email="wang@example.com"))
    plan(desk, FIRST_DUE)
    assert set(Message.objects.values_list("channel", flat=True)) == {"sms", "email"}


def test_planned_from_nine_on_by_the_customers_clock(desk, make_customer):
    here, there = make_customer(), make_customer()
    there.zone = "America/New_York"
    there.save(update_fields=["zone"])
    desk.loan(customer=here)
    desk.loan(customer=there)
    plan(desk, FIRST_DUE)
    for customer, nine in ((here, datetime(2026, 4, 2, 1, 0, tzinfo=UTC)), (there, datetime(2026, 4, 2, 13, 0, tzinfo=UTC))):
        minute = send_times.offset(customer.pk, FIRST_DUE, send_times.minutes_on(FIRST_DUE))
        assert Message.objects.get(customer=customer).due_at == nine + timedelta(minutes=minute)  # the minute the database found


def test_planning_again_plans_nothing(desk):
    desk.loan()
    run = plan(desk, FIRST_DUE)
    ReminderRun.objects.all().delete()
    plan(desk, FIRST_DUE)
    assert (Message.objects.count(), Reminder.objects.count()) == (1, 1)
    assert Entry.objects.filter(event="credit.reminders.planned", subject_id=run.pk).get().facts["messages"] == 1


def test_two_loans_due_on_a_day_are_one_message(desk, customer, gateway):
    first, second = desk.loan(customer=customer), desk.loan(customer=customer)
    plan(desk, FIRST_DUE)
    message = Message.objects.get()
    assert Reminder.objects.filter(message=message).count() == 2
    send(FIRST_DUE)
    owed = first.installments.get(seq=1).owed + second.installments.get(seq=1).owed
    assert f"¥{owed:,.2f}" in Message.objects.get(pk=message.pk).text


def test_what_is_paid_is_not_planned(desk):
    loan = desk.loan()
    desk.pay(loan, loan.installments.get(seq=1).owed, on=FIRST_DUE - timedelta(days=10))
    plan(desk, FIRST_DUE)
    assert not Message.objects.exists()


def test_paid_after_planning_is_taken_back_by_the_news(desk, deliver):
    loan = desk.loan()
    deliver()
    plan(desk, FIRST_DUE)
    desk.pay(loan, loan.installments.get(seq=1).owed, on=FIRST_DUE)
    deliver()
    message = Message.objects.get()
    assert (message.status, message.problem) == ("cancelled", "paid")


def test_paid_a_moment_before_sending_is_not_sent_though_the_news_is_late(desk, gateway):
    loan = desk.loan()
    plan(desk, FIRST_DUE)
    desk.pay(loan, loan.installments.get(seq=1).owed, on=FIRST_DUE)
    assert send(FIRST_DUE).cancelled == 1
    assert gateway.texts(key=Message.objects.get().public_id) == []


def test_a_part_payment_is_read_when_it_is_sent(desk, gateway):
    loan = desk.loan()
    plan(desk, FIRST_DUE)
    desk.pay(loan, "100.00", on=FIRST_DUE)
    assert send(FIRST_DUE).sent == 1
    left = loan.installments.get(seq=1).payment - D("100.00")
    assert f"¥{left:,.2f}" in Message.objects.get().text


def test_a_reminder_of_a_day_gone_by_is_overtaken(desk, gateway):
    desk.loan()
    plan(desk, FIRST_DUE)
    assert send(FIRST_DUE + timedelta(days=1)).cancelled == 1


def test_a_late_one_still_goes_later(desk, gateway):
    desk.loan()
    plan(desk, FIRST_DUE + timedelta(days=1))
    assert send(FIRST_DUE + timedelta(days=2)).sent == 1


def test_a_product_may_have_days_of_its_own(desk):
    rules.put(
        f"{reminders.DAYS}.{desk.product.code}", value=[-7], unit=rules.DAYS, effective_from=date(2020, 1, 1),
        meaning_en="own", meaning_zh="自有", verification="policy",
    )  # fmt: skip
    desk.loan()
    plan(desk, FIRST_DUE)
    assert not Message.objects.exists()
    plan(desk, FIRST_DUE - timedelta(days=7))
    assert Reminder.objects.get().kind == "T-7"


def test_books_that_lag_remind_nobody(desk):
    entity = desk.cast.entity
    assert reminders.is_due(entity, at=noon(entity.business_date))
    assert not reminders.is_due(entity, at=noon(entity.business_date + timedelta(days=1)))


def test_the_cut_into_partitions_changes_nothing(desk, make_customer):
    for _number in range(5):
        desk.loan(customer=make_customer())
    entity = desk.cast.entity
    run = reminders.plan(entity, FIRST_DUE, at=noon(FIRST_DUE), shard=2)
    assert run.shards == 3
    assert not reminders.finish(run, at=noon(FIRST_DUE))
    for partition_id in reminders.pending(run):
        assert reminders.plan_partition(partition_id, at=noon(FIRST_DUE))
        assert not reminders.plan_partition(partition_id, at=noon(FIRST_DUE))
    assert reminders.finish(run, at=noon(FIRST_DUE))
    assert Reminder.objects.count() == Message.objects.count() == 5


# --- killed --------------------------------------------------------------------------------------------------------
COPIES = 400
SENDER = """
import os, django
django.setup()
from datetime import datetime
from django.conf import settings
settings.PORTS |= {"sms": os.environ["TEST_SMS"], "mail": os.environ["TEST_SMTP"]}
from customers import outbox
at = datetime.fromisoformat(os.environ["TEST_AT"])
outbox.recover(at=at)
while True:
    if not sum(outbox.send_batch(channel, clock=lambda: at, limit=20).moved for channel in outbox.CHANNELS):
        break
"""


def sender(outside, at):
    name = connection.settings_dict["NAME"]
    urls = {key: databases.with_name(os.environ[key], name) for key in ("DATABASE_URL", "DATABASE_OWNER_URL")}
    told = {"TEST_SMS": f"{outside.url}/sms", "TEST_SMTP": outside.smtp, "TEST_AT": at.isoformat()}
    return subprocess.Popen([sys.executable, "-c", SENDER], env=os.environ | urls | told | {"DJANGO_SETTINGS_MODULE": "crm.settings"})


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killed_at_any_moment_each_text_goes_out_once_and_no_mail_twice(desk, customer, make_customer, outside):
    """The sandbox's own count: each reminder exactly once by SMS, at most once by mail; what is not certain is parked."""
    borrower = make_customer(email="killed@example.com")
    loan = desk.loan(customer=borrower)
    multiply(loan, COPIES - 1)
    # Loans of one person become one message: give each loan a person of its own.
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO customers_customer SELECT (jsonb_populate_record(c, jsonb_build_object('id', c.id + n, 'public_id',"
            " 'C-' || lpad(n::text, 9, '0'), 'id_number_key', md5(n::text)))).* FROM customers_customer c, generate_series(1, %s) n"
            " WHERE c.id = %s",
            [COPIES - 1, borrower.pk],
        )
        cursor.execute("UPDATE credit_loan SET customer_id = %s + id - %s WHERE id > %s", [borrower.pk, loan.pk, loan.pk])
    plan(desk, FIRST_DUE)
    texts = set(Message.objects.filter(channel="sms").values_list("public_id", flat=True))
    mails = set(Message.objects.filter(channel="email").values_list("public_id", flat=True))
    assert len(texts) == len(mails) == COPIES
    at, killed = noon(FIRST_DUE), 0
    began = outside.ask("/sms")["count"] + outside.ask("/mail")["count"]
    for share in (0.05, 0.3, 0.6, 0.9):
        process = sender(outside, at)
        while process.poll() is None and outside.ask("/sms")["count"] + outside.ask("/mail")["count"] - began < 2 * COPIES * share:
            time.sleep(0.002)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.wait()
        at += outbox.LEASE + timedelta(seconds=1)
    assert killed >= 3
    assert sender(outside, at).wait() == 0
    came = [row["key"] for row in outside.texts() if row["key"] in texts]
    assert (len(came), set(came)) == (COPIES, texts)
    assert set(Message.objects.filter(channel="sms").values_list("status", flat=True)) == {"sent"}
    copies = {row["id"][1:].split("@")[0]: row["copies"] for row in outside.mails()}
    assert {copies.get(public_id, 0) for public_id in mails} <= {0, 1}
    became = dict(Message.objects.filter(channel="email").values_list("public_id", "status"))
    assert set(became.values()) <= {"sent", "parked"}
    assert all(copies[public_id] == 1 for public_id, status in became.items() if status == "sent")
    assert sum(status == "parked" for status in became.values()) <= killed * outbox.HANDFUL
    assert Installment.objects.filter(due_on=FIRST_DUE).count() == COPIES
