"""The catalogue: a declaration that is not whole fails the build, and says what is missing."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.apps.registry import Apps
from django.db import models
from django.test import Client
from rest_framework.test import APIClient

from crm.lib.policy import Column, Policy
from customers.models import Customer
from governance import catalogue
from governance.fields import SealedTextField
from governance.models import Rule
from ledger.models import Entry
from tests.fixtures.cast import Cast

WHOLE = Policy(
    owner="customers", meaning="a person", retention="1y", level=2, kind="C1", purposes=("service",), basis="contract",
    personal={"name": "C2"}, columns={"name": Column("who it is", mask="name"), "colour": "what colour"},
)  # fmt: skip


class Sketch(models.Model):
    """A model that is never made in a database."""

    POLICY = WHOLE
    seal_key = models.UUIDField()
    name = SealedTextField("tests.sketch.name")
    colour = models.CharField(max_length=9)

    class Meta:
        app_label = "customers"
        apps = Apps()  # a registry of its own: nobody else meets it


def problems(policy: Policy, monkeypatch: Any) -> str:
    monkeypatch.setattr(Sketch, "POLICY", policy)
    return "\n".join(catalogue.problems(Sketch))


def test_a_whole_declaration_has_no_problem(monkeypatch: Any) -> None:
    assert problems(WHOLE, monkeypatch) == ""


BROKEN = [
    (replace(WHOLE, columns={"name": Column("who", mask="name")}), "colour: says nothing of itself"),
    (replace(WHOLE, columns={**WHOLE.columns, "name": Column("who")}), "names no mask"),
    (replace(WHOLE, columns={**WHOLE.columns, "name": Column("who", mask="face")}), "there is no mask 'face'"),
    (replace(WHOLE, purposes=("fun",)), "there is no purpose 'fun'"),
    (replace(WHOLE, purposes=()), "no purpose"),
    (replace(WHOLE, basis="habit"), "there is no legal basis 'habit'"),
    (replace(WHOLE, basis="not_personal"), "says that it is not personal"),
    (replace(WHOLE, shared_with=("friends",)), "there is no recipient 'friends'"),
    (replace(WHOLE, level=0), "level 0 is none"),
    (replace(WHOLE, level=7), "level 7 is none"),
    (replace(WHOLE, personal={"name": "C2", "colour": "C2"}, columns={"name": WHOLE.columns["name"], "colour": Column("c", mask="text")}),
     "colour: level 3 lies open without a written reason"),
    (replace(WHOLE, open_fields={"name": "because"}), "says why it lies open, and is sealed"),
    (replace(WHOLE, columns={**WHOLE.columns, "colour": Column("what colour", encrypted=True)}), "colour: is not sealed, and its declaration"),
    (replace(WHOLE, personal={"name": "C1"}), "name: is sealed, and its declaration says otherwise"),
    (replace(WHOLE, columns={**WHOLE.columns, "name": Column("who", mask="name", search="exact")}), "search 'exact' and the fingerprints"),
    (replace(WHOLE, columns={**WHOLE.columns, "name": Column("who", mask="name", level=1)}), "level 1 is below its class C2"),
    (replace(WHOLE, columns={**WHOLE.columns, "shape": "round"}), "shape: there is no such column"),
]  # fmt: skip


@pytest.mark.parametrize(("policy", "said"), BROKEN, ids=[said for _policy, said in BROKEN])
def test_what_is_missing_is_said(policy: Policy, said: str, monkeypatch: Any) -> None:
    assert said in problems(policy, monkeypatch)


def test_a_model_that_says_nothing_of_a_new_column_fails() -> None:
    """A column added without a word is not `default`: its name is in no table."""
    field = models.CharField(max_length=5)
    field.set_attributes_from_name("favourite_song")
    assert catalogue.entry(Customer, field).meaning == ""


def test_the_columns_of_a_person_are_as_declared() -> None:
    columns = {one.name: one for one in catalogue.of_model("customers.customer")}
    number = columns["id_number"]
    assert (number.level, number.kind, number.mask, number.encrypted, number.search) == (3, "C2", "id_number", True, "exact")
    assert "marketing" not in number.purposes
    assert "marketing" in columns["mobile"].purposes
    assert columns["mobile_key"].technical
    assert not columns["income"].encrypted
    assert columns["income"].why_open


def test_rows_are_narrowed_by_what_was_asked() -> None:
    every = catalogue.entries()
    assert {one.app for one in catalogue.narrowed(every, {"app": "credit"})} == {"credit"}
    assert {one.level for one in catalogue.narrowed(every, {"level": "4"})} == {4}
    sealed = catalogue.narrowed(every, {"encrypted": "yes"})
    assert sealed
    assert all(one.encrypted for one in sealed)
    assert len(sealed) + len(catalogue.narrowed(every, {"encrypted": "no"})) == len(every)
    assert "customers.customer.id_number" in {one.key for one in catalogue.narrowed(every, {"text": "Identity card"})}
    assert not catalogue.narrowed(every, {"text": "no such words anywhere"})
    assert sum(catalogue.counted(every).values()) == len(every)
    assert {one.model for one in every if one.level == 1} >= {Rule}


# --- the pages and the API ----------------------------------------------------------------------------------------
def test_the_pages_say_what_is_declared(cast: Cast, client: Client, django_assert_max_num_queries: Any) -> None:
    client.force_login(cast.auditor)
    page = client.get("/governance/catalogue/").content.decode()
    assert "customers.Customer" in page
    assert "level 3 or above" in page
    with django_assert_max_num_queries(14):
        rows = client.get("/governance/catalogue/?show=columns&level=4").content.decode()
    assert "digest" in rows
    assert "monthly_debt" not in rows
    model = client.get("/governance/catalogue/customers.customer/").content.decode()
    assert "PIPL art. 13(1)(2)" in model
    column = client.get("/governance/catalogue/customers.customer/id_number/").content.decode()
    assert "GB 11643" in column
    assert "CustomerOut" in column, "an API answer that reads it"
    assert client.get("/governance/catalogue/customers.nothing/").status_code == 404
    assert client.get("/governance/catalogue/customers.customer/nothing/").status_code == 404
    purposes = client.get("/governance/catalogue/?show=purposes", headers={"Accept-Language": "zh-hans"}).content.decode()
    assert "bureau_query" in purposes


def test_odd_addresses_of_the_catalogue_are_taken(cast: Cast, client: Client) -> None:
    client.force_login(cast.auditor)
    for query in ("page=0", "page=99999", "page=x", "level=9", "purpose=%27", "show=x", "page=２"):
        assert client.get(f"/governance/catalogue/?show=columns&{query}").status_code == 200, query


def test_the_file_holds_every_column_and_the_download_is_on_the_record(cast: Cast, client: Client) -> None:
    client.force_login(cast.auditor)
    answer = client.get("/governance/catalogue/file.csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == len(catalogue.entries())
    assert all(row["meaning"] and row["level"] and row["retention"] and row["citation"] for row in rows)
    assert Entry.objects.get(event="governance.catalogue.exported").facts == {"rows": len(rows)}


def test_the_api_gives_the_same(cast: Cast, token_of: Callable[..., str]) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token_of('governance:read')}")
    first = client.get("/api/v1/catalogue/").json()
    assert (first["count"], first["next"], len(first["results"])) == (len(catalogue.entries()), 2, 200)
    [number] = client.get("/api/v1/catalogue/?text=customers.customer.id_number&data_class=C2").json()["results"]
    assert (number["level"], number["encrypted"], number["mask"], number["legal_basis"]) == (3, True, "id_number", "contract")
    for odd in ("level=7", "page=x", "page=99", "data_class=C9", "purpose=fun", "encrypted=1", "app=nothing"):
        assert client.get(f"/api/v1/catalogue/?{odd}").json()["results"] == [], odd
