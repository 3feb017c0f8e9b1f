"""Rights over time: a grant that waits, a right lent for a week, two emergency accesses to review, a leaver, a new office."""

from datetime import datetime, timedelta

from customers import handover
from customers.models import Customer
from governance import access_reviews, delegations, glass, grants, offboarding, teams, users
from governance.models import BreakGlass, LegalEntity, Role, Team, User


def fill(entity: LegalEntity, *, at: datetime) -> None:
    """Play what an administrator and compliance find about people's rights."""
    people = {user.username: user for user in User.objects.select_related("role", "team").exclude(role__isnull=True)}
    admin, compliance = people["admin"], people["compliance"]
    branch = Team.objects.get(legal_entity=entity, code="SH")
    teams.create(
        legal_entity=entity, code="SH-PD", name_en="Pudong office", name_zh="浦东营业部", kind=Team.Kind.TEAM, parent=branch, actor=admin,
        at=at - timedelta(days=4),
    )  # fmt: skip
    analyst = people["analyst"]
    grants.propose(
        analyst, role=Role.objects.get(code="risk_manager"), team=analyst.team, approval_limit=None,
        reason="Takes over the limits of Zhao Gang from next month.", actor=admin, at=at - timedelta(hours=5),
    )  # fmt: skip
    delegations.lend(
        people["supervisor"], people["collector2"], since=at - timedelta(days=1), until=at + timedelta(days=6),
        reason="Training in Chengdu until next week.", actor=people["supervisor"], at=at - timedelta(days=1),
    )  # fmt: skip
    emergencies(people["officer3"], compliance, entity, at=at)
    leaver(entity, people["officer2"], branch, admin, at=at)
    review(compliance, at=at)


def review(compliance: User, *, at: datetime) -> None:
    """Start two access reviews: of the collectors, half answered; of everybody, late."""
    started = at - timedelta(days=3)
    collectors = access_reviews.start(
        title="Collectors 2026 · 催收员", due_on=(at + timedelta(days=9)).date(), role=Role.objects.get(code="collector"), actor=compliance,
        at=started,
    )  # fmt: skip
    access_reviews.answer(collectors.grants.order_by("pk")[0], verdict="confirmed", actor=compliance, at=started)
    access_reviews.start(
        title="Yearly review · 年度复核", due_on=(at - timedelta(days=1)).date(), actor=compliance, at=at - timedelta(days=20)
    )


def emergencies(officer: User, compliance: User, entity: LegalEntity, *, at: datetime) -> None:
    """Open two customers of another branch: one is reviewed, one waits."""
    theirs = Customer.objects.filter(legal_entity=entity, branch__code="SH").order_by("pk")[:2]
    reasons = (
        "The borrower stood at our counter in Chengdu and had lost his phone.",
        "A caller claimed a double payout; Shanghai was closed.",
    )
    rows: list[BreakGlass] = []
    for number, (customer, reason) in enumerate(zip(theirs, reasons, strict=False)):
        then = at - timedelta(days=6 - 5 * number)
        rows.append(glass.break_(customer.public_id, reason=reason, minutes=30, actor=officer, at=then))
    glass.review(
        rows[0], verdict="justified", words="The counter's camera and the new number agree.", actor=compliance, at=at - timedelta(days=5)
    )


def leaver(entity: LegalEntity, taker: User, branch: Team, admin: User, *, at: datetime) -> None:
    """Let somebody leave whose few customers go to a colleague."""
    person = users.create(
        username="officer4", name="沈青 Shen Qing", role=taker.role, team=branch, actor=users.system(), at=at - timedelta(days=60)
    )
    for customer in Customer.objects.filter(legal_entity=entity, owner=taker).order_by("pk")[:5]:
        handover.give(customer, taker=person, actor=admin, at=at - timedelta(days=30))
    takers = dict.fromkeys(offboarding.HOLDINGS, taker)
    order = offboarding.order(person, takers=takers, reason="Left for another lender.", actor=admin, at=at - timedelta(days=2))
    offboarding.run(order.pk, at=at - timedelta(days=2))
