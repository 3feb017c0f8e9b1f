"""Workers killed while reminders and messages of treatments go out: each arrives exactly once, as the gateway counts them."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from collection import treatment_runs, treatment_sending
from collection.models import Case, TreatmentEntry, TreatmentStep
from credit import reminders
from credit.models import Loan
from customers import outbox
from customers.models import ContactVerdict, Message
from tests import databases
from tests.credit.portfolio import multiply

DAY = date(2026, 4, 29)  # three days before the second due date, and the day after the cases entered their path
NOON = datetime(2026, 4, 29, 4, 0, tzinfo=UTC)
SHARES = (0.04, 0.25, 0.5, 0.75, 0.92)
# What a worker does with both, as its tasks do it: what is due is taken, what waits is sent, what a dead one held is taken up.
WORKER = """
import os, django
django.setup()
from datetime import datetime
from django.conf import settings
settings.PORTS |= {"sms": os.environ["TEST_SMS"]}
from collection import treatment_runs, treatment_sending
from customers import outbox
at = datetime.fromisoformat(os.environ["TEST_AT"])
outbox.recover(at=at, limit=100000)
while True:
    taken = treatment_runs.work_due(at=at, limit=50, rounds=1).taken
    sent = outbox.send_batch("sms", clock=lambda: at, limit=20).moved
    treatment_sending.follow()
    if not taken + sent:
        break
"""
PEOPLE = """
INSERT INTO customers_customer SELECT (jsonb_populate_record(c, jsonb_build_object('id', c.id + n, 'public_id',
    'C-' || lpad(n::text, 9, '0'), 'id_number_key', md5(n::text)))).*
FROM customers_customer c, generate_series(1, %(copies)s) n WHERE c.id = %(customer)s
"""
CASES = """
INSERT INTO collections_case SELECT (jsonb_populate_record(c, jsonb_build_object('id', c.id + n, 'public_id',
    'K-' || lpad(n::text, 9, '0'), 'customer_id', %(customer)s + n))).*
FROM collections_case c, generate_series(1, %(copies)s) n WHERE c.id = %(case)s
"""


def crowd(case: Case, copies: int) -> None:
    """Make `copies` more persons with a loan and a case as this one's."""
    loan = case.debts.get().loan
    multiply(loan, copies)
    known = {"copies": copies, "customer": case.customer_id, "case": case.pk, "loan": loan.pk}
    with connection.cursor() as cursor:
        cursor.execute(PEOPLE, known)
        cursor.execute("UPDATE credit_loan SET customer_id = %(customer)s + id - %(loan)s WHERE id > %(loan)s", known)
        cursor.execute(CASES, known)


def worker(outside: Any, at: datetime) -> subprocess.Popen[bytes]:
    name = connection.settings_dict["NAME"]
    urls = {key: databases.with_name(os.environ[key], name) for key in ("DATABASE_URL", "DATABASE_OWNER_URL")}
    told = {"TEST_SMS": f"{outside.url}/sms", "TEST_AT": at.isoformat()}
    return subprocess.Popen([sys.executable, "-c", WORKER], env=os.environ | urls | told | {"DJANGO_SETTINGS_MODULE": "crm.settings"})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("people", [120, pytest.param(5_000, marks=[pytest.mark.slow, pytest.mark.timeout(1_500)])])
def test_killed_at_any_moment_each_reminder_and_each_step_arrives_once(floor: Any, outside: Any, people: int) -> None:
    case = floor.case()
    TreatmentStep.objects.all().delete()  # everybody enters on the same day
    TreatmentEntry.objects.all().delete()
    crowd(case, people - 1)
    treatment_runs.work_all(at=NOON - timedelta(days=1))
    assert TreatmentStep.objects.filter(name="g-sms", status="planned").count() == people
    entity = floor.cast.entity
    type(entity).objects.filter(pk=entity.pk).update(business_date=DAY)
    entity.refresh_from_db()
    reminders.plan_now(entity, DAY, at=NOON - timedelta(hours=8))
    assert Message.objects.filter(purpose="reminder", channel="sms").count() == people
    at, killed, began = NOON, 0, outside.ask("/sms")["count"]
    for share in SHARES:
        process = worker(outside, at)
        while process.poll() is None and outside.ask("/sms")["count"] - began < 2 * people * share:
            time.sleep(0.002)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.wait()
        at += outbox.LEASE + timedelta(seconds=1)
    assert killed >= 3
    assert worker(outside, at).wait() == 0
    ours = set(Message.objects.filter(channel="sms").values_list("public_id", flat=True))
    assert len(ours) == 2 * people
    came = [row["key"] for row in outside.texts() if row["key"] in ours]
    assert (len(came), set(came)) == (2 * people, ours)
    assert set(Message.objects.filter(channel="sms").values_list("status", flat=True)) == {"sent"}
    treatment_sending.follow()
    assert set(TreatmentStep.objects.filter(name="g-sms").values_list("status", flat=True)) == {"sent"}
    assert TreatmentStep.objects.values("entry", "name").distinct().count() == TreatmentStep.objects.count()
    # Each was asked for at the gate before it left.
    assert ContactVerdict.objects.filter(verdict="allow", subject__in=ours).values("subject").distinct().count() == 2 * people
    assert Loan.objects.count() >= people
