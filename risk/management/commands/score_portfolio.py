"""`manage.py score_portfolio`: every borrower scored at once, features copied out, scores copied in."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.timezone import now

from crm.lib.errors import DomainError
from governance import users
from risk import behaviour, portfolio
from risk.models import ScorecardVersion


class Command(BaseCommand):
    help = "Score every borrower with the live behaviour score, or with the newest live or approved version of the model named."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--model", help="public id of a model whose inputs are features, such as M-7K2M9Q2")
        parser.add_argument("--number", type=int, dest="number", help="number of its version")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = ScorecardVersion.objects.select_related("scorecard").defer("content", "metrics")
        rows = rows.filter(scorecard__public_id=options["model"]) if options["model"] else rows.filter(scorecard__code=behaviour.CODE)
        rows = rows.filter(number=options["number"]) if options["number"] else rows.filter(status__in=["live", "approved"])
        version = rows.order_by("-status", "-number").first()
        if version is None:
            raise CommandError("There is no such model with a live or approved version. manage.py train_behaviour makes a draft.")
        at = now()
        try:
            done = portfolio.score(version, as_of=at, at=at, actor=users.system())
        except DomainError as refusal:
            raise CommandError(f"The model reads what is no feature of a customer: {refusal}") from refusal
        parts = {name: round(getattr(done, name), 3) for name in ("gather", "copy_out", "score", "copy_in", "seconds")}
        self.stdout.write(f"{version}: {done.rows} borrowers scored in {done.seconds:.1f} s")
        self.stdout.write(json.dumps({"model": str(version), "rows": done.rows, **parts}))
