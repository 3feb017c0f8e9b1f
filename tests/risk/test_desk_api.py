"""Lists, monitoring and proposed limits over HTTP: the doors of the pages, with the same second person."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now
from rest_framework.test import APIClient

from governance import changes
from risk import alerts, list_changes
from risk.models import ListEntry, MonitorRun, RiskAlert, StrategyVersion
from tests.fixtures.cast import NOON, Cast
from tests.risk.behaviours import limit_proposal
from tests.risk.support import live_scorecard

pytestmark = pytest.mark.django_db
MOBILE = {"what": "mobile", "value": "13800001234"}


def client(person: Any) -> APIClient:
    found = APIClient()
    found.force_login(person)
    return found


def test_a_value_is_looked_up_and_put_on_by_two_people(cast: Cast) -> None:
    manager, reader = client(cast.risk_manager), client(cast.underwriter)
    asked = MOBILE | {"list": "black", "reason": "Lent under another name", "source": "own"}
    assert reader.post("/api/v1/list-entries/", asked, format="json").status_code == 403
    answer = manager.post("/api/v1/list-entries/", asked, format="json")
    assert (answer.status_code, answer.json()["status"]) == (201, "open")
    assert reader.post("/api/v1/list-entries/search/", MOBILE, format="json").json() == {"lists": [], "entries": []}
    changes.confirm(list_changes.waiting().get(public_id=answer.json()["change"]), actor=cast.compliance, at=now())
    found = reader.post("/api/v1/list-entries/search/", {"what": "mobile", "value": "138 0000 1234"}, format="json").json()
    assert found["lists"] == ["black"]
    assert (found["entries"][0]["masked"], found["entries"][0]["confirmed_by"]) == ("138****1234", "compliance")
    listed = reader.get("/api/v1/list-entries/").json()["results"]
    assert "13800001234" not in str(listed) and [one["id"] for one in listed] == [ListEntry.objects.get().public_id]
    base = f"/api/v1/list-entries/{listed[0]['id']}/"
    assert manager.post(f"{base}end/", {"reason": "Was a mistake"}, format="json").json()["status"] == "open"
    assert manager.post(f"{base}end/", {"reason": "Was a mistake"}, format="json").status_code == 409
    assert ListEntry.objects.get().ended_at is None


def test_a_value_that_cannot_be_is_refused_by_its_field(cast: Cast) -> None:
    asked = {"list": "black", "what": "mobile", "value": "12", "reason": "x", "source": "own"}
    answer = client(cast.risk_manager).post("/api/v1/list-entries/", asked, format="json")
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["value"])


def test_an_alert_is_taken_in_hand_and_closed(cast: Cast, customer: Any) -> None:
    finding = alerts.Finding(RiskAlert.Kind.EARLY_WARNING, RiskAlert.Level.ACT, "0.4", "0.3")
    alerts.warn({customer.pk: finding}, on=NOON.date(), at=NOON, actor=cast.system)
    analyst = client(cast.risk_analyst)
    row = analyst.get("/api/v1/risk-alerts/").json()["results"][0]
    assert (row["kind"], row["status"], row["customer"]) == ("early_warning", "open", customer.public_id)
    base = f"/api/v1/risk-alerts/{row['id']}/"
    assert client(cast.auditor).post(f"{base}acknowledge/").status_code == 403
    assert analyst.post(f"{base}acknowledge/").json()["acknowledged_by"] == "risk_analyst"
    assert analyst.post(f"{base}acknowledge/").status_code == 409
    assert analyst.post(f"{base}close/", {"reason": "none"}, format="json").status_code == 422
    assert analyst.post(f"{base}close/", {"reason": "helped"}, format="json").json()["status"] == "closed"


def test_the_figures_of_a_version_are_read_by_month(cast: Cast) -> None:
    live_scorecard(cast.system)
    policy = StrategyVersion.objects.select_related("strategy").get(status="live", strategy__kind="lending")
    told = {"strategy_version": policy, "decisions": 7, "figures": {"features": {}}, "made_at": NOON, "took_ms": 3}
    today = now().date()
    for on in (today, today - timedelta(days=40)):
        MonitorRun.objects.create(on=on, month=on.replace(day=1), **told)
    base = f"/api/v1/strategies/{policy.strategy.public_id}/monitoring/"
    rows = client(cast.auditor).get(base).json()["results"]
    assert [row["on"] for row in rows] == [(today - timedelta(days=40)).isoformat(), today.isoformat()]
    assert rows[0]["decisions"] == 7 and rows[0]["version"] == policy.number
    assert client(cast.auditor).get(f"{base}?version={policy.number + 1}").json() == {"results": []}
    assert client(cast.auditor).get(f"{base}?version=x").status_code == 422
    assert client(cast.underwriter).get(base).status_code == 403


def test_a_proposed_limit_is_decided_once(cast: Cast, customer: Any) -> None:
    proposal = limit_proposal(cast.system, customer)
    manager = client(cast.risk_manager)
    row = manager.get("/api/v1/limit-proposals/").json()["results"][0]
    assert (row["direction"], row["limit_proposed"], row["pd"]) == ("down", "10000.00", "0.400000")
    base = f"/api/v1/limit-proposals/{proposal.public_id}/"
    assert manager.post(f"{base}approve/", {}, format="json").json()["status"] == "approved"
    assert manager.post(f"{base}refuse/").status_code == 409
    assert client(cast.collector).get("/api/v1/limit-proposals/").status_code == 403
    assert client(cast.outsider).get("/api/v1/limit-proposals/").json()["results"] == []
