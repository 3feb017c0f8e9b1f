"""The live house that journeys use: real processes, real broker, real browser; and one of them killed."""

import signal
import time
from typing import Any

import pytest

from crm import children, processes
from tests.fixtures.processes import House

pytestmark = pytest.mark.journey


def test_the_processes_of_the_house_do_their_work(live_house: House) -> None:
    for child in live_house.children:
        assert child.running()
        assert child.healthy(), child.name


def test_the_house_is_seeded_and_the_orm_can_be_pointed_at_it(live_house: House) -> None:
    seeded = live_house.rows("SELECT count(*) AS n FROM governance_role")[0]["n"]
    with live_house.orm():
        from governance.models import Role

        assert Role.objects.count() == seeded > 5


def test_a_stranger_is_sent_to_the_sign_in_page(live_house: House, page: Any) -> None:
    page.goto("/")
    assert page.url.startswith(live_house.url + "/accounts/login/")
    assert page.locator("input[name=password]").is_visible()


@pytest.mark.parametrize("page", [{"locale": "zh-CN", "color_scheme": "dark"}], indirect=True)
def test_a_browser_that_speaks_chinese_gets_chinese(live_house: House, page: Any) -> None:
    page.goto("/accounts/login/")
    assert page.locator("html").get_attribute("lang") == "zh-Hans"


def test_a_killed_worker_is_started_again(live_house: House) -> None:
    worker = live_house.child("worker")
    assert worker.identity
    before = worker.identity
    before.send(signal.SIGKILL)
    assert processes.wait(lambda: not worker.running(), 5)
    said = worker.tend()
    assert "worker has ended (-9)" in said
    time.sleep(0.6)
    worker.tend()
    assert worker.identity != before
    assert processes.wait(worker.healthy, 40)


def test_of_two_that_listen_the_second_gets_the_next_port() -> None:
    with children.listen(19_500) as first, children.listen(first.getsockname()[1]) as second:
        assert second.getsockname()[1] > first.getsockname()[1]
