"""Contacts are drawn by a seed, scored by a form in versions, calibrated, replied to; words raise flags the same day."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collection import flag_words, quality, recordings, supervision_tasks
from collection.models import Contact, ContactFlag, QualityReview
from crm.lib.errors import Invalid
from governance.lifecycle import IllegalMove
from ledger.models import Entry
from tests.collection.conftest import AFTER, Floor
from tests.collection.many import many_cases

TODAY = AFTER.date()
LISTS = {"threat": {"zh": ["坐牢", "坐牢去"], "en": ["or else"]}, "insult": {"zh": ["骗子"], "en": ["liar"]}}


# --- the words, pure -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("你再不还就坐牢去", [("threat", "坐牢去")]),
        ("Pay, OR ELSE. Liar!", [("threat", "OR ELSE"), ("insult", "Liar")]),
        ("familiar, peculiar", []),
        ("他说ｌｉａｒ", []),  # a word of a foreign script hangs on to letters before it: whole words only
        ("ｌｉａｒ 骗子", [("insult", "ｌｉａｒ"), ("insult", "骗子")]),
        ("", []),
    ],
)
def test_words_are_found_in_both_languages(text: str, found: list[tuple[str, str]]) -> None:
    assert [(hit.kind, text[hit.start : hit.end]) for hit in flag_words.find(text, LISTS)] == found


@given(st.text(alphabet="坐牢去骗子liar orels ", max_size=60))
def test_marked_text_is_the_text(text: str) -> None:
    pieces = flag_words.marked(text, LISTS)
    assert "".join(piece.text for piece in pieces) == text
    assert all(piece.text for piece in pieces)


# --- the score, pure -----------------------------------------------------------------------------------------------
QUESTIONS: list[dict[str, Any]] = [
    {"code": "a", "weight": 30, "critical": False}, {"code": "b", "weight": 10, "critical": False}, {"code": "c", "weight": 60, "critical": True},
]  # fmt: skip


@pytest.mark.parametrize(
    ("answers", "points", "failed"),
    [
        ({"a": "yes", "b": "yes", "c": "yes"}, D("100.0"), False),
        ({"a": "yes", "b": "no", "c": "na"}, D("75.0"), False),
        ({"a": "no", "b": "yes", "c": "yes"}, D("70.0"), False),
        ({"a": "yes", "b": "yes", "c": "no"}, D("0.0"), True),
        ({"a": "na", "b": "na", "c": "na"}, D("100.0"), False),
    ],
)
def test_a_score_is_the_weight_of_what_was_done(answers: dict[str, str], points: D, failed: bool) -> None:
    assert quality.scored(QUESTIONS, answers) == (points, failed)


@given(st.lists(st.tuples(st.integers(1, 100), st.sampled_from(quality.ANSWERS)), min_size=1, max_size=15))
def test_a_score_lies_between_nothing_and_full(rows: list[tuple[int, str]]) -> None:
    questions = [{"code": str(place), "weight": weight, "critical": False} for place, (weight, _answer) in enumerate(rows)]
    points, failed = quality.scored(questions, {str(place): answer for place, (_weight, answer) in enumerate(rows)})
    assert 0 <= points <= 100 and not failed


# --- the doors -----------------------------------------------------------------------------------------------------
def contact(floor: Floor, case: Any, *, person: Any = None, note: str = "", outcome: str = "refused") -> Contact:
    return Contact.objects.create(
        case=case, channel="call", outcome=outcome, at=AFTER, actor=person or floor.cast.collector, note=note or None, next_action="call",
        next_action_on=TODAY,
    )  # fmt: skip


@pytest.fixture
def talks(floor: Floor) -> list[Contact]:
    """Return six conversations of one collector and two of another, on two cases."""
    cases = many_cases(floor, 2)
    made = [contact(floor, cases[0]) for _ in range(6)]
    return [
        *made,
        *(contact(floor, cases[1], person=floor.cast.second_collector) for _ in range(2)),
        contact(floor, cases[0], outcome="no_answer"),
    ]


def draw(floor: Floor, **more: Any) -> list[QualityReview]:
    values: dict[str, Any] = {"since": TODAY, "until": TODAY, "each": 2, "seed": "april"}
    return quality.draw(floor.cast.entity, actor=floor.cast.collections_supervisor, at=AFTER, **values | more)


def test_a_sample_is_drawn_by_its_seed_the_flagged_with_it_and_nobody_twice(floor: Floor, talks: list[Contact]) -> None:
    talks[5].note = "你这个骗子"
    talks[5].save()
    assert len(quality.scan(talks[5], at=AFTER)) == 1
    first = draw(floor)
    assert {row.contact_id for row in first if row.drawn == "flag"} == {talks[5].pk}
    chosen = {row.contact_id for row in first}
    QualityReview.objects.all().delete()
    assert {row.contact_id for row in draw(floor)} == chosen, "the same seed draws the same"
    assert talks[8].pk not in chosen, "nobody answered"
    again = {row.contact_id for row in draw(floor, seed="may", each=50)}
    assert not again & chosen and len(again | chosen) == 8
    with pytest.raises(quality.NothingToDraw):
        draw(floor)


def test_of_whose_calls_were_recorded_only_recorded_ones_are_drawn(floor: Floor, talks: list[Contact]) -> None:
    recordings.keep(talks[0].case, reference="R-1", seconds=9, contact=talks[0], actor=floor.cast.collector, at=AFTER)
    mine = [row.contact_id for row in draw(floor) if row.contact.actor_id == floor.cast.collector.pk]
    assert mine == [talks[0].pk]


def all_yes(**more: str) -> dict[str, str]:
    form = quality.current()
    assert form is not None
    return {each["code"]: "yes" for each in form.questions} | more


def test_scored_told_replied_and_settled(floor: Floor, talks: list[Contact]) -> None:
    cast = floor.cast
    row = next(each for each in draw(floor) if each.contact.actor_id == cast.collector.pk)
    with pytest.raises(Invalid) as wrong:
        quality.score(row, answers={}, note="", actor=cast.compliance, at=AFTER)
    assert "q_tone" in wrong.value.fields
    with pytest.raises(quality.OwnContact):
        quality.score(row, answers=all_yes(), note="", actor=cast.collector, at=AFTER)
    done = quality.score(row, answers=all_yes(tone="no"), note="calmer", actor=cast.collections_supervisor, at=AFTER)
    assert (done.score, done.failed) == (D("85.0"), False)
    with pytest.raises(quality.NotYours):
        quality.reply(done, words="x", actor=cast.second_collector, at=AFTER)
    quality.reply(done, words="The line was bad.", actor=cast.collector, at=AFTER)
    with pytest.raises(IllegalMove):
        quality.reply(QualityReview.objects.get(pk=row.pk), words="again", actor=cast.collector, at=AFTER)
    quality.settle(done, words="Heard.", actor=cast.compliance, at=AFTER)
    assert QualityReview.objects.get(pk=row.pk).status == "closed"
    assert quality.results(QualityReview.objects.all())[0]["mean"] == D("85.0")


def test_a_second_person_scores_the_same_contact_and_the_difference_is_shown(floor: Floor, talks: list[Contact]) -> None:
    cast = floor.cast
    first = quality.score(draw(floor)[0], answers=all_yes(), note="", actor=cast.collections_supervisor, at=AFTER)
    second = quality.second(first, actor=cast.collections_supervisor, at=AFTER)
    assert quality.second(first, actor=cast.collections_supervisor, at=AFTER).pk == second.pk
    with pytest.raises(quality.OwnContact, match="another person"):
        quality.score(second, answers=all_yes(), note="", actor=cast.collections_supervisor, at=AFTER)
    second = quality.score(second, answers=all_yes(right_party="no"), note="", actor=cast.compliance, at=AFTER)
    assert (second.score, second.failed) == (D("0.0"), True)
    assert [(row["first"], row["second"]) for row in quality.differences(first, second)] == [("yes", "no")]


def test_a_new_version_of_the_form_leaves_old_scores_alone(floor: Floor, talks: list[Contact]) -> None:
    told = {"actor": floor.cast.collections_supervisor, "at": AFTER}
    done = quality.score(draw(floor)[0], answers=all_yes(), note="", actor=floor.cast.compliance, at=AFTER)
    made = quality.put_form(questions=[{"en": "Kind?", "zh": "友善？", "weight": 5, "critical": False}], why="shorter", **told)
    assert (made.number, [each["code"] for each in made.questions]) == (2, ["q1"])
    assert done.form.number == 1
    with pytest.raises(Invalid) as wrong:
        quality.put_form(questions=[{"en": "Kind?", "zh": "", "weight": 0, "critical": False}], why="", **told)
    assert set(wrong.value.fields) == {"zh_0", "weight_0", "why"}


def test_words_raise_a_flag_when_the_contact_is_logged_and_when_its_recording_comes(floor: Floor) -> None:
    (case,) = many_cases(floor, 1)
    row = contact(floor, case, note="客户要投诉到12378")
    recordings.keep(case, reference="R-2", seconds=9, contact=row, actor=floor.cast.collector, at=AFTER, transcript="你就是个老赖，骗子")
    for _twice in range(2):
        supervision_tasks.scan_recording(entry=Entry.objects.get(event="collections.recording.kept"))
    found = list(ContactFlag.objects.order_by("kind").values_list("kind", "where", "number"))
    assert found == [("complaint", "note", 2), ("insult", "transcript", 2)]
    flag = ContactFlag.objects.get(kind="insult")
    with pytest.raises(quality.OwnContact):
        quality.settle_flag(flag, outcome="harmless", actor=floor.cast.collector, at=AFTER)
    quality.settle_flag(flag, outcome="confirmed", actor=floor.cast.compliance, at=AFTER + timedelta(hours=1))
    with pytest.raises(Invalid, match="already"):
        quality.settle_flag(ContactFlag.objects.get(pk=flag.pk), outcome="harmless", actor=floor.cast.compliance, at=AFTER)


@pytest.mark.parametrize(
    ("changes", "field"), [({"until": TODAY - timedelta(days=1)}, "until"), ({"each": 0}, "each"), ({"seed": " "}, "seed")]
)
def test_a_sample_that_cannot_be_is_said_at_its_field(floor: Floor, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as wrong:
        draw(floor, **changes)
    assert field in wrong.value.fields


def test_a_collector_sees_their_own_scores_only_and_pages_answer(floor: Floor, talks: list[Contact], client: Any) -> None:
    cast = floor.cast
    rows = draw(floor)
    for row in rows:
        quality.score(row, answers=all_yes(), note="", actor=cast.compliance, at=AFTER)
    theirs = next(row for row in rows if row.contact.actor_id == cast.second_collector.pk)
    mine = next(row for row in rows if row.contact.actor_id == cast.collector.pk)
    client.force_login(cast.collector)
    assert client.get(f"/collections/quality/{theirs.public_id}/").status_code == 404
    assert client.get(f"/collections/quality/{mine.public_id}/").status_code == 200
    page = client.get("/collections/quality/").content.decode()
    assert mine.contact.public_id in page and theirs.contact.public_id not in page
