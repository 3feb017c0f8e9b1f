"""`kill -9` in the middle of a close, in a process of its own, and again: the same final state."""

import os
import signal
import subprocess
import sys
import time
from datetime import date, timedelta

import pytest
from django.db import connection

from credit import end_of_day
from credit.models import Installment, Loan
from ledger.models import Entry
from tests import databases
from tests.credit.portfolio import multiply
from tests.fixtures.cast import NOON

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
FIRST_DUE = date(2026, 4, 2)
DAY = FIRST_DUE + timedelta(days=10)
LOANS = 2_000


def close_in_its_own_process():
    name = connection.settings_dict["NAME"]
    urls = {key: databases.with_name(os.environ[key], name) for key in ("DATABASE_URL", "DATABASE_OWNER_URL")}
    return subprocess.Popen(
        [sys.executable, "manage.py", "close_day", "--to", str(DAY), "--entity", "TEST", "--inline"], env=os.environ | urls
    )


def test_killed_at_any_moment_and_again_is_the_same(desk):
    loan = desk.loan()
    multiply(loan, LOANS - 1)
    type(desk.cast.entity).objects.update(business_date=DAY)
    run = end_of_day.plan(desk.cast.entity, DAY, at=NOON, size=20)
    total, killed = run.partitions.count(), 0
    for share in (0.02, 0.2, 0.5, 0.8):
        process = close_in_its_own_process()
        while process.poll() is None and total - len(end_of_day.pending(run)) < total * share:
            time.sleep(0.002)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.wait()
        left = end_of_day.pending(run)
        # What a killed transaction began is as if it had never been.
        assert Loan.objects.filter(closed_on=DAY).count() == (total - len(left)) * 20
        assert Entry.objects.filter(event="credit.loan.overdue").count() == (total - len(left)) * 20
    assert killed >= 2
    assert close_in_its_own_process().wait() == 0
    assert list(Loan.objects.values_list("dpd", "bucket", "closed_on", "oldest_due_on").distinct()) == [(10, 1, DAY, FIRST_DUE)]
    assert Entry.objects.filter(event="credit.loan.overdue").count() == LOANS
    assert Entry.objects.filter(event="credit.day.closed").count() == 1
    assert set(Installment.objects.filter(seq=1).values_list("penalty", "status")) == {
        (Installment.objects.get(loan=loan, seq=1).penalty, "overdue")
    }
    desk.cast.entity.refresh_from_db()
    assert desk.cast.entity.business_date == DAY + timedelta(days=1)
