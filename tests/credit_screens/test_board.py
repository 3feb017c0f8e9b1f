"""The pipeline as a board: who stands where, since when, until when, and what its reader may do next."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import localdate

from credit import board
from credit.models import Application
from tests.credit.conftest import Desk
from tests.fixtures.cast import NOON, Cast

PageOf = Callable[[Any], Client]


@pytest.fixture
def pipeline(cast: Cast, make_customer: Callable[..., Any]) -> Desk:
    return Desk(cast, make_customer)


def read(user: Any, *keys: str, at: Any = NOON, shown: int = board.CARDS) -> dict[str, board.Column]:
    rows = Application.objects.visible_to(user)
    stages = [stage for stage in board.STAGES if not keys or stage.key in keys]
    return {column.stage.key: column for column in board.read(rows, stages, user=user, at=at, today=localdate(at), shown=shown)}


def test_every_open_status_stands_in_one_column() -> None:
    placed = [status for stage in board.STAGES for status in stage.statuses]
    assert sorted(placed) == sorted(Application.OPEN)


def test_who_stands_where_and_how_much(cast: Cast, pipeline: Desk, make_customer: Callable[..., Any]) -> None:
    draft, referred = pipeline.draft(customer=make_customer()), pipeline.concluded("refer", customer=make_customer())
    offer = pipeline.offer(customer=make_customer())
    found = read(cast.loan_officer)
    for key, row in (("draft", draft), ("referred", referred), ("offered", offer.application)):
        assert ([card.application for card in found[key].cards], found[key].count, found[key].amount) == ([row], 1, row.amount)
    assert found["waiting"].count == 0 and found["waiting"].cards == []
    assert all(not column.count for column in read(cast.outsider).values())


def test_time_in_stage_is_that_of_the_move(cast: Cast, pipeline: Desk, make_customer: Callable[..., Any]) -> None:
    row = pipeline.concluded("refer", customer=make_customer())
    from ledger.models import Entry

    moved = Entry.objects.filter(subject_type="credit.application", subject_id=row.pk, event="credit.application.referred").get()
    [card] = read(cast.underwriter, "referred")["referred"].cards
    assert card.since == moved.at


def test_each_stage_has_its_clock(cast: Cast, pipeline: Desk, make_customer: Callable[..., Any]) -> None:
    pipeline.draft(customer=make_customer()), pipeline.concluded("refer", customer=make_customer())
    offer = pipeline.offer(customer=make_customer())
    found = read(cast.loan_officer)
    [offered] = found["offered"].cards
    assert offered.deadline and localdate(offered.deadline) == offer.expires_on + timedelta(days=1)
    assert offered.offer == offer.public_id
    for key in ("draft", "referred"):
        [card] = found[key].cards
        assert card.deadline and card.deadline > card.since


def test_only_legal_moves_one_may_make_are_offered(cast: Cast, pipeline: Desk, make_customer: Callable[..., Any]) -> None:
    draft, referred = pipeline.draft(customer=make_customer()), pipeline.concluded("refer", customer=make_customer())
    assert board.steps(draft, cast.loan_officer) == ["complete", "withdraw"]
    assert board.steps(draft, cast.underwriter) == []
    assert board.steps(referred, cast.underwriter) == ["review"]
    assert board.steps(referred, cast.compliance) == []
    referred.entered_by = cast.underwriter
    assert board.steps(referred, cast.underwriter) == []


def test_columns_are_cut_and_show_more(
    cast: Cast, page_of: PageOf, pipeline: Desk, make_customer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "CARDS", 2)
    monkeypatch.setattr(board, "MOST", 4)
    made = [pipeline.draft(customer=make_customer()) for _ in range(5)]
    client = page_of(cast.loan_officer)
    first = client.get("/applications/board/").content.decode()
    assert all(row.public_id in first for row in made[:2]) and made[2].public_id not in first
    assert "shown=4" in first
    more = client.get("/applications/board/?stage=draft&shown=4", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in more and made[3].public_id in more and made[4].public_id not in more
    assert "/applications/?w=1.status.in.draft" in more
    assert made[3].public_id in client.get("/applications/board/?stage=draft&shown=4").content.decode()  # without scripts too
    for odd in ("shown=x", "shown=-1", "shown=99999", "shown=0", "stage=nothing", "whose=mine"):
        assert client.get(f"/applications/board/?stage=draft&{odd}").status_code == 200


def test_the_board_costs_the_same_for_few_and_for_many(
    cast: Cast, page_of: PageOf, pipeline: Desk, make_customer: Callable[..., Any]
) -> None:
    client = page_of(cast.loan_officer)
    (
        pipeline.draft(customer=make_customer()),
        pipeline.concluded("refer", customer=make_customer()),
        pipeline.offer(customer=make_customer()),
    )

    def count() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get("/applications/board/").status_code == 200
        return len(seen)

    count()
    few = count()
    for _ in range(3):
        pipeline.draft(customer=make_customer()), pipeline.concluded("refer", customer=make_customer())
    assert count() == few
