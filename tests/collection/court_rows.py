"""One row of each kind on the way to court, for the tests that ask of every address; and what a case needs to be closed by it."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from collection import packs
from collection.models import FieldVisit, FilingPack, LegalAction, PreActionLetter, TraceRequest
from governance import files, jobs
from tests.fixtures.papers import pdf


def action(case: Any, *, by: Any, at: datetime, status: str = "proposed", **changes: Any) -> LegalAction:
    """Return a legal action of a case as if it had come this far."""
    values: dict[str, Any] = {"claim": Decimal("900.00"), "expected": Decimal("200.00"), "cost_forecast": Decimal("150.00")}
    if status != "proposed":
        values["decided_at"] = at
    if status in LegalAction.AT_COURT:
        values |= {"filed_on": at.date(), "court": "上海市黄浦区人民法院", "case_number": "(2026)沪0101民初1号"}
    return LegalAction.objects.create(case=case, status=status, proposed_by=by, proposed_at=at, proposed_on=at.date(), **values | changes)


def letter(case: Any, *, by: Any, at: datetime) -> PreActionLetter:
    """Return a letter that is made."""
    stored = files.keep(pdf("letter"), label=PreActionLetter.FILE_LABEL)
    row = PreActionLetter(
        case=case, text_version="2026-11", as_of=at.date(), pay_by=at.date() + timedelta(days=15), amount=Decimal("100.00"),
        data={"loans": []}, made_by=by, made_at=at, seal_key=stored.seal_key, media_type=stored.media_type, size=stored.size,
        sha256=stored.sha256, storage_key=stored.storage_key,
    )  # fmt: skip
    row.save(force_insert=True)
    return row


def visit(case: Any, *, by: Any, at: datetime) -> FieldVisit:
    """Return a visit that is wanted."""
    row = FieldVisit(case=case, why="talk", area="上海市浦东新区", wanted_by=by, wanted_at=at)
    row.save(force_insert=True)
    return row


def trace(case: Any, *, by: Any, at: datetime) -> TraceRequest:
    """Return a request to trace that is open."""
    row = TraceRequest(
        case=case, purpose="collect", basis="contract", shown="silent", reason="电话无人接听", requested_by=by, requested_at=at,
        requested_on=at.date(),
    )  # fmt: skip
    row.save(force_insert=True)
    return row


def pack(made: LegalAction, *, by: Any, at: datetime) -> FilingPack:
    """Return a pack that is ordered."""
    job = jobs.start(kind=packs.JOB_KIND, title=packs.TITLE, actor=by, at=at)
    row = FilingPack(action=made, job=job, reason="向法院立案", asked_by=by, asked_at=at)
    row.save(force_insert=True)
    return row


def court_rows(case: Any, *, worker: Any, at: datetime) -> dict[str, str]:
    """Return the public id of one row of each kind in a case, brought by `worker`."""
    from collection.models import LegalCost

    made = action(case, by=worker, at=at)
    cost = LegalCost.objects.create(action=made, kind="court", amount=Decimal("50.00"), on=at.date(), actor=worker, at=at)
    return {
        "legal_action": made.public_id,
        "filing_pack": pack(made, by=worker, at=at).public_id,
        "letter": letter(case, by=worker, at=at).public_id,
        "cost": cost.public_id,
        "visit": visit(case, by=worker, at=at).public_id,
        "trace": trace(case, by=worker, at=at).public_id,
    }
