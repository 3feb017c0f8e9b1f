"""`manage.py train_scorecard`: fit the retail scorecard on the German credit data and register it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.timezone import now

from governance import users
from risk import registry, scorecards
from risk.models import ScorecardVersion


class Command(BaseCommand):
    help = "Fit a version of the retail scorecard; it becomes live when none is, or with --live."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seed", type=int, default=1994, help="draws the 30 %% that are held out")
        parser.add_argument("--base-score", type=float, default=600.0)
        parser.add_argument("--base-odds", type=float, default=30.0, help="good to one bad at the base score")
        parser.add_argument("--pdo", type=float, default=20.0, help="points that double the odds")
        parser.add_argument("--live", action="store_true", help="retire the live version and put this one in its place")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["base_odds"] <= 0 or options["pdo"] <= 0:
            raise CommandError("--base-odds and --pdo are above 0.")
        actor, at = users.system(), now()
        scale = scorecards.Scale(options["base_score"], options["base_odds"], options["pdo"])
        version = registry.train(actor=actor, at=at, seed=options["seed"], scale=scale)
        none_live = not ScorecardVersion.objects.filter(scorecard=version.scorecard_id, status="live").exists()
        if none_live or options["live"]:
            registry.make_live(version, actor=actor, at=at)
        held_out, proof = version.metrics["holdout"], version.metrics["proof"]
        self.stdout.write(
            f"{version.scorecard.code} v{version.number} {version.status}: hold-out AUC {held_out['auc']:.4f}, KS {held_out['ks']:.4f}, "
            f"Gini {held_out['gini']:.4f}; {proof['rows']} rows differ from the library by {proof['max_abs_diff']:.1e} at most"
        )
