"""`manage.py load_demo`: real applications of the German credit data through the whole path; once per installation."""

import time
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils.dateparse import parse_date
from django.utils.timezone import now

from collection import treatment_runs
from credit import end_of_day
from credit import seeds as credit_seeds
from credit.books import local_day
from credit.models import Application, Loan, Product
from crm.demo import (
    backtests,
    book,
    books,
    bureau,
    case_scores,
    classes,
    consents,
    desk_access,
    desk_customers,
    desk_lists,
    desk_messages,
    desk_money,
    desk_products,
    desk_strategies,
    desk_underwriting,
    erased,
    features,
    keys,
    machines,
    models,
    monitoring,
    outside,
    play,
    products,
    replies,
    report_months,
    rights,
    risk_lists,
    servicing,
    staff,
    statistics,
)
from customers.models import Customer
from governance import proof_runs, users
from governance.models import LegalEntity
from ledger import deliveries as outbox
from ledger import log
from risk import german, registry

SEED = 20_261_122


class Command(BaseCommand):
    help = "Load the demonstration: generated people around 1,000 real applications, six months of business dates."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--today", help="ISO date the demonstration ends on; left out, today, or yesterday before this evening")
        parser.add_argument("--small", action="store_true", help="a tenth of it, for tests")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("The demonstration has known passwords: it is not loaded into production.")
        if LegalEntity.objects.exists():
            self.stdout.write("There is a lender already; nothing was loaded.")
            return
        today = parse_date(options["today"]) if options["today"] else play.last_day(now())
        if today is None:
            raise CommandError(f"{options['today']} is not a date such as 2026-11-22.")
        if today > (over := play.last_day(now())):
            self.stdout.write(f"{today} is not over: nobody can have been called at an hour to come; the demonstration ends on {over}")
            today = over
        began = time.monotonic()
        self.load(today, small=options["small"])
        if not options["today"]:
            self.open_today()
        counts = f"{Customer.objects.count()} customers, {Application.objects.count()} applications, {Loan.objects.count()} loans"
        self.stdout.write(f"loaded {counts} in {time.monotonic() - began:.0f} s")

    def load(self, today: date, *, small: bool) -> None:
        """Train, found the lender, bring in the people, play the days."""
        first = today - timedelta(days=play.DAYS)
        training, rest = german.split(german.rows(), seed=SEED)
        if small:
            rest = rest[::10]
        self.stdout.write(f"training the first scorecard on {len(training)} applications")
        registry.train_first(actor=users.system(), at=now(), seed=SEED)
        # One transaction: a load that is cut off leaves nothing, and the next start begins it anew.
        with outside.sandbox(), log.without_broker(), transaction.atomic():
            entity = staff.found(business_date=first, at=now())
            credit_seeds.seed()
            product = Product.objects.live().get(legal_entity=entity)
            house = play.house(entity, product, seed=SEED, today=today, say=self.stdout.write)
            books.begin(entity, on=first, at=house.at(first, 9))
            self.stdout.write("bringing in the people")
            play.people(house, training[::10] if small else training, first=1_000, on=first - timedelta(days=30))
            customers = play.people(house, rest, first=10_000, on=first - timedelta(days=25))
            statistics.refresh()
            desk_messages.addresses(entity, seed=SEED)
            desk_strategies.begin(house.staff, at=house.at(first, 10))
            self.stdout.write(f"playing {play.DAYS} days")
            play.play(house, rest, customers, older=training, taken_over=book.LOANS // 10 if small else book.LOANS)
            play.remarks(house, customers)
            desk_underwriting.fill(staff=house.staff, at=min(now(), house.at(today, 18)))
            desk_customers.fill(entity, today=today)
            desk_money.fill(entity, today=today)
            servicing.fill(entity, today=today, at=min(now(), house.at(today, 16)))
            books.fill(entity, at=min(now(), house.at(today, 17)))
            classes.fill(entity, today=today)
            report_months.funding()
            self.stdout.write(monitoring.fill(entity, today=today, staff=house.staff))
            self.stdout.write(case_scores.fill(entity, today=today, staff=house.staff, at=min(now(), house.at(today, 17))))
            desk_products.fill(entity, today=today)
            products.fill(entity, today=today, at=min(now(), house.at(today, 16)))
            desk_strategies.fill(house.staff, at=min(now(), house.at(today, 16)))
            desk_lists.fill()
            desk_access.fill(at=min(now(), house.at(today, 18)))
            consents.fill(entity, today=today, at=min(now(), house.at(today, 18)))
            risk_lists.fill(at=min(now(), house.at(today, 18)))
            self.stdout.write(bureau.fill(entity, rows=training, staff=house.staff, at=min(now(), house.at(today, 16))))
            rights.fill(entity, at=min(now(), house.at(today, 18)))
            machines.fill(at=min(now(), house.at(today, 18)))
            erased.fill(entity, at=min(now(), house.at(today, 18)))
            self.stdout.write(backtests.fill(analyst=house.staff["analyst"], at=min(now(), house.at(today, 18))))
            self.stdout.write(models.fill(at=min(now(), house.at(today, 18))))
            self.stdout.write(features.fill(at=min(now(), house.at(today, 18))))
            self.stdout.write(desk_messages.fill(entity, today=today, seed=SEED))
            self.stdout.write(replies.play(entity, house.staff, today=today))
            outbox.run_all(at=now())
        with outside.sandbox(), log.without_broker():
            self.stdout.write(keys.fill(at=now()))
            proof_runs.run_here(actor=users.system(), at=now(), clock=now)

    def open_today(self) -> None:
        """Close the day the story ends on once it is over, so that every desk opens on the day of whoever looks; beat would, within the hour."""
        at = now()
        with outside.sandbox(), log.without_broker():
            for entity in LegalEntity.objects.order_by("pk"):
                while entity.business_date < local_day(entity, at):
                    end_of_day.close(entity, entity.business_date, at=at)
            outbox.run_all(at=now())
            treatment_runs.work_all(at=at)
            outbox.run_all(at=now())
