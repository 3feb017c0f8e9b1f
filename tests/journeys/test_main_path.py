"""The main job over HTTP against a whole house: the very steps of `./run --check`, with a real worker behind them."""

import pytest

from crm.demo.path import Path
from tests.fixtures.processes import House
from tests.journeys.town import Town


@pytest.mark.timeout(240)
def test_the_main_job_goes_through(live_house: House, town: Town) -> None:
    path = Path(
        live_house.url, business_date=town.today, zone="Asia/Shanghai",
        close=lambda until: live_house.manage("close_day", "--entity", "DEMO", "--to", until.isoformat()),
    )  # fmt: skip
    said = [f"{title}: {step()}" for title, step in path.steps()]
    assert len(said) == 12, said


def test_every_decision_of_the_town_replays(live_house: House, town: Town) -> None:
    said = live_house.manage("replay_decision", "--all").strip().splitlines()[-1]
    passed, failed = (int(part.split()[0]) for part in said.split(","))
    assert passed > 10 and failed == 0, said
