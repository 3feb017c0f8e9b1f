"""A caller who may do everything over the API, and one row of each kind for it to ask about."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.collection.conftest import Floor, desk, floor
from tests.fixtures.cast import Cast

__all__ = ["desk", "floor"]


@pytest.fixture
def bearer(cast: Cast, token_of: Callable[..., str]) -> str:
    """Return a token with every scope, of a machine that holds every permission and sees every row."""
    from crm.lib.permissions import ALL
    from governance.models import Role

    Role.objects.create(code="everything", name_en="Everything", name_zh="全部", scope="all", permissions=list(ALL))
    cast.roles["everything"] = Role.objects.get(code="everything")
    return token_of(user=cast.person("everything", "everything", cast.head, kind="service"))


@pytest.fixture
def rows(floor: Floor) -> dict[str, str]:
    """Return the public id of one row per collection of the API; its states let most doors be tried."""
    from customers.models import Purpose

    case = floor.case()
    loan = case.debts.get().loan
    repayment = floor.desk.pay(loan, "100.00")
    draft = floor.desk.draft()
    offer = floor.desk.confirmed()
    from customers import consents
    from tests.fixtures.cast import NOON

    consents.give(draft.customer, purpose=Purpose.BUREAU, actor=floor.cast.loan_officer, at=NOON)
    return {
        "customers": draft.customer.public_id,
        "products": floor.desk.product.public_id,
        "applications": draft.public_id,
        "decisions": offer.application.decision.public_id,
        "strategies": offer.application.decision.strategy_version.strategy.public_id,
        "backtests": backtest_of(offer.application.decision, floor.cast),
        "offers": offer.public_id,
        "quotes": offer.quote.public_id,
        "loans": loan.public_id,
        "repayments": repayment.public_id,
        "cases": case.public_id,
        **desk_rows(floor, case, loan, draft.customer),
        **matter_rows(floor, case),
    }


def matter_rows(floor: Floor, case: Any) -> dict[str, str]:
    """Return what is contested, complained about and asked for in the case, by the collections of the API."""
    from tests.collection.court_rows import court_rows
    from tests.collection.relief_rows import rows_of
    from tests.collection.supervision_rows import quality_rows
    from tests.fixtures.cast import NOON

    late = datetime.combine(floor.cast.entity.business_date, NOON.timetz())
    worker = floor.cast.collector
    found = rows_of(case, worker=worker, cast=floor.cast, at=late) | court_rows(case, worker=worker, at=late)
    found |= quality_rows(case, worker=worker, cast=floor.cast, at=late)
    names = {
        "dispute": "disputes",
        "complaint": "complaints",
        "hardship": "hardships",
        "relief_plan": "relief-plans",
        "settlement": "settlements",
        "placement": "placements",
        "legal_action": "legal-actions",
        "filing_pack": "filing-packs",
        "visit": "visits",
        "trace": "traces",
        "quality_review": "quality-reviews",
    }
    return {names[name]: value for name, value in found.items() if name in names}


def backtest_of(decision: Any, cast: Cast) -> str:
    """Return a backtest of the version that decided, over what it decided."""
    from risk import backtests
    from tests.fixtures.cast import NOON

    asked = backtests.ask(name="x", sides=[backtests.Side(decision.strategy_version)], actor=cast.risk_analyst, at=NOON)
    backtests.run(asked.pk, at=NOON)
    return asked.public_id


def desk_rows(floor: Floor, case: Any, loan: Any, person: Any) -> dict[str, str]:
    """Return the rows that stand beside the main path: what is planned, known, put in, asked for, quoted, reversed, given back, unmatched."""
    from collection import cases, promises
    from collection.judgement import Part
    from credit import (
        acts,
        customer_payments,
        loan_documents,
        loan_sales,
        papers,
        payoffs,
        refunds,
        repayments,
        reversals,
        suspense,
        underwriting,
    )
    from credit.models import Condition, GLAccount, Journal
    from customers import activities, documents, handover, relations
    from tests.fixtures.cast import NOON
    from tests.fixtures.papers import pdf

    desk, cast = floor.desk, floor.cast
    told = {"actor": cast.loan_officer, "at": NOON}
    decided = {"actor": cast.underwriter, "at": NOON}
    approved, asked = desk.concluded("refer"), desk.concluded("refer")
    underwriting.approve(approved, amount=approved.amount, kinds=["employer"], **decided)
    cast.entity.refresh_from_db()
    late = datetime.combine(cast.entity.business_date, NOON.timetz())
    over, wrong = desk.loan(at=late), desk.loan(at=late)
    repayments.receive(over, amount=Decimal("50000.00"), actor=cast.loan_officer, at=late, key="over")
    mistaken = repayments.receive(wrong, amount=Decimal("100.00"), actor=cast.loan_officer, at=late, key="wrong")
    stranger = suspense.take_in(
        legal_entity=cast.entity, reference="S-1", received_on=cast.entity.business_date, amount=Decimal("77.00"), payer_name="王小明",
        payer_account="6222020000001234", remittance="", actor=cast.loan_operations, at=late,
    )  # fmt: skip
    over.refresh_from_db()
    part = Part(cast.entity.business_date + timedelta(days=3), Decimal("100.00"))
    cases.claim(case, actor=cast.collector, at=late)
    promise = promises.take(case, parts=[part], channel="inbound", actor=cast.collector, at=late)
    cases.release(case, actor=cast.collector, at=late)
    charged = desk.loan(at=late)
    data = {"charge_part": "fee", "amount": Decimal("5.00")}
    charge = acts.do(charged, acts.ACTS["charge"], data, on=None, why="contract", actor=cast.loan_operations, at=late, key="c")
    stored = documents.keep(pdf("api"))
    spared = {"until": late.date() + timedelta(days=70), "adds": True}
    relief = acts.do(charged, acts.ACTS["relief"], spared, on=None, why="hardship", actor=cast.loan_operations, at=late, key="h")
    sold = desk.loan(at=late)
    sale = loan_sales.propose(
        [loan_sales.Item(sold, Decimal("100.00"))], buyer="Asset Company", reference="S-1", on=None, why="contract", note="",
        actor=cast.loan_operations, at=late,
    )  # fmt: skip
    return {
        "activities": activities.plan(person, kind="call", text="x", due_at=NOON + timedelta(days=1), **told).public_id,
        "relations": relations.add(person, kind="family", source="customer", name="李雷", mobile="13812345678", **told).public_id,
        "documents": documents.add(asked.customer, kind="id_card", stored=stored, file_name="x", **told).public_id,
        "paper-requests": papers.ask(asked, kinds=["income_proof"], due_on=NOON.date() + timedelta(days=9), **decided).public_id,
        "conditions": Condition.objects.get(application=approved).public_id,
        "payoff-quotes": payoffs.issue(loan, settles_on=cast.entity.business_date, actor=cast.loan_officer, at=late).public_id,
        "reversals": reversals.reverse(mistaken, reason="wrong_loan", actor=cast.loan_operations, at=late, key="r").public_id,
        "loan-acts": charge.public_id,
        "loan-documents": loan_documents.statement(
            charged, first=charged.starts_on, last=charged.starts_on, purpose="customer", **told | {"at": late}
        ).public_id,
        "customer-payments": customer_payments.receive(
            charged.customer, amount=Decimal("7.00"), actor=cast.loan_officer, at=late, key="several"
        ).public_id,
        "hardship-reliefs": relief.public_id,
        "loan-sales": sale.public_id,
        "tranches": relief.public_id,  # changes like these, of another kind
        "manual-journals": sale.public_id,
        "refunds": refunds.request(over, amount=Decimal("1.00"), actor=cast.loan_operations, at=late).public_id,
        "suspense": stranger.public_id,
        "reports": "vintage",
        "gl-accounts": GLAccount.objects.first().public_id,
        "journals": Journal.objects.first().public_id,
        "promises": promise.public_id,
        "counter-offers": underwriting.counter(desk.concluded("refer"), amount=approved.amount, term=18, **decided).public_id,
        **model_rows(cast),
        **watch_rows(cast, person),
        "treatment-dry-runs": dry_run(cast),
        "handovers": handover.order(giver=cast.loan_officer, taker=cast.colleague, reason="left", actor=cast.admin, at=NOON).public_id,
    }


def dry_run(cast: Cast) -> str:
    """Return a dry run of a second version of the treatment strategy that waits for its worker."""
    from collection import dry_runs, treatment_experiments
    from risk import strategy_versions
    from tests.fixtures.cast import NOON

    live = treatment_experiments.champion()
    assert live is not None
    draft = strategy_versions.draft_from(live, note="x", actor=cast.risk_analyst, at=NOON)
    return dry_runs.start(draft, base=live, actor=cast.collections_supervisor, at=NOON).public_id


def watch_rows(cast: Cast, person: Any) -> dict[str, str]:
    """Return an entry of a list, an alert and a proposed limit."""
    from risk import alerts, lists
    from risk.models import RiskAlert
    from tests.fixtures.cast import NOON
    from tests.risk.behaviours import limit_proposal

    row = lists.checked(list="black", what="device", value="emulator-7", reason="x", source="own", at=NOON)
    entry = lists.put(row, actor=cast.risk_manager, at=NOON)
    finding = alerts.Finding(RiskAlert.Kind.EARLY_WARNING, RiskAlert.Level.ACT, "0.4", "0.3")
    alerts.warn({person.pk: finding}, on=NOON.date(), at=NOON, actor=cast.system)
    return {
        "list-entries": entry.public_id,
        "risk-alerts": RiskAlert.objects.get(customer=person).public_id,
        "limit-proposals": limit_proposal(cast.system, person).public_id,
    }


def model_rows(cast: Cast) -> dict[str, str]:
    """Return a model, a data set and a training that runs on it; nothing of them is trained here."""
    from governance import jobs
    from risk.models import DataSet, Scorecard, Training
    from tests.fixtures.cast import NOON

    model = Scorecard.objects.order_by("pk").first() or Scorecard.objects.create(code="m", name_en="M", name_zh="M")
    data_set = DataSet.objects.create(
        name="x", file_name="x.csv", storage_key="none", media_type="text/csv", size=1, sha256="0" * 64, target="bad", rows=100, bad=20,
        columns=[{"name": "a", "kind": "numeric", "role": "feature"}], owner=cast.risk_analyst, created_at=NOON,
    )  # fmt: skip
    job = jobs.start(kind="risk.training", title="Training of a model", actor=cast.risk_analyst, at=NOON, total=100)
    training = Training.objects.create(
        data_set=data_set, scorecard=model, kind="scorecard", plan={}, job=job, started_by=cast.risk_analyst, created_at=NOON
    )
    return {"models": model.public_id, "data-sets": data_set.public_id, "trainings": training.public_id}
