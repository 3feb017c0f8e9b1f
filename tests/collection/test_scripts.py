"""Scripts: nothing of the debt before the person is confirmed, what must be said is said, a new version needs two persons."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.timezone import localdate
from django.utils.timezone import now as real_now

from collection import cases, checks, contacts, script_panel, scripts
from collection.models import CallScript, Case, LineSaid
from crm.lib.errors import DomainError, Invalid
from governance import changes
from tests.collection.call_rows import say_all
from tests.collection.conftest import AFTER, Floor, by_daylight
from tests.fixtures.cast import NOON, Cast

KEY = "early:confirmed:zh-hans"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def case(floor: Floor) -> Case:
    return cases.claim(floor.case(), actor=floor.cast.collector, at=AFTER)


def confirm(case: Case, floor: Floor, at: Any = AFTER) -> Any:
    person = case.customer
    answers = {"id_last4": person.id_number[-4:], "birth_year": str(person.born_on.year)}
    return checks.confirm(case, answers=answers, actor=floor.cast.collector, at=at)


def words(reading: scripts.Reading) -> str:
    return "\n".join(step.text for _script, steps in reading.parts for step in steps)


def log(case: Case, floor: Floor, at: Any = AFTER, **more: Any) -> Any:
    told: dict[str, Any] = {"channel": "call", "outcome": "refused", "next_action": "call", "next_action_on": at.date()}
    return contacts.log_contact(case, actor=floor.cast.collector, at=at, **(told | more))


# --- what is shown ---------------------------------------------------------------------------------------------------------
def test_the_debt_is_named_once_the_person_is_confirmed(case: Case, floor: Floor) -> None:
    from collection import owed
    from crm.lib.templatetags.crm import spoken

    before = script_panel.read(case, user=floor.cast.collector, at=AFTER, check=None)
    assert [script.party for script, _steps in before.parts] == ["unknown"]
    assert not scripts.WORDS_OF_DEBT.search(words(before).replace("信远消费金融", ""))
    after = script_panel.read(case, user=floor.cast.collector, at=AFTER, check=confirm(case, floor))
    assert [script.party for script, _steps in after.parts] == ["unknown", "confirmed"]
    demand = owed.overdue_until(case.customer_id, today=floor.cast.entity.business_date, until=floor.cast.entity.business_date)
    from django.utils import translation

    with translation.override("zh-hans"):
        assert spoken(demand) in words(after)
    other = script_panel.read(
        case, user=floor.cast.collector, at=AFTER, check=checks.third_party(case, actor=floor.cast.collector, at=AFTER)
    )
    assert [script.party for script, _steps in other.parts] == ["unknown", "third"]


@pytest.mark.parametrize(("bucket", "stage"), [(1, "early"), (2, "middle"), (3, "middle"), (4, "late"), (7, "late")])
def test_the_stage_goes_by_the_bucket(bucket: int, stage: str) -> None:
    assert scripts.stage_of(Case(bucket=bucket)) == stage


def test_the_script_speaks_the_customers_language(case: Case, floor: Floor) -> None:
    case.customer.language = "en"
    assert "This call is recorded" in words(script_panel.read(case, user=floor.cast.collector, at=AFTER, check=None))
    assert CallScript.objects.filter(status="live").count() == 24, "three stages, four parties, two languages"


# --- what must be said -----------------------------------------------------------------------------------------------------
def test_a_talk_with_the_debtor_needs_its_lines(case: Case, floor: Floor) -> None:
    confirm(case, floor)
    with pytest.raises(scripts.LinesNotSaid) as refused:
        log(case, floor)
    assert (refused.value.code, set(refused.value.fields)) == ("lines_not_said", {"outcome"})
    assert say_all(case, worker=floor.cast.collector, at=AFTER) > 2
    contact = log(case, floor)
    assert contact.lines_said.count() == LineSaid.objects.count() > 2
    row = cases.claim(case, actor=floor.cast.collector, at=AFTER + MINUTE)
    confirm(row, floor, AFTER + MINUTE)
    with pytest.raises(scripts.LinesNotSaid):
        log(row, floor, AFTER + MINUTE)


@pytest.mark.parametrize("outcome", ["no_answer", "busy", "third_party", "wrong_number", "callback"])
def test_who_was_not_spoken_to_needs_none(case: Case, floor: Floor, outcome: str) -> None:
    assert log(case, floor, outcome=outcome).outcome == outcome


def test_lines_are_ones_own_and_the_script_has_to_have_them(case: Case, floor: Floor) -> None:
    script = scripts.live(case, ["unknown"])[0]
    with pytest.raises(cases.NotHeld):
        scripts.say(case, script=script, code="l1", actor=floor.cast.second_collector, at=AFTER)
    with pytest.raises(Invalid, match="no such line"):
        scripts.say(case, script=script, code="l99", actor=floor.cast.collector, at=AFTER)
    for _twice in range(2):
        scripts.say(case, script=script, code="l1", actor=floor.cast.collector, at=AFTER)
    assert LineSaid.objects.count() == 1


# --- a new version ---------------------------------------------------------------------------------------------------------
def line(text: str, must: bool = True, n: int = 1) -> dict[str, Any]:
    return {"code": f"l{n}", "text": text, "must": must}


def test_a_new_version_needs_two_persons_and_the_old_one_stays_readable(floor: Floor, cast: Cast) -> None:
    change = scripts.propose(KEY, lines=[line("您现应还{amount}。")], reason="shorter", actor=cast.collections_supervisor, at=NOON)
    with pytest.raises(DomainError):
        changes.confirm(change, actor=cast.collections_supervisor, at=NOON)
    was = scripts.standing(KEY)
    assert was is not None and was.version == 1
    changes.confirm(change, actor=cast.compliance, at=NOON)
    now = scripts.standing(KEY)
    assert now is not None
    assert (now.version, now.lines[0]["text"]) == (2, "您现应还{amount}。")
    was.refresh_from_db()
    assert was.status == "retired"


@pytest.mark.parametrize(
    ("key", "lines", "says"),
    [
        ("early:unknown:zh-hans", [line("您欠款{amount}")], "speaks of the debt"),
        ("early:unknown:zh-hans", [line("{days}")], "speaks of the debt"),
        ("early:third:en", [line("He owes us money")], "speaks of the debt"),
        ("early:third:zh-hans", [line("他的贷款逾期了")], "speaks of the debt"),
        (KEY, [line("{secret}")], "none of the placeholders"),
        (KEY, [], "Write 1 to 12 lines"),
        (KEY, [line("x", n=n) for n in range(13)], "Write 1 to 12 lines"),
        (KEY, [line("x" * 301)], "1 to 300 characters"),
        (KEY, [line("x", must=False)], "must be said"),
        ("early:nobody:en", [line("x")], "no such script"),
    ],
)
def test_what_cannot_be_a_script_is_named(floor: Floor, cast: Cast, key: str, lines: list[Any], says: str) -> None:
    with pytest.raises(Invalid, match=says):
        scripts.propose(key, lines=lines, reason="x", actor=cast.collections_supervisor, at=NOON)


# --- pages -----------------------------------------------------------------------------------------------------------------
def test_the_page_steps_through_the_lines_and_refuses_before(floor: Floor, client: Client) -> None:
    row = floor.case()
    by_daylight()
    at = real_now()
    case = cases.claim(row, actor=floor.cast.collector, at=at)
    client.force_login(floor.cast.collector)
    url = reverse("case", args=[case.public_id])
    assert "逾期" not in client.get(url).content.decode().split("What to say")[1].split("</section>")[0]
    confirm(Case.objects.select_related("customer").get(pk=case.pk), floor, real_now())
    body = {"channel": "inbound", "outcome": "refused", "next_action": "call", "next_action_on": localdate(real_now()).isoformat()}
    refused = client.post(reverse("case-contact", args=[case.public_id]), body)
    assert (refused.status_code, "Say the lines that must be said first" in refused.content.decode()) == (422, True)
    part = client.get(url).content.decode()
    for _line in range(10):
        found = re.search(r'name="script" value="(SP-\w+)"><input type="hidden" name="code" value="(\w+)"', part)
        if found is None:
            break
        data = {"script": found[1], "code": found[2]}
        part = client.post(reverse("case-say", args=[case.public_id]), data, headers={"HX-Request": "true"}).content.decode()
    assert "All said" in part


def test_the_supervisor_changes_a_script_and_all_print(floor: Floor, client: Client) -> None:
    client.force_login(floor.cast.collections_supervisor)
    assert "Before the person is confirmed" in client.get(reverse("script-list")).content.decode()
    url = reverse("script-change", args=[KEY])
    wrong = client.post(url, {"line_1": "{secret}", "must_1": "on", "reason": "x"})
    assert wrong.status_code == 422
    assert client.post(url, {"line_1": "您现应还{amount}。", "must_1": "on", "reason": "shorter"}).status_code == 303
    assert "waits for a second person" in client.get(reverse("script", args=[KEY])).content.decode()
    assert client.get(reverse("script", args=["early:nobody:en"])).status_code == 404
    assert client.get(reverse("script-paper")).content.startswith(b"%PDF")
