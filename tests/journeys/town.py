"""The little town that journeys happen in: one lender, two branches, its people, applications and loans in every state.

Small on purpose, and seeded once for all journeys of a run. Each journey works on records of its own, so order does not
matter. Beside it stands the demonstration's lender, empty, for the main path: that one closes its business dates ahead.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from crm.demo.path import GOOD
from tests.fixtures.support import identities
from tests.journeys import furniture

PASSWORD = "a-long-journey-word-3"
ZONE = ZoneInfo("Asia/Shanghai")
LATE_FROM = 50  # days ago the late loans were paid out: the first instalment is missed
ROLES = {
    "officer": ("loan_officer", "EAST"),
    "colleague": ("loan_officer", "EAST"),
    "westerner": ("loan_officer", "WEST"),
    "reviewer": ("underwriter", "TOWN"),
    "second_reviewer": ("underwriter", "TOWN"),
    "junior": ("underwriter", "TOWN"),
    "collector": ("collector", "TOWN"),
    "second_collector": ("collector", "TOWN"),
    "auditor": ("auditor", "TOWN"),
    "admin": ("admin", "TOWN"),
    "compliance": ("compliance", "TOWN"),
    "polyglot": ("loan_officer", "EAST"),
    "caller": ("collector", "TOWN"),
    "supervisor": ("collections_supervisor", "TOWN"),
    "operations": ("loan_operations", "TOWN"),
    "analyst": ("risk_analyst", "TOWN"),
    "manager": ("risk_manager", "TOWN"),
}
JUNIOR_LIMIT = Decimal("1000.00")
REFERRED = (
    "to_approve", "to_decline", "own", "over", "stale", "expiring", "read_only", "look", "to_counter", "to_ask", "countered", "waiting",
)  # fmt: skip
DRAFTS = ("draft", "to_withdraw")
OFFERED = ("offered", "read_by_link", "accepted_by_link")


@dataclass
class Town:
    """Who and what is there: everything by public id, so that no test needs the ORM."""

    today: date
    customers: dict[str, str] = field(default_factory=dict)
    applications: dict[str, str] = field(default_factory=dict)
    offers: dict[str, str] = field(default_factory=dict)
    loans: dict[str, str] = field(default_factory=dict)
    cases: dict[str, str] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    identities: dict[str, str] = field(default_factory=dict)  # by case: what its person would answer
    places: dict[str, str] = field(default_factory=dict)  # what the tour's addresses name


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12), tzinfo=ZONE)


class Founder:
    """Builds the town through the doors, as the product would."""

    def __init__(self, today: date, at: datetime) -> None:
        self.today, self.at = today, at
        self.town = Town(today)
        self.people: dict[str, Any] = {}
        self.customers: dict[str, Any] = {}

    def build(self) -> Town:
        """Make everything in one transaction; the house's own worker sees it finished."""
        from credit import end_of_day
        from credit import seeds as credit_seeds
        from crm.demo import staff
        from governance import users
        from ledger import log
        from risk import registry

        registry.train_first(actor=users.system(), at=self.at, seed=7)
        with log.without_broker(), transaction.atomic():
            staff.found(business_date=self.today, at=self.at)
            self.found()
            credit_seeds.seed()
            for name in ("late", "later", "latest", "paid_later", "held"):
                self.loan(name)
            self.deliver()
            for back in range(LATE_FROM, 0, -1):
                day = self.today - timedelta(days=back)
                end_of_day.close(self.entity, day, at=noon(day) + timedelta(hours=11))
            self.deliver()
            for name in REFERRED:
                self.referred(name)
            for name in OFFERED:
                self.application(name, customer=self.customer(name))
            for name in DRAFTS:
                self.application(name, customer=self.customer(name), submitted=False)
            for number in range(40):
                self.customer(f"one_of_many_{number}")
            self.customer("in_the_west", owner="westerner", branch="WEST")
            self.deliver()
            self.remember()
            self.town.places = furniture.furnish(self)
            self.deliver()
        return self.town

    def deliver(self) -> None:
        """Run what subscribers have to do; what that brings about is due after the moment it began, hence the minute."""
        from ledger import deliveries

        deliveries.run_all(at=datetime.now(ZONE) + timedelta(minutes=1))

    def found(self) -> None:
        from governance import teams, users
        from governance.models import LegalEntity, Role, Team

        actor = users.system()
        self.entity = LegalEntity.objects.create(
            code="TOWN", name_en="Town lender", name_zh="小镇金融", business_date=self.today - timedelta(days=LATE_FROM), zone=str(ZONE)
        )
        head = teams.create(
            legal_entity=self.entity, code="TOWN", name_en="Town hall", name_zh="总部", kind=Team.Kind.HEAD, parent=None,
            actor=actor, at=self.at,
        )  # fmt: skip
        self.teams = {"TOWN": head}
        for code, name_en, name_zh in (("EAST", "East branch", "东区分行"), ("WEST", "West branch", "西区分行")):
            self.teams[code] = teams.create(
                legal_entity=self.entity, code=f"TOWN-{code}", name_en=name_en, name_zh=name_zh, kind=Team.Kind.BRANCH, parent=head,
                actor=actor, at=self.at,
            )  # fmt: skip
        roles = {role.code: role for role in Role.objects.all()}
        for name, (role, team) in ROLES.items():
            limit = {"approval_limit": JUNIOR_LIMIT} if name == "junior" else {}
            self.people[name] = users.create(
                username=f"town-{name}", name=name.replace("_", " ").title(), password=PASSWORD, role=roles[role],
                team=self.teams[team], actor=actor, at=self.at, **limit,
            )  # fmt: skip
            self.town.users[name] = self.people[name].public_id

    def customer(self, name: str, *, owner: str = "officer", branch: str = "EAST", at: datetime | None = None) -> Any:
        from customers import consents, profiles
        from customers.models import Purpose

        serial, at = 500_000 + len(self.customers), at or self.at
        made = profiles.create(
            name="王小明", id_number=identities.id_number(serial, born=date(1988, 5, 6)), mobile=identities.mobile(serial),
            bank_card=identities.bank_card(serial), address="上海市浦东新区人民路1号", employer="远航物流有限公司",
            income=Decimal("15000.00"), monthly_debt=Decimal("0.00"), branch=self.teams[branch], owner=self.people[owner],
            actor=self.people[owner], at=at,
        )  # fmt: skip
        consents.give(made, purpose=Purpose.BUREAU, actor=self.people[owner], at=at)
        self.customers[name] = made
        return made

    def application(
        self, name: str, *, customer: Any, at: datetime | None = None, submitted: bool = True, by: str = "officer", **stated: Any
    ) -> Any:
        from credit import applications
        from credit.models import Product

        at, actor = at or self.at, self.people[by]
        made = applications.create(
            customer=customer, product=Product.objects.live().get(legal_entity=self.entity), amount=Decimal("6000.00"), term=6,
            purpose="radio_television", stated=GOOD | stated, actor=actor, at=at, branch=self.teams["EAST"],
        )  # fmt: skip
        self.town.applications[name] = made.public_id
        return applications.submit(made, actor=actor, at=at) if submitted else made

    def referred(self, name: str) -> None:
        """Enter an application that lacks an answer: such a one goes to a person."""
        by = "reviewer" if name == "own" else "officer"
        self.application(name, customer=self.customer(name), by=by, savings=None)

    def loan(self, name: str) -> None:
        """Lend LATE_FROM days ago; nothing is repaid."""
        from credit import offers

        at = noon(self.today - timedelta(days=LATE_FROM))
        made = self.application(name, customer=self.customer(name, at=at), at=at)
        self.deliver()
        offer = made.offers.get()
        offer = offers.confirm_disclosure(offer, cost_hash=offer.cost_hash, seconds=30, actor=self.people["officer"], at=at)
        self.town.loans[name] = offers.accept(offer, key=f"town-{name}", actor=self.people["officer"], at=at).public_id

    def remember(self) -> None:
        """Keep the public ids of what came about by itself."""
        from collection.models import Case
        from credit.models import Application, Offer
        from customers.models import Customer

        self.town.customers = {name: customer.public_id for name, customer in self.customers.items()}
        of = {customer.pk: name for name, customer in self.customers.items()}
        found = list(Case.objects.filter(customer__in=of).select_related("customer"))
        self.town.cases = {of[case.customer_id]: case.public_id for case in found}
        self.town.identities = {case.public_id: case.customer.id_number for case in found}
        # nobody is called at night: these live where it is noon
        ahead = 12 - datetime.now(UTC).hour
        Customer.objects.filter(pk__in=of).update(zone=f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT")
        rows = Offer.objects.filter(application__customer__in=of).select_related("application")
        self.town.offers = {of[offer.application.customer_id]: offer.public_id for offer in rows}
        named = {public_id: name for name, public_id in self.town.applications.items()}
        for application in Application.objects.filter(public_id__in=named):
            name = named[application.public_id]
            wanted = "referred" if name in REFERRED else "offered" if name in OFFERED else "draft" if name in DRAFTS else "booked"
            assert application.status == wanted, f"{name} is {application.status}: {application.reason_codes}"
