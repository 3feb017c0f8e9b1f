"""Reads state their purpose: what it may not read, or without a consent it needs, is refused by name and on the record."""

from collections.abc import Callable
from typing import Any

import pytest
from celery import shared_task
from django.db import connection, transaction
from django.http import Http404
from django.test.utils import CaptureQueriesContext

from customers import consents, reveals
from customers.models import Customer, Note, Purpose
from governance import purposes, uses
from governance.models import DataPurpose
from governance.uses import UnlawfulUse
from ledger.models import Entry
from tests.fixtures.cast import NOON, Cast

PERSONAL = sorted(Customer.POLICY.personal)


@pytest.fixture(autouse=True)
def fresh() -> Any:
    purposes.forget()
    yield
    purposes.forget()


def rows(cast: Cast, purpose: str) -> Any:
    return Customer.objects.for_purpose(purpose, actor=cast.collector, at=NOON)


def test_a_purpose_reads_its_columns_and_no_other(cast: Cast, customer: Customer) -> None:
    row = rows(cast, "collections").get(pk=customer.pk)
    assert (row.name, row.mobile) == (customer.name, customer.mobile)
    assert row.masked_name
    for column in ("bank_card", "income", "monthly_debt", "masked_bank_card"):
        with pytest.raises(UnlawfulUse) as refusal:
            getattr(row, column)
        assert refusal.value.extra == {"purpose": "collections", "column": column.removeprefix("masked_")}
    assert "Collect an overdue debt" in str(refusal.value)


def test_every_purpose_refuses_exactly_what_it_does_not_name(cast: Cast, customer: Customer) -> None:
    for code, declared in purposes.declared()["purposes"].items():
        found = uses.use(Customer, code, actor=None, at=NOON)
        row = Customer.objects.get(pk=customer.pk)
        found.bind(row)
        for column in PERSONAL:
            said = Customer.POLICY.column(column)
            may = code in (said.purposes or Customer.POLICY.purposes) and Customer.POLICY.personal[column] in declared["classes"]  # type: ignore[union-attr]
            try:
                getattr(row, column)
                assert may, (code, column)
            except UnlawfulUse:
                assert not may, (code, column)


def test_the_refusal_is_in_the_readers_language(cast: Cast, customer: Customer) -> None:
    from django.utils.translation import override

    with override("zh-hans"), pytest.raises(UnlawfulUse) as refusal:
        _ = rows(cast, "collections").get(pk=customer.pk).income
    assert "催收逾期债务" in str(refusal.value)


def test_it_is_refused_on_every_way_to_the_column(cast: Cast, customer: Customer) -> None:
    bound = rows(cast, "collections").filter(pk=customer.pk)
    ways: list[Callable[[], Any]] = [
        lambda: bound.first().income,
        lambda: bound.only("income").get().income,
        lambda: bound.order_by("pk")[0].income,
        lambda: next(iter(bound.iterator())).income,
        lambda: bound.select_related("branch").get().income,
        lambda: list(bound.values("income")),
        lambda: list(bound.values()),
        lambda: list(bound.values_list("income", flat=True)),
        lambda: bound.get().refresh_from_db(fields=["income"]),
    ]
    for way in ways:
        with pytest.raises(UnlawfulUse):
            way()
    assert list(bound.values_list("public_id", flat=True)) == [customer.public_id]
    row = bound.get()
    row.refresh_from_db()
    with pytest.raises(UnlawfulUse):
        _ = row.income


def test_a_purpose_costs_no_query_a_row(cast: Cast, make_customer: Callable[..., Any]) -> None:
    for _number in range(4):
        make_customer()
    purposes.lawful(Customer, "collections")
    with CaptureQueriesContext(connection) as asked:
        assert len([row.name for row in rows(cast, "collections")]) == 4
    assert len(asked) == 1
    assert "income" not in asked[0]["sql"]


def test_a_purpose_that_needs_consent_leaves_others_out_and_names_it(cast: Cast, make_customer: Callable[..., Any]) -> None:
    agreed, other, expired = make_customer(), make_customer(), make_customer()
    for person in (agreed, expired):
        consents.give(
            person,
            purpose=Purpose.MARKETING,
            actor=cast.loan_officer,
            at=NOON.replace(year=2025, month=1, day=5) if person is expired else NOON,
        )
    assert [row.pk for row in rows(cast, "marketing")] == [agreed.pk]
    assert rows(cast, "marketing").count() == 1
    assert rows(cast, "marketing").get(pk=agreed.pk).mobile
    for person in (other, expired):
        with pytest.raises(UnlawfulUse) as refusal:
            rows(cast, "marketing").get(pk=person.pk)
        assert refusal.value.extra == {"purpose": "marketing", "consent": "marketing"}
        with pytest.raises(UnlawfulUse):
            rows(cast, "marketing").filter(pk=person.pk).get()
        with pytest.raises(UnlawfulUse):
            rows(cast, "marketing").get_for(cast.loan_officer, person.public_id)
    assert rows(cast, "marketing").get_for(cast.loan_officer, agreed.public_id) == agreed
    with pytest.raises(Customer.DoesNotExist):
        rows(cast, "marketing").get(pk=0)
    with pytest.raises(Http404):
        rows(cast, "marketing").get_for(cast.outsider, other.public_id)  # another branch's: not even that much is said


def test_rows_that_came_by_a_join_are_bound_too(cast: Cast, customer: Customer) -> None:
    uses.bind([customer], "collections", actor=cast.collector, at=NOON)
    assert customer.name
    with pytest.raises(UnlawfulUse):
        _ = customer.income
    whole = Customer.objects.get(pk=customer.pk)
    mine = uses.reading(whole, "collections", actor=cast.collector, at=NOON)
    with pytest.raises(UnlawfulUse):
        _ = mine.income
    assert whole.income is not None
    with pytest.raises(UnlawfulUse) as refusal:
        uses.bind([whole], "bureau", actor=cast.collector, at=NOON)
    assert refusal.value.consent == "bureau_query"


def test_an_unknown_purpose_reads_nothing(cast: Cast, customer: Customer) -> None:
    for code in ("", "fun", "service\0"):
        with pytest.raises(purposes.UnknownPurpose):
            rows(cast, code)
    DataPurpose.objects.filter(code="service").update(is_active=False)
    with pytest.raises(purposes.UnknownPurpose):
        rows(cast, "service")


def test_a_lender_may_narrow_a_purpose(cast: Cast, customer: Customer) -> None:
    DataPurpose.objects.filter(code="collections").update(without=["customers.customer.address"])
    row = rows(cast, "collections").get(pk=customer.pk)
    assert row.name
    with pytest.raises(UnlawfulUse):
        _ = row.address


@pytest.mark.django_db(transaction=True)
def test_a_refusal_is_on_the_record_though_its_transaction_is_not(cast: Cast, customer: Customer) -> None:
    with pytest.raises(UnlawfulUse):
        _ = rows(cast, "collections").get(pk=customer.pk).income
    entry = Entry.objects.get(event="governance.use.refused")
    assert (entry.customer_id, entry.actor_id) == (customer.pk, cast.collector.pk)
    assert entry.facts == {"purpose": "collections", "column": "income", "consent": ""}


def test_opening_a_value_is_bound_to_its_purpose(cast: Cast, customer: Customer) -> None:
    asked = {"reason": "asked by the court", "actor": cast.service_agent, "at": NOON}
    assert reveals.reveal(customer, field="bank_card", purpose="service", **asked) == (customer.bank_card or "")
    with pytest.raises(UnlawfulUse):
        reveals.reveal(customer, field="bank_card", purpose="collections", **asked)
    for purpose in ("marketing", "fun", "", "collection"):
        with pytest.raises(reveals.NoReason):
            reveals.reveal(customer, field="mobile", purpose=purpose, **asked)
    assert "collections" not in dict(purposes.choices(Customer, "bank_card"))
    assert "collections" in dict(purposes.choices(Customer, "mobile"))


def test_the_roof_puts_a_refusal_on_the_record_after_the_rollback(cast: Cast, customer: Customer, rf: Any) -> None:
    """Inside a transaction a refusal cannot write: what it wrote would be rolled back with it."""
    from crm.middleware import refusals

    def refused(request: Any) -> UnlawfulUse:
        with pytest.raises(UnlawfulUse) as refusal, transaction.atomic():
            _ = rows(cast, "collections").get(pk=customer.pk).income
        assert not Entry.objects.filter(event="governance.use.refused").exists()
        return refusal.value

    request = rf.get("/", headers={"HX-Request": "true"})
    request.user = cast.collector
    answer = refusals(lambda request: None).process_exception(request, refused(request))  # type: ignore[arg-type,return-value]
    assert answer is not None
    assert (answer.status_code, "Collect an overdue debt" in answer.content.decode()) == (403, True)
    assert Entry.objects.get(event="governance.use.refused").facts["column"] == "income"


def test_a_refusal_inside_a_tasks_transaction_reaches_the_ledger(customer: Customer, cast: Cast) -> None:
    @shared_task(name="trial.reads_too_much")
    def reads_too_much() -> None:
        with transaction.atomic():
            Note.objects.create(customer=customer, author=cast.loan_officer, text="undone", at=NOON)
            uses.reading(customer, "marketing", actor=cast.loan_officer, at=NOON)

    assert reads_too_much.apply().failed()
    assert Entry.objects.filter(event="governance.use.refused", customer_id=customer.pk).count() == 1
    assert not Note.objects.filter(customer=customer).exists()


LISTS_OF_PERSONS = [
    ("loan_officer", "/customers/", "onboarding"),
    ("loan_officer", "/applications/", "underwriting"),
    ("collector", "/collections/cases/", "collections"),
]


@pytest.mark.parametrize(("role", "path", "purpose"), LISTS_OF_PERSONS)
def test_a_list_states_its_purpose(cast: Cast, path: str, role: str, purpose: str, page_of: Any) -> None:
    answer = page_of(getattr(cast, role)).get(path)
    assert answer.status_code == 200
    assert answer.context["page"].state.spec.person.purpose == purpose


def test_page_and_list_of_the_file_read_what_their_purpose_may(cast: Cast, customer: Customer, page_of: Any) -> None:
    client = page_of(cast.loan_officer)
    for path in ("/customers/", f"/customers/{customer.public_id}/"):
        assert client.get(path).status_code == 200, path
    DataPurpose.objects.filter(code="onboarding").update(without=["customers.customer.mobile"])
    purposes.forget()
    for path in ("/customers/", f"/customers/{customer.public_id}/"):
        answer = client.get(path)
        assert answer.status_code == 403, path
        assert "Mobile number the person is reached at" in answer.content.decode()
