"""Models over HTTP: what is read, and the steps of a second and a third person."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from risk import model_states
from risk.models import ScorecardVersion
from tests.fixtures.cast import Cast
from tests.risk.test_model_states import WORDS, registered

pytestmark = pytest.mark.django_db


def client(person: Any) -> APIClient:
    found = APIClient()
    found.force_login(person)
    return found


@pytest.fixture
def draft(cast: Cast) -> ScorecardVersion:
    return registered(cast.risk_analyst)


def test_the_steps_over_http(cast: Cast, draft: ScorecardVersion) -> None:
    base = f"/api/v1/models/{draft.scorecard.public_id}/"
    row = client(cast.auditor).get(base).json()
    assert (row["code"], row["versions"][0]["status"], row["versions"][0]["developer"]) == ("retail", "draft", "risk_analyst")
    assert 0.5 < row["versions"][0]["auc"] < 1
    assert row["id"] in [one["id"] for one in client(cast.auditor).get("/api/v1/models/").json()["results"]]
    report = {"number": draft.number, "report": WORDS, "checklist": list(model_states.CHECKS), "tier": 1}
    manager, compliance = client(cast.risk_manager), client(cast.compliance)
    assert manager.post(f"{base}validate/", report | {"checklist": []}, format="json").status_code == 422
    assert manager.post(f"{base}validate/", report | {"number": 99}, format="json").status_code == 404
    assert client(cast.risk_analyst).post(f"{base}validate/", report, format="json").status_code == 403
    assert manager.post(f"{base}validate/", report, format="json").json()["status"] == "validated"
    assert manager.post(f"{base}validate/", report, format="json").status_code == 409
    told = {"number": draft.number, "text": WORDS}
    assert manager.post(f"{base}approve/", told, format="json").json()["code"] == "same_person"
    answer = compliance.post(f"{base}approve/", told, format="json").json()
    assert (answer["status"], answer["approver"]) == ("approved", "compliance")
    assert compliance.post(f"{base}approve/", told, format="json").status_code == 409


def test_who_may_not_read_models_is_refused(cast: Cast, draft: ScorecardVersion, page_of: Callable[[Any], Any]) -> None:
    for name in ("models", "data-sets", "trainings"):
        assert client(cast.collector).get(f"/api/v1/{name}/").status_code == 403
        assert client(cast.risk_analyst).get(f"/api/v1/{name}/").status_code == 200
