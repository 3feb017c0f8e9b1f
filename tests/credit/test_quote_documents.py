"""An issued quote: a document nobody changes, its hash in the ledger, referred to by the offer; and the way a disclosure was made."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import DatabaseError, transaction

from credit import cost, offers, quote_documents
from credit.models import Quote
from ledger.models import Entry
from tests.fixtures.cast import NOON


def test_an_offer_refers_to_the_document_whose_hash_is_in_the_ledger(desk):
    offer = desk.offer(verdict={"annual_rate": D("0.180000")})
    quote = Quote.objects.get(pk=offer.quote_id)
    document = quote.document
    assert (document["product"]["code"], document["product"]["version"]) == ("CASH-12", 1)
    assert [cap["code"] for cap in document["caps"]] == ["cost.loan"]
    assert document["schedule"] == offer.schedule
    assert cost.fingerprint(document["cost_table"]) == offer.cost_hash
    assert quote.valid_until == offer.expires_on
    assert quote_documents.stands(quote)
    entry = Entry.objects.get(event="credit.quote.issued")
    assert entry.facts["document_hash"] == quote.document_hash
    assert document["cost_table"]["annualised"]["apr"] == "0.180004"
    quote.document = document | {"annual_rate": "0.1"}
    assert not quote_documents.stands(quote)


def test_a_quote_is_never_changed_and_another_takes_its_place(desk):
    offer = desk.offer()
    first = offer.quote
    with pytest.raises(DatabaseError, match=r"insert-only|permission denied"), transaction.atomic():
        Quote.objects.filter(pk=first.pk).update(amount=1)
    done = offers.replace(offer, amount=D("6000.00"), term=6, actor=desk.cast.loan_officer, at=NOON)
    assert (done.quote.amount, done.quote.term) == (D("6000.00"), 6)
    again = offers.renew(done, actor=desk.cast.loan_officer, at=NOON + timedelta(days=1))
    assert len({first.pk, done.quote_id, again.quote_id}) == 3
    assert Quote.objects.filter(pk=first.pk, document_hash=first.document_hash).exists()


@pytest.mark.parametrize(("channel", "witnessed"), [("counter", True), ("shop", False), ("link", False), ("api", False)])
def test_where_the_cost_was_disclosed_is_recorded(desk, channel, witnessed):
    offer = desk.offer()
    done = offers.confirm_disclosure(offer, cost_hash=offer.cost_hash, seconds=9, actor=desk.cast.loan_officer, at=NOON, channel=channel)
    assert (done.disclosure_channel, done.disclosure_witness == desk.cast.loan_officer) == (channel, witnessed)
    facts = Entry.objects.get(event="credit.offer.disclosure_confirmed").facts
    assert (facts["channel"], facts["witnessed"], facts["seconds"], facts["cost_hash"]) == (channel, witnessed, 9, offer.cost_hash)


def test_what_can_happen_after_default_stands_in_the_table(desk):
    desk.product.early_fee_rate = D("0.010000")
    desk.product.terms = {"late_fee": "20.00"}
    desk.product.save()
    items = {item["code"]: item for item in desk.offer().cost_table["contingent"]}
    assert list(items) == ["penalty", "late_fee", "early_fee"]
    assert all(item[field].keys() == {"en", "zh-hans"} for item in items.values() for field in ("name", "method", "standard", "payee"))
    assert "1.00%" in items["early_fee"]["standard"]["en"]


def test_the_page_shows_the_document_and_its_proof(desk, page_of):
    offer = desk.offer()
    client = page_of(desk.cast.loan_officer)
    shown = client.get(f"/quotes/{offer.quote.public_id}/")
    assert shown.context["stands"]
    assert shown.context["offer"] == offer
    assert offer.quote.public_id in client.get(f"/offers/{offer.public_id}/").text
    assert page_of(desk.cast.outsider).get(f"/quotes/{offer.quote.public_id}/").status_code == 404
