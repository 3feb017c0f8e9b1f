"""The pages of a review: the file, papers, other terms, a second person, conditions, what became of overrides; and the API beside them."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from credit import conditions, papers, underwriting, verified
from credit.models import Condition, CounterOffer, PaperRequest, Proposal
from customers import documents
from tests.fixtures.cast import NOON, TODAY
from tests.fixtures.papers import pdf

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def referred(desk: Any) -> Any:
    return desk.concluded("refer", amount=D("15000.00"))


def url(application: Any, *parts: str) -> str:
    return "/".join([f"/applications/{application.public_id}", *parts, ""])


def post(client: Any, path: str, prefix: str = "", **values: Any) -> Any:
    return client.post(path, {(f"{prefix}-{name}" if prefix and name != "do" else name): value for name, value in values.items()})


def test_the_file_shows_stated_verified_and_what_differs(referred: Any, desk: Any, page_of: Any, storage: Any) -> None:
    customer = referred.customer
    verified.verify(referred, name="income", value=customer.income / 2, source="payslip", as_of=TODAY, actor=desk.cast.underwriter, at=NOON)
    verified.verify(
        referred, name="monthly_debt", value=customer.monthly_debt, source="tax", as_of=TODAY, actor=desk.cast.underwriter, at=NOON
    )
    context = page_of(desk.cast.underwriter).get(url(referred)).context
    rows = {row.name: row for row in context["file"]}
    assert (rows["income"].stated, rows["income"].found, rows["income"].differs) == (customer.income, customer.income / 2, True)
    assert (rows["monthly_debt"].differs, rows["housing"].differs, context["differences"]) == (False, False, 1)
    assert "foreign_worker" not in rows
    stated, found = context["burdens"]["stated"], context["burdens"]["verified"]
    assert found.share == stated.share * 2
    assert stated.after == (customer.monthly_debt + stated.instalment) / customer.income


def test_asking_for_papers_moves_it_to_another_view_of_the_queue(referred: Any, desk: Any, page_of: Any) -> None:
    client = page_of(desk.cast.underwriter)
    due = TODAY + timedelta(days=400)
    wrong = post(client, url(referred, "ask"), "ask", kinds=["income_proof"], due_on=due, version=referred.version)
    assert wrong.status_code == 422
    assert wrong.context["ask_form"].errors["due_on"]
    assert wrong.context["opened"] == "ask"
    from django.utils.timezone import localdate

    done = post(
        client, url(referred, "ask"), "ask", kinds=["income_proof"], due_on=localdate() + timedelta(days=5), version=referred.version
    )
    assert done.status_code == 303
    assert referred.public_id not in client.get("/applications/review/").text
    waiting = client.get("/applications/review/?tab=waiting")
    assert referred.public_id in waiting.text
    assert "Proof of income" in waiting.text
    page = client.get(url(referred))
    assert "Go on without them" in page.text
    referred.refresh_from_db()
    assert post(client, url(referred, "resume"), version=referred.version).status_code == 303
    assert post(client, url(referred, "resume"), version=referred.version).status_code == 409
    assert referred.public_id in client.get("/applications/review/").text


def test_the_officer_brings_the_paper_in_and_the_application_returns(referred: Any, desk: Any, page_of: Any, storage: Any) -> None:
    papers.ask(referred, kinds=["bank_statement"], due_on=TODAY + timedelta(days=3), actor=desk.cast.underwriter, at=NOON)
    officer = page_of(desk.cast.loan_officer)
    assert url(referred, "papers", "bank_statement") in officer.get(url(referred)).text
    done = officer.post(url(referred, "papers", "bank_statement"), {"file": SimpleUploadedFile("x.pdf", pdf("x"))})
    assert done.status_code == 303
    referred.refresh_from_db()
    assert referred.status == "referred"
    assert officer.get(url(referred, "papers", "passport")).status_code == 404


def test_a_counter_offer_is_answered_by_the_officer(referred: Any, desk: Any, page_of: Any) -> None:
    client = page_of(desk.cast.underwriter)
    same = post(client, url(referred, "counter"), "counter", amount="15,000", term="12", version=referred.version)
    assert same.status_code == 422
    assert same.context["counter_form"].errors["amount"]
    done = post(client, url(referred, "counter"), "counter", amount="9,000", term="24", version=referred.version)
    assert done.status_code == 303
    offered = CounterOffer.objects.get()
    officer = page_of(desk.cast.loan_officer)
    assert "The applicant agrees" in officer.get(url(referred)).text
    assert post(client, f"/counter-offers/{offered.public_id}/", "answer", do="agree", way="phone").status_code == 403
    assert post(officer, f"/counter-offers/{offered.public_id}/", "answer", do="agree", way="").status_code == 422
    assert post(officer, f"/counter-offers/{offered.public_id}/", "answer", do="agree", way="phone", version=1).status_code == 303
    assert post(officer, f"/counter-offers/{offered.public_id}/", "answer", do="refuse", way="phone", version=1).status_code == 409
    referred.refresh_from_db()
    assert (referred.status, referred.approved_amount) == ("approved", D("9000.00"))


def test_a_proposal_is_confirmed_by_another_and_named_on_their_home(referred: Any, desk: Any, page_of: Any) -> None:
    client, second = page_of(desk.cast.underwriter), page_of(desk.cast.second_underwriter)
    done = post(
        client, url(referred, "approve"), "approve", do="propose", amount="15,000", term="12", note="steady", version=referred.version
    )
    assert done.status_code == 303
    proposal = Proposal.objects.get()
    answer = f"/proposals/{proposal.public_id}/"
    assert "Call back" in client.get(url(referred)).text
    assert post(client, answer, "proposal", do="confirm", version=1).status_code == 403
    assert referred.public_id in second.get("/").text
    assert referred.public_id not in client.get("/").text.split("Proposals for a second person")[1].split("</section>")[0]
    empty = post(second, answer, "proposal", do="return", words="", version=1)
    assert empty.status_code == 422
    assert "Say what is to be changed" in empty.text
    assert post(second, answer, "proposal", do="confirm", version=1).status_code == 303
    assert post(second, answer, "proposal", do="confirm", version=1).status_code == 409
    referred.refresh_from_db()
    assert (referred.status, referred.decided_by) == ("approved", desk.cast.second_underwriter)
    assert page_of(desk.cast.west_underwriter).post(answer, {"do": "confirm"}).status_code == 404


def test_conditions_stand_on_the_page_and_are_cleared_there(referred: Any, desk: Any, page_of: Any) -> None:
    client = page_of(desk.cast.underwriter)
    wrong = post(client, url(referred, "approve"), "approve", amount="15,000", term="12", conditions=["other"], version=referred.version)
    assert wrong.status_code == 422
    assert wrong.context["approve_form"].errors["condition_words"]
    done = post(client, url(referred, "approve"), "approve", amount="15,000", term="12", conditions=["employer"], version=referred.version)
    assert done.status_code == 303
    condition = Condition.objects.get()
    clear = f"/conditions/{condition.public_id}/"
    assert clear in client.get(url(referred)).text
    assert clear not in page_of(desk.cast.loan_officer).get(url(referred)).text
    assert client.post(clear, {"evidence": "", "version": 1}).status_code == 422
    assert client.post(clear, {"evidence": "called the employer", "version": 1}).status_code == 303
    assert client.post(clear, {"evidence": "called the employer", "version": 1}).status_code == 409


def test_a_fact_is_verified_in_a_dialog(referred: Any, desk: Any, page_of: Any) -> None:
    client = page_of(desk.cast.underwriter)
    path = url(referred, "verify", "housing")
    assert "Own" in client.get(path, headers=HTMX).text
    from django.utils.timezone import localdate

    values = {"value": "rent", "source": "visit", "as_of": TODAY}
    assert client.post(path, values | {"value": "castle"}).status_code == 422
    assert client.post(path, values | {"as_of": localdate() + timedelta(days=2)}).status_code == 422
    assert client.post(path, values).status_code == 303
    assert verified.latest(referred)["housing"].value == "rent"
    assert client.get(url(referred, "verify", "foreign_worker")).status_code == 404
    assert page_of(desk.cast.auditor).get(path).status_code == 403


class TestOverrides:
    def decided(self, desk: Any, decider: Any, grade: str, *, late: int | None = None) -> Any:
        """Return a loan that `decider` approved against a referral; its first instalment is paid `late` days after it fell due."""
        from credit import offers

        application = desk.concluded("refer", {"grade": grade, "reasons": ["amount_above_limit"]})
        done = underwriting.approve(application, amount=D("6000.00"), term=3, actor=decider, at=NOON)
        offer = offers.make(done, at=NOON)
        offers.confirm_disclosure(offer, cost_hash=offer.cost_hash, seconds=30, actor=desk.cast.loan_officer, at=NOON)
        loan = offers.accept(offer, key="k", actor=desk.cast.loan_officer, at=NOON)
        if late is not None:
            first = loan.installments.order_by("seq").first()
            type(first).objects.filter(pk=first.pk).update(
                status="paid", paid_on=first.due_on + timedelta(days=late), principal_paid=first.principal, interest_paid=first.interest,
                fee_paid=first.fee,
            )  # fmt: skip
        return loan

    def test_late_means_more_than_thirty_days_ever(self, desk: Any, page_of: Any) -> None:
        mine = desk.cast.underwriter
        for late in (None, 30, 31):
            self.decided(desk, mine, "D", late=late)
        self.decided(desk, desk.cast.second_underwriter, "C", late=60)
        declined = desk.concluded("refer", {"grade": "D"})
        from credit import applications

        applications.decline(declined, reason_codes=["credit.affordability"], actor=mine, at=NOON)
        desk.loan()
        context = page_of(mine).get("/underwriting/overrides/").context
        line = context["reasons"][0]
        assert (line.key, line.approved, line.declined, line.loans, line.late, line.few) == ("amount_above_limit", 3, 1, 3, 1, True)
        assert [(each.key, each.approved, each.late) for each in context["grades"]] == [("D", 3, 1)]
        assert (context["engine"].approved, context["engine"].loans, context["engine"].late) == (1, 1, 0)
        everybody = page_of(desk.cast.risk_manager).get("/underwriting/overrides/").context
        assert (everybody["all"].approved, everybody["all"].late) == (4, 2)

    def test_nothing_decided_yet_is_said(self, desk: Any, page_of: Any) -> None:
        assert "No decision of a person yet." in page_of(desk.cast.underwriter).get("/underwriting/overrides/").text


def test_the_queue_costs_a_fixed_number_of_queries(desk: Any, page_of: Any, django_assert_max_num_queries: Any) -> None:
    for _number in range(6):
        application = desk.concluded("refer")
        papers.ask(application, kinds=["id_card", "income_proof"], due_on=TODAY + timedelta(days=3), actor=desk.cast.underwriter, at=NOON)
    client = page_of(desk.cast.underwriter)
    client.get("/applications/review/?tab=waiting")
    with django_assert_max_num_queries(20):
        client.get("/applications/review/?tab=waiting")


def test_the_api_tells_what_is_asked_and_clears_a_condition(desk: Any, make_customer: Any, api_of: Any, storage: Any) -> None:
    cast = desk.cast
    customer = make_customer(actor=cast.service)
    first = desk.concluded("refer", customer=customer, actor=cast.service)
    papers.ask(first, kinds=["id_card"], due_on=TODAY + timedelta(days=3), words="请尽快", actor=cast.underwriter, at=NOON)
    client = api_of("applications:read", "conditions:write")
    row = client.get(f"/api/v1/paper-requests/?application={first.public_id}").json()["results"][0]
    assert (row["status"], row["papers"], row["last_day"]) == (
        "open",
        [{"kind": "id_card", "document": None, "answered_at": None}],
        "2026-03-05",
    )
    assert "请尽快" not in str(row)
    document = documents.add(customer, kind="id_card", stored=documents.keep(pdf("x")), file_name="x", actor=cast.service, at=NOON)
    papers.came(document, actor=cast.service, at=NOON)
    assert client.get(f"/api/v1/paper-requests/{row['id']}/").json()["papers"][0]["document"] == document.public_id
    first.refresh_from_db()
    underwriting.approve(first, amount=D("6000.00"), kinds=["originals"], actor=cast.underwriter, at=NOON)
    listed = client.get(f"/api/v1/conditions/?application={first.public_id}&status=open").json()["results"]
    assert [each["kind"] for each in listed] == ["originals"]
    path = f"/api/v1/conditions/{listed[0]['id']}/clear/"
    body = {"evidence": "originals seen at the counter", "document": document.public_id}
    assert client.post(path, body, format="json").status_code == 403
    from rest_framework.test import APIClient

    person = APIClient()
    person.force_login(cast.underwriter)
    assert person.post(path, body | {"document": "DC-22222222X"}, format="json").status_code == 422
    assert person.post(path, body, format="json").json()["status"] == "cleared"
    assert person.post(path, body, format="json").status_code == 409
    conditions.check_cleared(first)


def test_an_applicant_is_told_once_what_is_missing(referred: Any, desk: Any, deliver: Any) -> None:
    from customers.models import Message

    papers.ask(referred, kinds=["income_proof", "id_card"], due_on=TODAY + timedelta(days=7), actor=desk.cast.underwriter, at=NOON)
    deliver()
    deliver()
    texts = list(Message.objects.filter(customer=referred.customer, template__code="papers.asked"))
    assert len(texts) == 1
    assert "收入证明" in texts[0].text or "Proof of income" in texts[0].text
    papers.remind(PaperRequest.objects.get(), at=NOON + timedelta(days=8))
    deliver()
    assert Message.objects.filter(customer=referred.customer, template__code="papers.reminder").count() == 1
