"""What compliance and auditors find in the ledgers of the demonstration: consents given, shared and withdrawn, values opened, a read refused."""

from datetime import date, datetime, time, timedelta

from customers import consents, reveals
from customers.models import Customer, Purpose
from governance.models import LegalEntity, Partner, User
from governance.models.identity import Channel
from governance.uses import UnlawfulUse

FIRST, EACH = 12, 3
OPENED = (
    ("officer", reveals.Field.MOBILE, "service", "Called back about the next instalment."),
    ("agent", reveals.Field.EMAIL, "service", "The customer asked where statements go."),
    ("underwriter", reveals.Field.EMPLOYER, "underwriting", "Compared with the payslip."),
    ("collector", reveals.Field.ADDRESS, "collections", "A letter came back."),
)


def fill(entity: LegalEntity, *, today: date, at: datetime) -> None:
    """Give, share and withdraw consents of a few customers, open values of others, and have one read refused."""
    insurer, _made = Partner.objects.get_or_create(legal_entity=entity, code="insurer", defaults={"name": "安心财产保险"})
    people = {user.username: user for user in User.objects.filter(username__in=["officer", "agent", "underwriter", "collector"])}
    customers = list(Customer.objects.filter(legal_entity=entity).order_by("pk")[: FIRST + len(OPENED) * EACH])
    officer = people["officer"]
    for number, customer in enumerate(customers[:FIRST]):
        given = at - timedelta(days=20 - number)
        consents.give(customer, purpose=Purpose.MARKETING, actor=officer, at=given, channel=Channel.WEB)
        if number % 2 == 0:
            consents.give(customer, purpose=Purpose.SHARING, recipient=insurer, actor=officer, at=given)
        if number % 3 == 0:
            consents.give(customer, purpose=Purpose.SENSITIVE, actor=officer, at=given)
        if number % 4 == 1:
            consents.withdraw(customer, purpose=Purpose.MARKETING, actor=officer, at=given + timedelta(days=3))
    consents.withdraw(customers[0], purpose=Purpose.SHARING, recipient=insurer, actor=officer, at=at - timedelta(days=2))
    first = max(at - timedelta(days=5), datetime.combine(today.replace(day=1), time(9), at.tzinfo))
    for number, customer in enumerate(customers[FIRST:]):
        username, field, purpose, reason = OPENED[number % len(OPENED)]
        when = min(at, first + timedelta(hours=number))
        reveals.reveal(customer, field=field, purpose=purpose, reason=reason, actor=people[username], at=when)
    try:
        Customer.objects.for_purpose("marketing", actor=officer, at=at).get(pk=customers[1].pk)
    except UnlawfulUse as refusal:
        refusal.remember()
