"""`manage.py train_case_scores`: fit self-cure and roll-forward on the house's own cases; drafts, to be validated and approved by people."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.timezone import now

from collection import scores
from credit import books
from crm.lib.errors import DomainError
from governance import users
from governance.models import LegalEntity


class Command(BaseCommand):
    help = "Train the scores of cases on the house's history; what cannot be trained is said, with how little there is."

    def handle(self, *args: Any, **options: Any) -> None:
        entity = LegalEntity.objects.order_by("pk").first()
        if entity is None:
            raise CommandError("There is no lender yet.")
        for code in scores.NAMES:
            try:
                version = scores.train(code, entity, until=books.value_day(entity, now()), actor=users.system(), at=now())
            except DomainError as refused:
                self.stdout.write(f"{code}: {refused}")
                continue
            held = version.metrics["holdout"]
            self.stdout.write(f"{code}: {version}, AUC {held['auc']:.3f}, Brier {held['brier']:.3f}, ECE {version.metrics['ece']:.3f}")
