"""An offer on its way to the customer: what-if within what was approved, the paper, the link."""

import hashlib
import re
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now

from credit import contracts, links, offers, papers_pdf
from credit.models import Contract, Loan, Offer, OfferLink, Reservation
from crm.lib.errors import Stale
from customers import one_time_codes
from customers.models import Message
from ledger import log
from tests.fixtures.cast import NOON, TODAY

pytestmark = pytest.mark.django_db


# --- what-if -------------------------------------------------------------------------------------------------------
def replace(desk, offer, amount="9000.00", term=12, **more):
    return offers.replace(offer, amount=D(amount), term=term, actor=desk.cast.loan_officer, at=NOON, **more)


def test_less_money_is_another_table_that_has_to_be_confirmed(desk):
    offer = desk.confirmed()
    was = offer.cost_hash
    done = replace(desk, offer)
    assert (done.amount, done.is_confirmed, done.cost_hash != was) == (D("9000.00"), False, True)
    assert Reservation.objects.get(application=offer.application).amount == D("9000.00")
    with pytest.raises(offers.NotConfirmed):
        offers.accept(done, key="k", actor=desk.cast.loan_officer, at=NOON)
    offers.confirm_disclosure(done, cost_hash=done.cost_hash, seconds=30, actor=desk.cast.loan_officer, at=NOON)
    assert offers.accept(done, key="k", actor=desk.cast.loan_officer, at=NOON).principal == D("9000.00")


def test_and_back_to_all_that_was_approved(desk):
    offer = desk.offer()
    assert replace(desk, replace(desk, offer), "12000.00").amount == D("12000.00")


@pytest.mark.parametrize(
    ("amount", "term", "field"),
    [("12000.01", 12, "amount"), ("199.99", 12, "amount"), ("9000.00", 13, "term"), ("9000.00", 2, "term"), ("12000.00", 11, "term")],
)
def test_never_beyond_what_was_approved(desk, amount, term, field):
    offer = desk.offer()
    with pytest.raises(offers.OutsideApproval) as refusal:
        replace(desk, offer, amount, term)
    assert field in refusal.value.fields
    assert Offer.objects.get(pk=offer.pk).amount == D("12000.00")


def test_a_shorter_term_where_the_instalment_allows(desk):
    assert replace(desk, desk.offer(), "6000.00", 6).term == 6


def test_an_old_page_or_a_lapsed_offer_changes_nothing(desk):
    offer = desk.offer()
    with pytest.raises(Stale):
        replace(desk, offer, version=offer.version + 1)
    with pytest.raises(offers.OfferLapsed):
        offers.replace(offer, amount=D("9000.00"), term=12, actor=desk.cast.loan_officer, at=NOON + timedelta(days=40))


# --- paper ---------------------------------------------------------------------------------------------------------
def test_the_same_offer_gives_the_same_bytes(desk):
    offer = Offer.objects.get(pk=desk.offer().pk)
    first = papers_pdf.contract(offer)
    papers_pdf._compiler.cache_clear()  # as another process would begin
    assert papers_pdf.contract(Offer.objects.get(pk=offer.pk)) == first
    assert first.startswith(b"%PDF-")


def test_the_paper_is_kept_once_sealed_and_proved(desk, settings, tmp_path):
    settings.MEDIA_ROOT, settings.PORTS = tmp_path, settings.PORTS | {"storage": ""}
    offer = desk.offer()
    made = contracts.paper(offer, actor=desk.cast.loan_officer, at=NOON)
    assert contracts.paper(offer, actor=desk.cast.loan_officer, at=NOON) == made
    content = contracts.opened(made, actor=desk.cast.loan_officer, at=NOON)
    assert content == papers_pdf.contract(offer)
    kept = next(path for path in tmp_path.rglob("*") if path.is_file()).read_bytes()
    assert b"%PDF-" not in kept
    told = log.history(offer)
    assert [entry.event for entry in told[:2]] == ["credit.contract.opened", "credit.contract.made"]
    assert told[1].facts["sha256"] == made.sha256


def test_another_table_is_another_paper(desk, settings, tmp_path):
    settings.MEDIA_ROOT, settings.PORTS = tmp_path, settings.PORTS | {"storage": ""}
    offer = desk.offer()
    contracts.paper(offer, actor=desk.cast.loan_officer, at=NOON)
    contracts.paper(replace(desk, offer), actor=desk.cast.loan_officer, at=NOON)
    assert Contract.objects.filter(offer=offer).count() == 2


# --- link ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def standing(desk):
    """Return an offer made today by the clock: pages know no other time."""

    cache.clear()
    return desk.offer(at=now())


def token_of(offer):
    text = Message.objects.filter(template__code="offer.link").order_by("-pk")[0].text
    return re.search(r"/o/([\w-]+)/", text)[1]


def sent(desk, offer):
    links.make(offer, actor=desk.cast.loan_officer, at=now())
    return token_of(offer)


def code():
    text = Message.objects.filter(template__code=one_time_codes.KIND).order_by("-pk")[0].text
    return re.search(r"\d{6}", text)[0]


def ready(desk, offer):
    """Return the address of a link whose table was read and confirmed, with a code sent."""
    url = reverse("public-offer", args=[sent(desk, offer)])
    browser = Client()
    assert browser.get(url).status_code == 200
    OfferLink.objects.update(shown_at=now() - timedelta(seconds=60))
    assert browser.post(f"{url}confirm/", {"cost_hash": offer.cost_hash, "read": "on"}).status_code == 303
    assert browser.post(f"{url}code/").status_code == 303
    return browser, url


def test_a_customer_accepts_by_link_and_code(desk, standing):
    browser, url = ready(desk, standing)
    assert browser.post(f"{url}accept/", {"code": "000000" if code() != "000000" else "111111"}).status_code == 422
    assert browser.post(f"{url}accept/", {"code": code()}).status_code == 303
    loan = Loan.objects.get(offer=standing)
    assert loan.public_id in browser.get(url).content.decode()
    assert OfferLink.objects.get().status == "used"
    assert browser.post(f"{url}accept/", {"code": "123456"}).status_code == 303  # the second click
    assert Loan.objects.filter(offer=standing).count() == 1


def test_the_page_names_nobody_and_no_cache_keeps_it(desk, standing):
    answer = Client().get(reverse("public-offer", args=[sent(desk, standing)]))
    page = answer.content.decode()
    customer = standing.application.customer
    assert customer.name not in page
    assert customer.mobile not in page
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "same-origin"  # nobody outside learns the token; stricter, and forms lose their origin


def test_only_the_hash_of_the_token_is_kept_and_a_newer_link_ends_it(desk, standing):
    first = sent(desk, standing)
    assert not OfferLink.objects.filter(token_hash=first).exists()
    second = sent(desk, standing)
    assert Client().get(reverse("public-offer", args=[first])).status_code == 404
    assert Client().get(reverse("public-offer", args=[second])).status_code == 200
    assert Client().get(reverse("public-offer", args=["guessed"])).status_code == 404


def test_the_table_is_read_before_a_code_is_sent(desk, standing):
    url = reverse("public-offer", args=[sent(desk, standing)])
    browser = Client()
    browser.get(url)
    assert browser.post(f"{url}confirm/", {"cost_hash": standing.cost_hash, "read": "on"}).status_code == 422  # too fast
    assert browser.post(f"{url}code/").status_code == 409
    assert not Message.objects.filter(template__code=one_time_codes.KIND).exists()


def test_a_lapsed_offer_says_so_and_takes_nothing(desk, standing):
    browser, url = ready(desk, standing)
    Offer.objects.filter(pk=standing.pk).update(expires_on=TODAY - timedelta(days=1))
    assert "could be accepted until" in browser.get(url).content.decode()
    assert browser.post(f"{url}accept/", {"code": code()}).status_code == 409
    assert not Loan.objects.filter(offer=standing).exists()


def test_too_many_requests_are_refused(desk, standing):
    url = reverse("public-offer", args=["guessed"])
    answers = {Client().get(url).status_code for _ in range(links.MOST + 3)}
    assert answers == {404, 429}
    assert Client(REMOTE_ADDR="10.0.0.9").get(url).status_code == 404


def test_the_token_reaches_no_log(desk, standing, caplog):
    token = sent(desk, standing)
    with caplog.at_level("INFO"):
        Client().get(reverse("public-offer", args=[token]))
    from ledger.models import Entry

    assert token not in caplog.text
    assert token not in " ".join(str(entry.facts) for entry in Entry.objects.all())


# --- the paper by link -----------------------------------------------------------------------------------------------
def test_the_contract_is_read_before_it_is_accepted_as_a_draft_that_names_nobody(desk, standing):
    url, browser = reverse("public-offer", args=[sent(desk, standing)]), Client()
    assert f"{url}draft.pdf" in browser.get(url).content.decode()
    answer = browser.get(f"{url}draft.pdf")
    assert (answer.status_code, answer["Content-Type"], answer["Cache-Control"]) == (200, "application/pdf", "no-store")
    assert answer.content.startswith(b"%PDF-")
    entry = log.history(standing).first()
    assert (entry.event, entry.facts["cost_hash"]) == ("credit.contract.draft_opened", standing.cost_hash)
    customer, offer = standing.application.customer, Offer.objects.get(pk=standing.pk)
    whole, draft = papers_pdf._contract(offer), papers_pdf._contract(offer, masked=True)
    for value in (customer.name, customer.id_number, customer.mobile, customer.bank_card):
        assert value in str(whole)
        assert value not in str(draft)
    assert draft["draft"] is True
    assert [draft[part] for part in ("costs", "sums", "schedule", "clauses")] == [
        whole[part] for part in ("costs", "sums", "schedule", "clauses")
    ]
    assert answer.content == papers_pdf.draft(offer) != papers_pdf.contract(offer)
    assert browser.post(f"{url}contract/", {"code": "123456"}).status_code == 409, "no contract before it is accepted"


def test_the_contract_itself_comes_for_a_code_after_acceptance(desk, standing, storage):
    from customers.models import OneTimeCode

    browser, url = ready(desk, standing)
    assert browser.post(f"{url}accept/", {"code": code()}).status_code == 303
    page = browser.get(url).content.decode()
    assert "Your contract" in page
    assert "draft.pdf" not in page
    assert browser.get(f"{url}draft.pdf").status_code == 409
    assert browser.post(f"{url}contract/", {"code": code()}).status_code == 422, "the code that accepted opens nothing more"
    OneTimeCode.objects.update(issued_at=now() - timedelta(minutes=2))
    assert browser.post(f"{url}code/").status_code == 303
    wrong = "000000" if code() != "000000" else "111111"
    assert browser.post(f"{url}contract/", {"code": wrong}).status_code == 422
    answer = browser.post(f"{url}contract/", {"code": code()})
    assert (answer.status_code, answer["Content-Disposition"]) == (200, f'attachment; filename="{standing.public_id}.pdf"')
    assert answer.content == papers_pdf.contract(Offer.objects.get(pk=standing.pk))
    assert log.history(standing).first().event == "credit.contract.opened"
    assert Contract.objects.get().sha256 == hashlib.sha256(answer.content).hexdigest()
