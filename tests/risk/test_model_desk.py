"""The model desk as an analyst meets it: from a CSV file to a champion in the browser; what is refused, and how it is said."""

import gzip
import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import MemoryFileUploadHandler, TemporaryFileUploadHandler
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import localdate

from crm.lib import uploads
from risk import data_sets, german, model_bins, model_proofs, registry, trainings
from risk.models import DataSet, ModelAct, ScorecardVersion, Training
from tests.fixtures.cast import Cast
from tests.risk.support import NOON, artefact, live_scorecard

pytestmark = pytest.mark.django_db
REPORT = "Looked at the data, the figures and the reasons."
KEPT = ("checking_status", "term", "savings", "purpose", "age", "personal_status_sex")


def lines(count: int = 400) -> bytes:
    """Return some columns of the first real applications as a CSV file."""
    out = io.StringIO()
    rows = german.rows()[:count]
    out.write(",".join([*KEPT, "bad"]) + "\n")
    out.writelines(",".join(str(row[name]) for name in [*KEPT, "bad"]) + "\n" for row in rows)
    return out.getvalue().encode()


@pytest.fixture
def data_set(cast: Cast, storage: Any) -> DataSet:
    return data_sets.bring_in(lines(), file_name="german.csv", name="German", target="bad", actor=cast.risk_analyst, at=NOON)


def sent(client: Client, content: bytes, *, target: str = "bad", name: str = "German", **more: Any) -> Any:
    file = SimpleUploadedFile("german.csv", content, content_type="text/csv")
    return client.post("/risk/data/new/", {"name": name, "target": target, "file": file}, **more)


def test_from_a_file_to_a_champion_in_the_browser(cast: Cast, storage: Any, page_of: Callable[[Any], Client]) -> None:
    """Upload, roles, training, bins, sentences, validation, approval, champion: each by a form of a page."""
    live_scorecard(cast.system)
    analyst, manager, compliance = (page_of(one) for one in (cast.risk_analyst, cast.risk_manager, cast.compliance))
    answer = sent(analyst, lines())
    found = DataSet.objects.get()
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/risk/data/{found.public_id}/")
    assert (found.named("protected"), found.rows, found.target) == (["age", "personal_status_sex"], 400, "bad")
    page = analyst.get(f"/risk/data/{found.public_id}/").content.decode()
    assert "checking_status" in page and "protected attribute" in page

    places = {one["name"]: place for place, one in enumerate(found.columns)}
    roles = {f"role_{place}": found.columns[place]["role"] for place in places.values()} | {f"role_{places['purpose']}": "segment"}
    assert analyst.post(f"/risk/data/{found.public_id}/", roles | {"version": "1"}).status_code == 303
    assert analyst.post(f"/risk/data/{found.public_id}/", roles | {"version": "1"}).status_code == 409  # the other tab was faster
    found.refresh_from_db()
    assert found.named("segment") == ["purpose"]

    order = {"code": "challenger", "name_en": "Challenger", "name_zh": "挑战者", "kind": "scorecard", "cv": "2", "seed": "1"}
    location = analyst.post(f"/risk/data/{found.public_id}/train/", order).headers["Location"]
    training = Training.objects.get()
    assert "hx-get" in analyst.get(location).content.decode()
    assert trainings.run(training.pk, at=NOON) is not None
    assert trainings.run(training.pk, at=NOON) is None  # a delivery may come twice
    text = analyst.get(location).content.decode()
    assert "Open the model" in text and "hx-get" not in text
    version = ScorecardVersion.objects.get(scorecard__code="challenger")
    assert (version.status, version.developer, version.kind) == ("draft", cast.risk_analyst, "scorecard")
    assert not {"age", "personal_status_sex", "purpose"} & {one["name"] for one in version.content["features"]}
    assert set(version.metrics["fairness"]) == {"age", "personal_status_sex"}

    model = f"/risk/models/{version.scorecard.public_id}/"
    page = analyst.get(model).content.decode()
    assert "Fairness" in page and "Stability by segment" in page and "validate/" not in page
    for kind in ("roc", "ks", "calibration", "scores"):
        assert analyst.get(f"{model}charts/{kind}/").json()["series"]

    # bins: look, then save as a new version
    numeric = model_bins.feature_of(version, "term")
    assert numeric is not None
    address = f"{model}bins/term/"
    assert analyst.get(f"{address}?version=1").status_code == 200
    look = analyst.post(address, {"number": "1", "bins": "12\n24", "look": "1"})
    assert look.status_code == 200 and "nothing is saved yet" in look.content.decode()
    assert ScorecardVersion.objects.filter(scorecard=version.scorecard).count() == 1
    save = {"number": "1", "bins": "12\n24", "save": "1", "form_key": "0d9a3f2e-6c1b-4e0b-8a51-5d2c7e9f4b10"}
    twice = [analyst.post(address, save).headers["Location"] for _click in range(2)]
    assert twice[0] == twice[1]
    edit = Training.objects.latest("pk")
    trainings.run(edit.pk, at=NOON)
    edit.refresh_from_db()
    assert edit.result is not None, edit.job.problems
    edited = ScorecardVersion.objects.get(pk=edit.result_id)
    spec = model_bins.feature_of(edited, "term")
    assert edited.number == 2 and spec is not None and [one["high"] for one in spec["bins"]] == [12.0, 24.0, None]

    # sentences, while it is a draft
    form = analyst.get(f"{model}reasons/?version=2").context["form"]
    texts = {name: form[name].value() for name in form.fields if name != "form_key"} | {"customer_zh_0": "改过的句子。"}
    assert analyst.post(f"{model}reasons/", texts).status_code == 303
    edited.refresh_from_db()
    assert "改过的句子。" in str(edited.content["reasons"])

    told = {"number": "2", "report": REPORT, "tier": "1", "checklist": CHECKS}
    assert analyst.post(f"{model}validate/", told).status_code == 403
    assert "validate/" in manager.get(model + "?version=2").content.decode()
    assert manager.post(f"{model}validate/", told).status_code == 303
    assert manager.post(f"{model}validate/", told).status_code == 409  # the other tab
    said = {"number": "2", "text": REPORT, "review_due": "2026-12-01", "fairness_reason": "Explained by income; watched monthly."}
    assert manager.post(f"{model}approve/", said).status_code in (403, 409)

    # the proof was ordered by the validation, and no page makes it
    early = compliance.get(f"{model}approve/?version=2").content.decode()
    assert "hx-get" in early and "The form opens when the proof is made." in early
    assert compliance.post(f"{model}approve/", said | {"review_due": due()}).status_code == 409
    proof = edited.proofs.get()
    assert model_proofs.run(proof.pk, at=NOON) is not None
    assert model_proofs.run(proof.pk, at=NOON) is None  # a delivery may come twice
    assert "HX-Redirect" in compliance.get(f"{model}proof/?version=2", headers={"HX-Request": "true"}).headers
    at_live = model_proofs.standing(edited)["fairness"]
    assert [one["score"] for one in at_live] == ["510"] and set(at_live[0]["tables"]) == {"age", "personal_status_sex"}
    for rows in at_live[0]["tables"].values():
        assert max(row["ratio"] for row in rows) == 1.0 and 300 < sum(row["rows"] for row in rows) <= 400  # small groups are left out
    page = compliance.get(f"{model}approve/?version=2").content.decode()
    assert "400 rows were scored" in page and "The form opens" not in page
    ok = compliance.post(f"{model}approve/", said | {"review_due": due()})
    assert ok.status_code == 303, ok.content.decode()[:2000]
    edited.refresh_from_db()
    assert edited.proof["again"] and edited.proof["rows"] == 400 and edited.proof["max_abs_diff"] < 1e-9
    assert compliance.post(f"{model}champion/", {"number": "2"}).status_code == 303
    edited.refresh_from_db()
    assert edited.status == "live"
    kinds = list(ModelAct.objects.filter(version=edited).order_by("pk").values_list("kind", flat=True))
    assert kinds == ["edited", "validated", "approved", "champion"]
    assert "v2" in manager.get("/risk/models/").content.decode()
    table = manager.get("/risk/models/inventory.csv").content.decode("utf-8-sig")
    assert "challenger" in table and "champion" not in table
    card = manager.get(f"{model}card/?version=2").content.decode()
    assert REPORT not in card and edited.sha256 in card
    paper = manager.get(f"{model}card.pdf?version=2")
    assert paper.content.startswith(b"%PDF") and paper.headers["Content-Type"] == "application/pdf"


CHECKS = ["data", "target", "leakage", "performance", "stability", "fairness", "reasons"]


def due() -> str:
    return (localdate() + timedelta(days=300)).isoformat()


HEAD = b"a,b,bad\n"
BAD_FILES: dict[str, tuple[bytes, str]] = {
    "no target": (b"a,b\n" + b"1,2\n" * 50, "no column"),
    "one class": (HEAD + b"1,2,0\n" * 50, "same outcome"),
    "three classes": (HEAD + b"".join(b"1,2,%d\n" % (n % 3) for n in range(60)), "different values"),
    "no rows": (HEAD, "no rows"),
    "empty": (b"", "empty"),
    "binary": (bytes(range(256)) * 50, "text form"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + b"\x00" * 500, "text form"),
    "broken gzip": (gzip.compress(lines())[:-40], "broken"),
    "ragged": (HEAD + b"1,2\n" * 50, "values"),
    "few bad ones": (HEAD + b"1,2,1\n" * 3 + b"1,3,0\n" * 50, "rarer outcome"),
    "nothing to learn": (HEAD + b"".join(b"7,7,%d\n" % (n % 2) for n in range(60)), "No column is left"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_a_sentence_and_what_was_typed_stays(case: str, cast: Cast, storage: Any, page_of: Callable[[Any], Client]) -> None:
    content, words = BAD_FILES[case]
    answer = sent(page_of(cast.risk_analyst), content, name="My table")
    text = answer.content.decode()
    assert answer.status_code == 422, text[:500]
    assert words in text
    assert 'value="My table"' in text and 'value="bad"' in text
    assert not DataSet.objects.exists()


def test_ten_gigabytes_are_refused_by_a_sentence(
    cast: Cast, storage: Any, page_of: Callable[[Any], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a request says it carries is believed: the file goes by, and is kept neither in memory nor on disk."""
    monkeypatch.setattr(uploads, "LARGEST", 5_000)
    monkeypatch.setattr(data_sets, "LARGEST", 4_000)
    monkeypatch.setattr("risk.views.data_sets.ENVELOPE", 1_000)
    monkeypatch.setattr(TemporaryFileUploadHandler, "new_file", never)
    monkeypatch.setattr(MemoryFileUploadHandler, "new_file", never)
    answer = sent(page_of(cast.risk_analyst), lines(), name="My table")
    text = answer.content.decode()
    assert answer.status_code == 422 and "The file is larger than" in text and 'value="My table"' in text
    assert not DataSet.objects.exists()


def never(*_args: Any, **_more: Any) -> None:
    raise AssertionError("the file was taken up")


def test_a_word_in_a_column_of_numbers_is_told_and_training_goes_on(cast: Cast, storage: Any) -> None:
    rows = lines().decode().replace("\n", "\n", 1).splitlines()
    rows[5] = re.sub(r"^([^,]*),(\d+),", r"\1,many,", rows[5])
    made = data_sets.bring_in("\n".join(rows).encode(), file_name="x.csv", name="x", target="bad", actor=cast.risk_analyst, at=NOON)
    told = [data_sets.noted(one) for one in made.problems if one["column"] == "term"]
    assert told and "many" in told[0]
    packed = data_sets.bring_in(gzip.compress(lines()), file_name="x.gz", name="x", target="bad", actor=cast.risk_analyst, at=NOON)
    assert packed.rows == 400


@pytest.mark.parametrize(
    ("change", "field"),
    [({"code": "Ä b"}, "code"), ({"kind": "oracle"}, "kind"), ({"cv": "1"}, "cv"), ({"cv": "x"}, "cv"), ({"seed": "-1"}, "seed")],
)
def test_a_training_that_cannot_be_is_named_at_its_field(
    change: dict[str, str], field: str, cast: Cast, data_set: DataSet, page_of: Callable[[Any], Client]
) -> None:
    order = {"code": "x1", "name_en": "", "name_zh": "", "kind": "scorecard", "cv": "3", "seed": "0"} | change
    answer = page_of(cast.risk_analyst).post(f"/risk/data/{data_set.public_id}/train/", order)
    assert answer.status_code == 422 and field in answer.context["form"].errors
    assert not Training.objects.exists()


def test_a_form_sent_twice_trains_once(cast: Cast, data_set: DataSet, page_of: Callable[[Any], Client]) -> None:
    client = page_of(cast.risk_analyst)
    order = {"code": "x1", "kind": "scorecard", "cv": "3", "seed": "0", "form_key": "3f0c1d7a-0b1e-4a55-9a5e-0f5c7b9f1a11"}
    first, second = (client.post(f"/risk/data/{data_set.public_id}/train/", order) for _time in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert Training.objects.count() == 1


BAD_BINS = {"words": "12\nmany", "falling": "24\n12", "endless": "1\ninf", "too many": "\n".join(str(n) for n in range(80))}


@pytest.mark.parametrize("case", BAD_BINS)
def test_bins_that_cannot_be_are_refused(case: str) -> None:
    feature = {"name": "term", "kind": "numeric", "bins": []}
    with pytest.raises(data_sets.Invalid) as refusal:
        model_bins.parsed(feature, BAD_BINS[case])
    assert "bins" in refusal.value.fields


def test_groups_hold_every_value_once() -> None:
    feature = {"name": "housing", "kind": "category", "bins": [{"values": ["own"]}, {"values": ["rent", "free"]}]}
    assert model_bins.parsed(feature, model_bins.written(feature)) == [["own"], ["rent", "free"]]
    for text in ("own | rent | free | own", "own\nrent", "own | rent | free | palace"):
        with pytest.raises(data_sets.Invalid):
            model_bins.parsed(feature, text)


def test_a_training_that_cannot_be_ends_with_a_sentence(cast: Cast, data_set: DataSet) -> None:
    order = {"code": "x1", "name_en": "", "name_zh": "", "kind": "scorecard", "cv": 20, "seed": 0, "actor": cast.risk_analyst, "at": NOON}
    training = trainings.start(data_set, **order)
    Training.objects.filter(pk=training.pk).update(plan=training.plan | {"protected": ["no_such_column"]})
    trainings.run(training.pk, at=NOON)
    training.refresh_from_db()
    assert training.job.status == "failed"
    assert "no_such_column" in training.job.problems[0]["message"]
    assert training.result is None


def test_who_sees_part_of_the_rows_sees_no_data_set(cast: Cast, data_set: DataSet, page_of: Callable[[Any], Client]) -> None:
    client = page_of(cast.underwriter)
    seen = client.get(f"/risk/data/{data_set.public_id}/").status_code
    assert seen == (200 if cast.underwriter.scope == "all" else 404)
    assert page_of(cast.auditor).get(f"/risk/data/{data_set.public_id}/").status_code == 200
    assert page_of(cast.auditor).post(f"/risk/data/{data_set.public_id}/", {"version": "1"}).status_code != 303


def test_the_list_costs_the_same_however_long(cast: Cast, page_of: Callable[[Any], Client]) -> None:
    live_scorecard(cast.system)
    client = page_of(cast.risk_manager)
    client.get("/risk/models/")
    with CaptureQueriesContext(connection) as few:
        client.get("/risk/models/")
    for _more in range(5):
        registry.add_scorecard_version(code=registry.CARD, name_en="R", name_zh="零", actor=cast.risk_analyst, at=NOON, **artefact())
    with CaptureQueriesContext(connection) as many:
        client.get("/risk/models/")
    assert len(many) <= len(few) + 1
