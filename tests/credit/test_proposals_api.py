"""What needs a second person over HTTP: proposed by a program, seen by its maker only, confirmed by a person."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.utils.timezone import localdate, now

from credit import offers
from credit.models import GLAccount, Journal, Loan, Product, Transaction
from governance import changes
from governance.models import ChangeRequest, LegalEntity
from tests.credit.test_money_api import post

pytestmark = pytest.mark.django_db


@pytest.fixture
def back(desk, api_of):
    from rest_framework.test import APIClient

    client = APIClient()
    client.force_login(desk.cast.loan_operations)
    return client


@pytest.fixture
def loan(desk):
    return desk.loan_now()


def confirm(desk, number):
    return changes.confirm(ChangeRequest.objects.get(public_id=number), actor=desk.cast.risk_manager, at=now())


def relief(loan):
    return {"loan": loan.public_id, "why": "hardship", "until": (localdate() + timedelta(days=70)).isoformat(), "adds": True}


def test_a_relief_is_proposed_once_and_made_by_the_second_person(desk, back, loan, api_of):
    made = post(back, "hardship-reliefs/", relief(loan))
    assert (made.status_code, made.json()["status"], made.json()["subject"]) == (201, "open", loan.public_id)
    assert made.json()["made_alone"] is False and not loan.transactions.filter(kind="relief").exists()
    assert post(back, "hardship-reliefs/", relief(loan)).json() == made.json()
    again = post(back, "hardship-reliefs/", relief(loan), key="other")
    assert (again.status_code, again.json()["code"]) == (409, "already_proposed")
    number = made.json()["id"]
    assert [row["id"] for row in back.get(f"/api/v1/hardship-reliefs/?loan={loan.public_id}").json()["results"]] == [number]
    assert back.get(f"/api/v1/tranches/{number}/").status_code == 404  # another kind of act
    confirm(desk, number)
    assert back.get(f"/api/v1/hardship-reliefs/{number}/").json()["status"] == "confirmed"
    assert loan.transactions.filter(kind="relief").count() == 1
    other = api_of("loans:read")
    assert (
        other.get(f"/api/v1/hardship-reliefs/{number}/").status_code == 404
        and other.get("/api/v1/hardship-reliefs/").json()["results"] == []
    )


def test_it_takes_the_permission_the_scope_and_a_key(desk, back, loan, api_of):
    assert post(back, "hardship-reliefs/", relief(loan), key="").status_code == 422
    assert post(api_of("loans:service"), "hardship-reliefs/", relief(loan)).status_code == 403
    assert post(api_of("loans:restructure"), "hardship-reliefs/", relief(loan)).status_code == 403  # the role may not
    body = relief(loan) | {"until": localdate().isoformat()}
    assert "until" in post(back, "hardship-reliefs/", body, key="u").json()["errors"]
    assert post(back, "hardship-reliefs/", relief(loan) | {"loan": "L-22222222"}, key="l").json()["errors"].keys() == {"loan"}
    assert not ChangeRequest.objects.exists()


def test_another_part_is_proposed_where_the_product_pays_out_in_parts(desk, back, loan):
    body = {"loan": loan.public_id, "why": "agreed", "amount": "100.00"}
    assert post(back, "tranches/", body).json()["code"] == "tranche_not_foreseen"
    Product.objects.filter(pk=loan.product_id).update(terms={"tranches": 3})
    offer = desk.offer(at=now())
    offers.confirm_disclosure(offer, cost_hash=offer.cost_hash, seconds=30, actor=desk.cast.loan_officer, at=now())
    parts = offers.accept(offer, key="k", actor=desk.cast.loan_officer, at=now(), first=offer.amount - D("500.00"))
    body |= {"loan": parts.public_id}
    assert post(back, "tranches/", body | {"amount": "500.01"}, key="b").json()["code"] == "above_approved"
    made = post(back, "tranches/", body, key="c")
    assert (made.status_code, made.json()["status"]) == (201, "open")
    assert Transaction.objects.filter(loan=parts, kind="disbursement").count() == 1


def test_a_list_is_sold_all_or_none(desk, back, loan):
    other = desk.loan_now()
    lines = [{"loan": loan.public_id, "price": "9000.00"}, {"loan": other.public_id, "price": "8000.00"}]
    body = {"loans": lines, "buyer": "Asset Company", "reference": "S-1", "why": "contract"}
    twice = post(back, "loan-sales/", body | {"loans": [*lines, lines[0]]})
    assert (twice.status_code, twice.json()["errors"].keys()) == (422, {"loans"})
    assert post(back, "loan-sales/", body | {"loans": [{"loan": "L-22222222", "price": "1.00"}]}, key="b").status_code == 422
    made = post(back, "loan-sales/", body, key="c")
    assert made.status_code == 201 and back.get("/api/v1/loan-sales/").json()["results"][0]["id"] == made.json()["id"]
    confirm(desk, made.json()["id"])
    assert set(Loan.objects.filter(pk__in=[loan.pk, other.pk]).values_list("status", flat=True)) == {"sold"}


def test_a_journal_is_written_and_taken_back(desk, back):
    day = date(2026, 3, 2)
    desk.loan()
    desk.close_to(day)
    desk.cast.entity.refresh_from_db()
    for code, kind in (("660201", "expense"), ("224190", "liability")):
        GLAccount.objects.create(legal_entity=desk.cast.entity, code=code, name_en=code, name_zh=code, kind=kind, added_at=now())
    lines = [{"account": "660201", "amount": "100.00"}, {"account": "224190", "amount": "-100.00"}]
    opened = LegalEntity.objects.get(pk=desk.cast.entity.pk).business_date.isoformat()
    body = {"day": opened, "document": "V-1", "text": "rent", "reason": "expense", "lines": lines}
    assert "reason" in post(back, "manual-journals/", body | {"reason": "reversal"}).json()["errors"]
    uneven = [lines[0], {"account": "224190", "amount": "-99.00"}]
    assert post(back, "manual-journals/", body | {"lines": uneven}, key="b").json()["code"] == "journal_not_balanced"
    made = post(back, "manual-journals/", body, key="c")
    assert made.status_code == 201, made.json()
    confirm(desk, made.json()["id"])
    journal = Journal.objects.get(source="manual")
    back_body = {"day": opened, "document": "V-2", "text": "wrong", "reverses": journal.public_id}
    assert post(back, "manual-journals/", back_body | {"lines": lines}, key="d").status_code == 422
    assert post(back, "manual-journals/", back_body | {"reverses": "GJ-22222222"}, key="e").json()["errors"].keys() == {"reverses"}
    confirm(desk, post(back, "manual-journals/", back_body, key="f").json()["id"])
    assert Journal.objects.filter(source="manual").count() == 2
