"""Six months of the demonstration, day by day: real applications with known outcome, through the product's own doors.

The 700 training applications become customers of the past; the other 300 apply, are decided, borrow and pay. Who
repays is drawn from the known outcome: good ones pay, most on the day; bad ones stop, some after part-payments.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.timezone import get_current_timezone, now

from collection.models import Case
from credit import applications, end_of_day, offers, repayments
from credit.models import Application, Installment, Loan, Offer, Product
from crm.demo import (
    book,
    desk_agencies,
    desk_collections,
    desk_court,
    desk_policy,
    desk_relief,
    lines,
    products,
    report_months,
    statistics,
    supervision,
    treatments,
)
from crm.demo.people import identity
from crm.lib.money import quantize, total
from customers import consents, notes, profiles
from customers.models import Customer, Purpose
from governance.models import LegalEntity, Team, User
from ledger import deliveries as outbox

DAYS = 184
STATED = (
    "checking_status", "credit_history", "savings", "employment", "installment_rate", "other_debtors",
    "residence_years", "property", "other_plans", "housing", "existing_credits", "job", "dependents", "telephone",
)  # fmt: skip
# Share of income that an instalment takes, by the data's own classes of `installment_rate`.
SHARES = {1: (0.06, 0.12), 2: (0.10, 0.17), 3: (0.14, 0.22), 4: (0.18, 0.30)}
EVENING = time(20)  # whatever the last day tells has happened by then
PENDING_DAYS = 4  # what the last days brought stays undecided or unanswered, so that every desk has work


@dataclass
class Plan:
    """How one borrower will pay: days late per instalment, and the instalment from which nothing comes."""

    stops_at: int | None
    partial: bool
    late: dict[int, int]
    returns_after: int | None


@dataclass
class House:
    """The people and rows the play needs at hand."""

    entity: LegalEntity
    product: Product
    staff: dict[str, User]
    branches: dict[str, Team]
    rng: Random
    today: date
    say: Callable[[str], None]
    bad: dict[int, int] = field(default_factory=dict)
    plans: dict[int, Plan] = field(default_factory=dict)
    calendar: dict[date, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))

    def at(self, day: date, hour: int, minute: int = 0) -> datetime:
        return datetime.combine(day, time(hour, minute), tzinfo=ZoneInfo(self.entity.zone))

    def officers(self, branch: str) -> list[User]:
        names = ("officer", "officer2") if branch == "SH" else ("officer3",)
        return [self.staff[name] for name in names]


def last_day(at: datetime) -> date:
    """Return the last day whose story is over at `at`: nobody was called, and nothing was paid, at an hour that is still to come."""
    local = at.astimezone(get_current_timezone())
    return local.date() if local.time() >= EVENING else local.date() - timedelta(days=1)


def house(entity: LegalEntity, product: Product, *, seed: int, today: date, say: Callable[[str], None]) -> House:
    """Collect what the play needs."""
    teams = {team.code: team for team in Team.objects.filter(legal_entity=entity)}
    staff = {user.username: user for user in User.objects.filter(team__legal_entity=entity).select_related("role", "team")}
    return House(entity, product, staff, teams, Random(seed), today, say)  # noqa: S311  a draw, no secret


def people(house: House, rows: list[dict[str, Any]], *, first: int, on: date) -> list[Customer]:
    """Give each application of `rows` a generated person; return the customers in the rows' order."""
    made = []
    for place, row in enumerate(rows):
        branch = "CD" if place % 3 == 2 else "SH"
        officer = house.rng.choice(house.officers(branch))
        at = house.at(on + timedelta(days=place * 20 // max(len(rows), 1)), 9 + place % 8, place % 60)
        person = identity(first + place, age=row["age"], branch=branch, on=at.date(), rng=house.rng)
        low, high = SHARES[row["installment_rate"]]
        instalment = row["amount"] / row["term"] * Decimal("1.08")
        income = quantize(instalment / Decimal(str(round(house.rng.uniform(low, high), 3))) + 800)
        debt = quantize(income * Decimal(str(round(house.rng.uniform(0, 0.06) * (row["existing_credits"] - 1), 3))))
        customer = profiles.create(
            name=person.name,
            id_number=person.id_number,
            mobile=person.mobile,
            bank_card=person.bank_card,
            address=person.address,
            employer=person.employer,
            income=income,
            monthly_debt=debt,
            branch=house.branches[branch],
            owner=officer,
            actor=officer,
            at=at,
            origin=Customer.Origin.REAL,
        )
        consents.give(customer, purpose=Purpose.BUREAU, actor=officer, at=at)
        if place % 4:
            consents.give(customer, purpose=Purpose.CONTACT, actor=officer, at=at)
        made.append(customer)
    return made


def plan_for(bad: bool, term: int, rng: Random) -> Plan:
    """Draw how a borrower will pay."""
    late = {seq: rng.choice((1, 1, 2, 2, 3, 5, 9)) for seq in range(1, term + 1) if rng.random() < (0.25 if bad else 0.08)}
    if not bad:
        return Plan(None, False, late, None)
    stops = rng.choice((1, 1, 2, 2, 3, 4)) if rng.random() < 0.85 else None
    return Plan(stops, rng.random() < 0.35, late, rng.choice((None, None, None, 18, 40)))


def play(house: House, rows: list[dict[str, Any]], customers: list[Customer], *, older: list[dict[str, Any]], taken_over: int) -> None:
    """Play every day from the entity's business date to `house.today`; on the way `taken_over` loans of an older book join.

    `older` are the real applications that the generated loans of that book take their facts from.
    """
    start = house.entity.business_date
    arrivals: dict[date, list[tuple[dict[str, Any], Customer]]] = defaultdict(list)
    span = (house.today - start).days
    for place, pair in enumerate(zip(rows, customers, strict=True)):
        arrivals[start + timedelta(days=arrives_on(place, len(rows), span))].append(pair)
    day = start
    while day <= house.today:
        if (house.today - day).days == book.TAKEN_OVER:
            house.say(f"  {day}: {book.take_over(house, older, on=day, count=taken_over)} loans of an older book taken over")
            statistics.refresh()
        report_months.pay_off(house, day, since=start)
        products.on_the_way(house, day)
        one_day(house, day, arrivals.get(day, []))
        if (day - start).days % 20 == 0:
            house.say(f"  {day}: {Loan.objects.count()} loans, {Case.objects.count()} cases")
            statistics.refresh()  # the tables have grown by a multiple, and no other transaction sees it
        day += timedelta(days=1)
    desk_collections.last_day(house)
    desk_policy.play(house)
    treatments.plan_next(house)
    desk_relief.play(house)
    desk_court.play(house)
    supervision.last_day(house)
    lines.last_day(house)


def arrives_on(place: int, of: int, span: int) -> int:
    """Return the day of the play on which the application number `place` comes: the last eighth fills today's desks."""
    share = place / max(of - 1, 1)
    if share > 0.875:
        return span - PENDING_DAYS + round((share - 0.875) / 0.125 * PENDING_DAYS)
    return round((span - PENDING_DAYS) * (share / 0.875) ** 1.35)


def one_day(house: House, day: date, arrivals: list[tuple[dict[str, Any], Customer]]) -> None:
    """Play one business date: applications, decisions, acceptances, repayments, collection work, close."""
    for number, (row, customer) in enumerate(arrivals):
        apply(house, day, number, row, customer)
    outbox.run_all(at=now())
    review(house, day)
    outbox.run_all(at=now())
    answer_offers(house, day)
    pay(house, day)
    lines.day(house, day)
    desk_collections.keep_promises(house, day)
    outbox.run_all(at=now())
    treatments.day(house, day)
    desk_collections.work(house, day)
    desk_agencies.day(house, day)
    if day < house.today:  # the last day stays open: it is the day one works in
        end_of_day.close(house.entity, day, at=house.at(day, 23, 30))
    outbox.run_all(at=now())


def apply(house: House, day: date, number: int, row: dict[str, Any], customer: Customer) -> None:
    """Enter and submit one real application; the last few stay drafts."""
    officer = customer.owner
    assert officer is not None
    at = house.at(day, 9 + number % 7, (number * 13) % 60)
    application = applications.create(
        customer=customer,
        product=house.product,
        amount=row["amount"],
        term=row["term"],
        purpose=row["purpose"],
        stated={name: row[name] for name in STATED},
        actor=officer,
        at=at,
    )
    house.bad[application.pk] = row["bad"]
    if day == house.today and number % 2:
        return
    applications.submit(application, actor=officer, at=at + timedelta(minutes=4))


def review(house: House, day: date) -> None:
    """Let the underwriters decide what was referred, but for the last days' queue."""
    if (house.today - day).days < PENDING_DAYS:
        return
    for application in (
        Application.objects.referred().filter(submitted_at__lt=house.at(day, 0)).select_related("decision", "product", "customer")
    ):
        reviewer = house.staff["underwriter"]
        at = house.at(day, 10 + application.pk % 6, application.pk % 60)
        limit = applications.limit_of(application)
        score = application.decision.score if application.decision else None
        if score is not None and score >= 545 and limit >= application.product.amount_min:
            applications.approve(application, amount=min(limit, application.amount), actor=reviewer, at=at, note="资料齐全，收入可核实。")
        else:
            applications.decline(application, reason_codes=["credit.affordability"], actor=reviewer, at=at)


def answer_offers(house: House, day: date) -> None:
    """Let most customers confirm the cost and accept; some think it over, a few never answer."""
    if (house.today - day).days < PENDING_DAYS // 2:
        return
    standing = Offer.objects.filter(status=Offer.Status.MADE, expires_on__gte=day).select_related("application__customer__owner")
    for offer in standing:
        if offer.pk % 11 == 3:
            continue  # never answers: expires
        officer = offer.application.customer.owner
        assert officer is not None
        at = house.at(day, 15, offer.pk % 60)
        if offer.made_at >= at:
            continue
        offer = offers.confirm_disclosure(offer, cost_hash=offer.cost_hash, seconds=20 + offer.pk % 70, actor=officer, at=at)
        loan = offers.accept(offer, actor=officer, at=at + timedelta(minutes=2), key=f"demo-{offer.public_id}")
        plan = plan_for(bool(house.bad.get(offer.application_id)), loan.term, house.rng)
        house.plans[loan.pk] = plan
        for installment in loan.installments.all():
            house.calendar[pays_on(plan, installment)].append((loan.pk, installment.seq))
    for offer in Offer.objects.filter(status=Offer.Status.MADE, expires_on__lt=day).select_related("application"):
        applications.expire(offer.application, at=house.at(day, 1))


def pays_on(plan: Plan, installment: Installment) -> date:
    """Return the day the borrower means to pay an instalment."""
    return installment.due_on + timedelta(days=plan.late.get(installment.seq, 0))


def pay(house: House, day: date) -> None:
    """Bring in the day's repayments."""
    for loan_id, seq in house.calendar.pop(day, []):
        plan = house.plans[loan_id]
        loan = Loan.objects.select_related("customer__owner", "legal_entity").get(pk=loan_id)
        if loan.status != Loan.Status.OPEN:
            continue
        if plan.stops_at is not None and seq >= plan.stops_at:
            if plan.returns_after and seq == plan.stops_at:
                house.calendar[day + timedelta(days=plan.returns_after)].append((loan_id, seq + 1_000))
            if not (plan.partial and seq == plan.stops_at):
                if seq < 1_000:
                    continue
        owed = due_on(loan, day)
        if seq >= 1_000 and house.rng.random() < 0.5:
            plan.stops_at = None  # came back and goes on as agreed
        amount = quantize(owed / 2) if plan.partial and plan.stops_at == seq else owed
        if amount <= 0:
            continue
        payer = loan.customer.owner
        assert payer is not None
        repayments.receive(
            loan,
            amount=amount,
            actor=house.staff["operations"],
            at=house.at(day, 11, loan_id % 60),
            key=f"demo-{day}-{loan_id}-{seq}",
        )


def due_on(loan: Loan, day: date) -> Decimal:
    """Return what is due and unpaid on a day, penalty included."""
    rows = list(loan.installments.order_by("seq"))
    by_pk = {row.pk: row for row in rows}
    due = [each for each in repayments.dues(loan, rows, day) if by_pk[each.installment].due_on <= day]
    return total([each.fee + each.penalty + each.interest + each.principal for each in due])


def remarks(house: House, customers: list[Customer]) -> None:
    """Leave a few notes by staff."""
    for place, customer in enumerate(customers[:24:3]):
        assert customer.owner is not None
        texts = ("客户询问提前结清的费用，已说明。", "Prefers to be called after 18:00.", "工资每月10日发放，希望还款日在此之后。")
        notes.add(customer, text=texts[place % 3], actor=customer.owner, at=house.at(house.today - timedelta(days=place * 5), 16, 20))
