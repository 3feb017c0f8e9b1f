"""Who is told before a claim lapses: those who run legal actions and reach the case, once for each step of the warning."""

from collections.abc import Collection
from datetime import date, datetime, timedelta

from django.urls import reverse
from django.utils.timezone import localdate
from django.utils.translation import gettext

from collection import limitation_book, permissions
from collection.models import LimitationClock
from crm.lib.templatetags.crm import day
from governance import notices
from governance.models import Notice, User

CODE = "collections.limitation"


def tell(customer_ids: Collection[int], *, at: datetime) -> int:
    """Tell of the periods of these customers that end soon, each step of the warning once; return how many notices were left."""
    on = localdate(at)
    steps = limitation_book.warn_days(on=on)
    rows = LimitationClock.objects.filter(
        loan__customer__in=customer_ids, state__in=["running", "judged"], expires_on__gte=on, expires_on__lte=on + timedelta(days=steps[0])
    )
    found = list(rows.select_related("loan", "case__branch").order_by("pk"))
    if not found:
        return 0
    people = User.objects.filter(is_active=True, role__permissions__contains=[permissions.RUN_LEGAL]).select_related("role", "team")
    told = []
    for person in people:
        for row in found:
            if person.root is None or row.case.branch.path.startswith(person.root.path):
                told.append(notice(person, row, step=step_of(row, steps, on=on), at=at))
    return notices.tell_each(told)


def step_of(row: LimitationClock, steps: list[int], *, on: date) -> int:
    """Return the shortest step of the warning that the period is within."""
    assert row.expires_on is not None
    left = (row.expires_on - on).days
    return min(step for step in steps if left <= step)


def notice(person: User, row: LimitationClock, *, step: int, at: datetime) -> Notice:
    assert row.expires_on is not None
    return Notice(
        user_id=person.pk, code=CODE, key=f"limitation:{row.loan.public_id}:{row.expires_on.isoformat()}:{step}",
        url=reverse("case", args=[row.case.public_id]), at=at,
        facts={"loan": row.loan.public_id, "case": row.case.public_id, "day": row.expires_on.isoformat()},
    )  # fmt: skip


@notices.words(CODE, icon="clock", tone="warn")
def say(notice: Notice) -> str:
    return gettext("The claim on %(loan)s lapses on %(day)s if nothing begins the period anew") % {
        "loan": notice.facts.get("loan", ""),
        "day": day(date.fromisoformat(notice.facts["day"])),
    }
