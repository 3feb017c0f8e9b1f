"""Quality and capacity over HTTP: the form in versions, a review from the draw to the settled reply, the plan of the morning."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from collection import capacity, quality
from collection.models import CapacityDay, Contact, QualityReview
from tests.collection.conftest import AFTER, Floor
from tests.collection.many import many_cases, on_the_roster

TODAY = AFTER.date()
SCOPES = ("quality:read", "quality:write", "cases:write", "team:read")


@pytest.fixture
def talks(floor: Floor) -> None:
    """Two talks of one collector: of the supervisor nothing is drawn."""
    case = floor.case()
    for number in range(2):
        Contact.objects.create(
            case=case, channel="call", outcome="refused", at=AFTER - timedelta(hours=number), actor=floor.cast.collector, note="客户说没钱",
            next_action="call", next_action_on=TODAY,
        )  # fmt: skip


def test_the_form_is_read_and_changed_as_a_new_version(floor: Floor, api_of: Any) -> None:
    supervisor, auditor = (api_of(*SCOPES, user=getattr(floor.cast, name)) for name in ("collections_supervisor", "auditor"))
    standing = auditor.get("/api/v1/quality-forms/").json()["results"][0]
    kept = standing["questions"][0]
    new = {"en": "Was the next step agreed?", "zh": "是否约定了下一步？", "weight": 10}
    body = {"questions": [kept, new], "why": "next steps"}
    assert auditor.post("/api/v1/quality-forms/", body, format="json").status_code == 403
    twice = supervisor.post("/api/v1/quality-forms/", body | {"questions": [kept, kept]}, format="json")
    assert (twice.status_code, list(twice.json()["errors"])) == (422, ["questions"]), "one code of two questions would mix up their answers"
    made = supervisor.post("/api/v1/quality-forms/", body, format="json").json()
    assert (made["number"], [each["code"] for each in made["questions"]]) == (standing["number"] + 1, [kept["code"], "q2"])
    assert len(auditor.get("/api/v1/quality-forms/").json()["results"]) == 2


def test_a_review_from_the_draw_to_the_settled_reply(floor: Floor, talks: None, api_of: Any) -> None:
    supervisor, collector, compliance = (
        api_of(*SCOPES, user=getattr(floor.cast, name)) for name in ("collections_supervisor", "collector", "compliance")
    )
    sample = {"since": TODAY.isoformat(), "until": TODAY.isoformat(), "each": 1, "seed": "april"}
    late = supervisor.post("/api/v1/quality-reviews/", sample | {"until": "9999-12-31"}, format="json")
    assert (late.status_code, list(late.json()["errors"])) == (422, ["until"])
    [row] = supervisor.post("/api/v1/quality-reviews/", sample, format="json").json()
    assert (row["status"], row["collector"], row["score"]) == ("waiting", floor.cast.collector.public_id, None)
    url = f"/api/v1/quality-reviews/{row['id']}/"
    assert collector.get(url).status_code == 404, "one sees one's own once it is scored"
    form = quality.current()
    assert form is not None
    answers = {each["code"]: "yes" for each in form.questions}
    left_out = supervisor.post(f"{url}score/", {"answers": {"tone": "yes"}}, format="json")
    assert left_out.status_code == 422 and "answers.introduced" in left_out.json()["errors"]
    done = supervisor.post(f"{url}score/", {"answers": answers | {"tone": "no"}, "note": "请更耐心"}, format="json")
    assert (done.json()["score"], done.json()["answers"]["tone"], done.json()["form"]) == ("85.0", "no", form.number)
    assert "请更耐心" not in done.content.decode(), "words go in and are not given out"
    assert collector.get(url).json()["score"] == "85.0"
    not_mine = compliance.post(f"{url}reply/", {"words": "x"}, format="json")
    assert not_mine.status_code == 403
    assert collector.post(f"{url}reply/", {"words": "线路不好"}, format="json").json()["status"] == "replied"
    assert compliance.post(f"{url}settle/", {"words": "已了解"}, format="json").json()["status"] == "closed"
    assert QualityReview.objects.get().reply == "线路不好"
    second = supervisor.post(f"{url}second/", {}, format="json")
    assert (second.status_code, second.json()["round"], second.json()["status"]) == (201, 2, "waiting")
    assert len(supervisor.get("/api/v1/quality-reviews/?status=waiting").json()["results"]) == 1


def test_the_plan_of_the_morning_is_read_by_who_plans_the_team(floor: Floor, api_of: Any) -> None:
    on_the_roster(floor.cast.collector, daily_contacts=2, workdays=list(range(7)))
    many_cases(floor, 3, next_action="call", next_action_on=TODAY)
    made = capacity.make(floor.cast.entity, at=AFTER)
    supervisor, collector = (api_of(*SCOPES, user=getattr(floor.cast, name)) for name in ("collections_supervisor", "collector"))
    assert collector.get("/api/v1/capacity-plans/").status_code == 403
    [plan] = supervisor.get("/api/v1/capacity-plans/").json()["results"]
    first = plan["days"][0]
    assert (plan["on"], len(plan["days"])) == (made.on.isoformat(), capacity.HORIZON)
    assert (first["needed"], first["capacity"], first["short"]) == (made.days[0]["needed"], 2, made.days[0]["short"])
    assert (first["off"], first["carried"]) == (False, 0)
    assert first["short"] == 1 and plan["proposals"] == [str(each) for each in capacity.proposals(made)]
    assert [line["bucket"] for line in plan["rolls"]] == [f"M{line['bucket']}" for line in made.rolls]
    assert [D(line["whole"]) for line in plan["rolls"]] == [D(line["whole"]) for line in made.rolls]
    older = [{name: value for name, value in day.items() if name not in ("off", "carried")} for day in made.days]
    CapacityDay.objects.filter(pk=made.pk).update(days=older)
    [plan] = supervisor.get("/api/v1/capacity-plans/").json()["results"]
    assert (plan["days"][0]["off"], plan["days"][0]["carried"]) == (False, 0), (
        "a plan kept from before days off were told apart is read too"
    )
