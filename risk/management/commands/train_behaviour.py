"""`manage.py train_behaviour`: a behaviour card from this house's own borrowers, as a draft."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.timezone import localdate, now

from governance import users
from risk import behaviour_training
from risk.registry import UnfitData


class Command(BaseCommand):
    help = "Fit a behaviour scorecard on month-ends of the past and what followed; it is registered as a draft."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--months", type=int, default=6, help="month-ends to look at")
        parser.add_argument("--seed", type=int, default=1994)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = behaviour_training.train(
                until=localdate(), months=options["months"], seed=options["seed"], actor=users.system(), at=now()
            )
        except UnfitData as refusal:
            raise CommandError(str(refusal)) from refusal
        held = made.metrics["holdout"]
        self.stdout.write(
            f"{made}: {made.note}; hold-out AUC {held['auc']:.4f}, KS {held['ks']:.4f}, {held['rows']} rows, {held['bad']} bad"
        )
