"""`manage.py train_model --data FILE --target COL`: fit a model on any flat file; the last line of `--json` is for programs. Stores nothing."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from risk.modelling.refusals import BadTable


class Command(BaseCommand):
    help = "Fit a scorecard, boosted trees, or what serves best, on a CSV file (packed by gzip or not), and print how well it ranks."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", required=True, metavar="FILE", help="CSV, packed by gzip or not")
        parser.add_argument("--target", required=True, metavar="COL", help="column of the outcome: 1 and 0, yes and no, bad and good")
        parser.add_argument("--kind", default="auto", choices=("auto", "scorecard", "lightgbm"))
        parser.add_argument("--cv", type=int, default=5, metavar="N", help="folds of the cross-validation")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--protected", default="", metavar="COL,COL", help="attributes that measure fairness and never predict")
        parser.add_argument("--exclude", default="", metavar="COL,COL", help="columns to leave out")
        parser.add_argument("--time", default="", metavar="COL", help="column of dates, for stability over time")
        parser.add_argument("--segment", default="", metavar="COL", help="column of segments, for stability between them")
        parser.add_argument("--rejects", default="none", choices=("none", "parcelling", "fuzzy", "reweighting"),
                            help="reject inference, from rows without an outcome")  # fmt: skip
        parser.add_argument("--out", default="", metavar="FILE", help="write the model as JSON here")
        parser.add_argument("--json", action="store_true", help="the last line is the figures as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        from risk.modelling import tables, train

        def names(option: str) -> list[str]:
            return [one.strip() for one in options[option].split(",") if one.strip()]

        try:
            table = tables.read(
                options["data"], options["target"], protected=names("protected"), exclude=names("exclude"), time=options["time"],
                segment=options["segment"],
            )  # fmt: skip
            for note in table.notes:
                self.stdout.write(note.told(_))
            trained = train.train(
                table, kind=options["kind"], cv=options["cv"], seed=options["seed"], protected=names("protected"),
                reject_inference=options["rejects"],
            )  # fmt: skip
        except BadTable as refusal:
            raise CommandError(refusal.told(_)) from refusal
        self.tell(trained)
        if options["out"]:
            Path(options["out"]).write_text(json.dumps(trained.content, ensure_ascii=False, allow_nan=False), encoding="utf-8")
        if options["json"]:
            self.stdout.write(json.dumps(told(trained, table), ensure_ascii=False, allow_nan=False))

    def tell(self, trained: Any) -> None:
        """Print the figures of all that was tried, then the choice with its reason."""
        for one in trained.metrics["candidates"]:
            self.stdout.write(
                f"{one['label']}: AUC {one['auc']['mean']:.4f} ± {one['auc']['sd']:.4f}, KS {one['ks']:.4f}, Brier {one['brier']:.4f}"
            )
        cv = trained.metrics["cv"]
        self.stdout.write(trained.why.told(_))
        self.stdout.write(
            f"{trained.kind}: AUC {cv['auc']['mean']:.4f} ± {cv['auc']['sd']:.4f}, KS {cv['ks']['mean']:.4f}, Brier {cv['brier']['mean']:.4f}, "
            f"{cv['folds']} × CV, {trained.seconds:.1f} s"
        )


def told(trained: Any, table: Any) -> dict[str, Any]:
    """Return the figures for programs."""
    cv, held = trained.metrics["cv"], trained.metrics["holdout"]
    return {
        "kind": trained.kind,
        "auc": {"mean": cv["auc"]["mean"], "sd": cv["auc"]["sd"], "ci95": held["ci95"]["auc"]},
        "ks": cv["ks"]["mean"],
        "brier": cv["brier"]["mean"],
        "gini": 2 * cv["auc"]["mean"] - 1,
        "calibration": held["calibration"],
        "seconds": trained.seconds,
        "rows": table.rows,
        "bad": int(table.bad.sum()),
        "features": {"given": len(table.names), "used": sum(one["used"] for one in trained.metrics["features"].values())},
        "why": str(trained.why),
        "candidates": trained.metrics["candidates"],
        "proof": trained.metrics["proof"],
        "notes": [note.as_json() for note in table.notes],
        "data_sha256": trained.data_sha256,
    }
