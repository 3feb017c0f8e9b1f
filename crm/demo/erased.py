"""A person who asked to be forgotten: erased by two people, once nothing kept them any more."""

from datetime import datetime, timedelta

from customers import activities, consents, erasures, notes
from customers.models import Activity, Customer, Purpose
from governance import changes
from governance.models import LegalEntity, User


def fill(entity: LegalEntity, *, at: datetime) -> None:
    """Let compliance erase one customer who never borrowed, and an administrator confirm it."""
    people = {user.username: user for user in User.objects.filter(username__in=["officer", "compliance", "admin"])}
    officer, compliance, admin = people["officer"], people["compliance"], people["admin"]
    known = Customer.objects.filter(legal_entity=entity, owner=officer, created_at__lt=at - timedelta(days=60))
    mine = known.filter(applications__isnull=True, loans__isnull=True)
    customer = mine.order_by("-pk").first()
    if customer is None:
        return
    notes.add(customer, text="想了解费用，暂不借款，要求不再联系。", actor=officer, at=at - timedelta(days=40))
    activities.plan(
        customer, kind=Activity.Kind.CALL, text="再联系一次。", due_at=at + timedelta(days=20), actor=officer, at=at - timedelta(days=39),
        assignee=officer,
    )  # fmt: skip
    if consents.holds(customer, Purpose.CONTACT, on=at.date()):
        consents.withdraw(customer, purpose=Purpose.CONTACT, actor=officer, at=at - timedelta(days=12))
    reason = "The person asked in writing to be erased; no business came about."
    asked = erasures.propose(customer, reason=reason, actor=compliance, at=at - timedelta(days=2))
    changes.confirm(asked, actor=admin, at=at - timedelta(days=1, hours=3))
