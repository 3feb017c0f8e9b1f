"""A backtest as a file: every application with what each side said of it, and the figures of the page."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.lib import tables
from crm.lib.tables import Sheet, Value
from risk import backtest_rows, populations
from risk.backtest_report import Report
from risk.models import Backtest
from risk.permissions import RUN_BACKTEST, VIEW_STRATEGY

NAME = "risk.backtest"
AT_ONCE = 1_000


def sheets(user: Any, params: QueryDict) -> list[Sheet]:
    """Return the applications and the figures of the backtest that `params` names, as far as `user` may see it; else empty ones."""
    asked = params.get("backtest", "").replace("\0", "")
    backtest = Backtest.objects.visible_to(user).select_related("job", "strategy").filter(public_id=asked).first()
    if backtest is None:
        return [Sheet(str(_("Applications")), [], [])]
    report = Report(backtest)
    return [Sheet(str(_("Applications")), heads(report), lines(backtest, report)), figures(report)]


def heads(report: Report) -> list[str]:
    found = [str(_("Decision")), str(_("Known"))]
    for column in report.columns:
        found += [
            f"{column.name}: {word}" for word in (_("Outcome"), _("Grade"), _("limit (CNY)"), _("annual rate"), _("PD"), _("reasons"))
        ]
    return found


def lines(backtest: Backtest, report: Report) -> list[Sequence[Value]]:
    past, rows = backtest.kind == Backtest.Kind.BACKTEST, [row for _place, row in backtest_rows.every(backtest)]
    made: list[Sequence[Value]] = []
    for begin in range(0, len(rows), AT_ONCE):
        part = rows[begin : begin + AT_ONCE]
        ids = backtest_rows.public_ids([ref for ref, _known, _answers in part]) if past else {}
        for ref, known, answers in part:
            line: list[Value] = [ids.get(ref, str(ref + 1)), {"g": "good", "b": "bad"}.get(known, "")]
            for said in answers:
                told = backtest_rows.side_words(said)
                pd = populations.share_of(said.pd)
                line += [
                    told["word"],
                    told["grade"],
                    told["limit"],
                    told["rate"],
                    pd,
                    "; ".join(report.reason(code) for code in said.reasons),
                ]
            made.append(line)
    return made


def figures(report: Report) -> Sheet:
    """Return the comparison of the page as it stands there."""
    rows: list[Sequence[Value]] = [(row["label"], *(cell["text"] for cell in row["cells"])) for row in report.summary()]
    return Sheet(str(_("Figures")), [str(_("Figure")), *(column.name for column in report.columns)], rows)


tables.declare(
    tables.Table(NAME, gettext_lazy("Backtest: applications"), VIEW_STRATEGY, RUN_BACKTEST, partial(reverse, "backtest-list"), sheets)
)
