"""Views of lists that the people of the demonstration have saved, private and shared."""

from django.utils.timezone import now

from governance import saved_views
from governance.models import SavedView, User

# who, list, name, query, shared with the own team, a tab, the list opens with it
VIEWS = [
    ("officer", "applications", "我的在办 · Mine, open", "status=open&whose=mine&sort=entered", False, True, False),
    ("officer", "customers", "月收入两万以上", "w=1.income.ge.20000&sort=-income", False, True, False),
    ("underwriter", "applications", "Large or graded D, waiting", "w=1.status.in.referred,proposed&w=2.amount.ge.5000&w=2.grade.in.D,E&any=2", True, True, False),
    ("supervisor", "cases", "M2及以上 · M2 and later", "w=1.bucket.in.2,3,4,5,6,7&sort=-amount", True, True, False),
    ("collector", "cases", "今日行动 · Due today", "w=1.next.past.365&sort=next", False, True, False),
    ("risk", "loans", "Paid out in 90 days, late already", "w=1.booked.past.90&w=1.dpd.ge.1&cols=loan,status,dpd,left,product,booked&sort=-dpd", True, True, False),
    ("compliance", "customers", "Without owner", "w=1.owner.empty", False, False, False),
]  # fmt: skip


def fill() -> int:
    """Save the views that are missing; return how many were saved."""
    people = {user.username: user for user in User.objects.select_related("role", "team")}
    made = 0
    for username, name, title, query, shared, pinned, first in VIEWS:
        person = people.get(username)
        if person is None or SavedView.objects.filter(owner=person, list=name, name=title).exists():
            continue
        team = person.team if shared else None
        saved_views.create(list_name=name, name=title, query=query, actor=person, at=now(), team=team, pinned=pinned, is_default=first)
        made += 1
    return made
