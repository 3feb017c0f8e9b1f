"""Treatments in the demonstration: paths from the first overdue case on, a challenger that writes less and calls sooner, an experiment."""

from __future__ import annotations

import copy
from datetime import date, timedelta
from typing import TYPE_CHECKING

from collection import dry_runs, treatment_experiments, treatment_runs, treatment_sending
from collection.models import TreatmentDryRun, TreatmentExperiment
from customers import outbox
from risk import strategy_life, strategy_versions

if TYPE_CHECKING:
    from crm.demo.play import House

EXPERIMENT_DAYS = 60  # before the last day: what entered since is in an arm
SENT_DAYS = 12  # of the last days the messages leave; those before would only cost time
SALT = "demonstration"


def day(house: House, on: date) -> None:
    """Plan and take what is due on a day of the play."""
    left = (house.today - on).days
    if left == EXPERIMENT_DAYS:
        begin(house, on)
    treatment_runs.work_all(at=house.at(on, 8, 30))
    for hour, minute in ((10, 5), (18, 5)):
        at = house.at(on, hour, minute)
        treatment_runs.work_due(at=at)
        if left <= SENT_DAYS:
            outbox.send_due(clock=lambda moment=at: moment, seconds=10)  # type: ignore[misc]
    treatment_sending.follow()


def begin(house: House, on: date) -> None:
    """Let the supervisor draw a challenger, the risk manager approve it, and one plan and the other start the experiment."""
    if TreatmentExperiment.objects.exists():
        return
    live = treatment_experiments.champion()
    if live is None:
        return
    supervisor, manager = house.staff["supervisor"], house.staff["risk"]
    draft = strategy_versions.draft_from(live, note="First call on the second day, one text fewer", actor=supervisor, at=house.at(on, 9))
    graph = copy.deepcopy(draft.graph)
    rows = next(raw for raw in graph["nodes"] if raw["id"] == "ladder")["content"]["rules"]
    for row in rows:
        if row["ladder-o-step"] == '"g-call"':
            row["ladder-o-day"] = "2"
        if row["ladder-o-step"] == '"g-sms2"':
            row["ladder-o-step"], row["ladder-o-day"], row["ladder-o-action"] = '"g-call2"', "8", '"call"'
            row["ladder-o-template"] = row["ladder-o-hour"] = row["ladder-has_mobile"] = ""
    draft = strategy_versions.save(draft, revision=draft.revision, graph=graph, actor=supervisor, at=house.at(on, 9, 5))
    sent = strategy_life.send(
        draft, note="Those who pay as a rule answer a call sooner than a second text", actor=supervisor, at=house.at(on, 9, 10)
    )
    challenger = strategy_life.approve(sent, note="", actor=manager, at=house.at(on, 11))
    planned = treatment_experiments.plan(
        why="早期致电是否优于第二条短信？ · Does an early call bring more than a second text?", challenger=challenger, challenger_share=40, holdout_share=15,
        minimum_sample=30, stop_complaints=50, actor=supervisor, at=house.at(on, 11, 30), salt=SALT,
    )  # fmt: skip
    treatment_experiments.start(planned, actor=manager, at=house.at(on, 12))


def try_next(house: House) -> None:
    """Let the supervisor draw a draft that turns to larger debts sooner, and try it on the cases of the last evening."""
    live = treatment_experiments.champion()
    if live is None or TreatmentDryRun.objects.exists():
        return
    supervisor, at = house.staff["supervisor"], house.at(house.today, 17)
    draft = strategy_versions.draft_from(live, note="Large debts of the first month are treated firmly", actor=supervisor, at=at)
    graph = copy.deepcopy(draft.graph)
    segment = next(raw for raw in graph["nodes"] if raw["id"] == "segment")["content"]
    small = next(row for row in segment["rules"] if row["segment-o-path"] == '"small"')
    large = {"_id": "segment-large", "_description": "a large amount", "segment-overdue_amount": ">= 1000"}
    large |= {"segment-o-path": '"firm"', "segment-o-path_reason": '"path_firm"'}
    segment["rules"].insert(segment["rules"].index(small) + 1, small | large)
    draft = strategy_versions.save(draft, revision=draft.revision, graph=graph, actor=supervisor, at=at)
    made = dry_runs.start(draft, base=live, actor=supervisor, at=at)
    dry_runs.run(made.pk, clock=lambda: at)


def plan_next(house: House) -> None:
    """Leave a dry run to look at, and an experiment that waits for its second person."""
    try_next(house)
    live = treatment_experiments.champion()
    if live is None or TreatmentExperiment.objects.filter(status="planned").exists():
        return
    treatment_experiments.plan(
        why="致电究竟带来多少？ · What do calls bring at all?", challenger=None, challenger_share=0, holdout_share=10, minimum_sample=200, stop_complaints=20,
        actor=house.staff["supervisor"], at=house.at(house.today, 16) - timedelta(minutes=5),
    )  # fmt: skip
