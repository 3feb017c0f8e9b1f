"""Other terms than asked for, answered by the applicant: over the API, and on the telephone by link and one-time code."""

import re
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now

from credit import counter_links, links, underwriting
from credit.models import Application, CounterLink, CounterOffer, Offer, OfferLink
from customers import one_time_codes
from customers.models import Message
from ledger import log
from ledger.models import Entry

pytestmark = pytest.mark.django_db
Status = Application.Status


@pytest.fixture
def offered(desk: Any) -> CounterOffer:
    """Return a counter-offer made today by the clock: pages know no other time."""
    cache.clear()
    return countered(desk)


def countered(desk: Any, **changes: Any) -> CounterOffer:
    application = desk.concluded("refer", amount=D("15000.00"), at=now(), **changes)
    return underwriting.counter(application, amount=D("9000.00"), term=24, actor=desk.cast.underwriter, at=now())


def token() -> str:
    text = Message.objects.filter(template__code="counter.link").order_by("-pk")[0].text
    return re.search(r"/c/([\w-]+)/", text)[1]  # type: ignore[index, arg-type]


def code() -> str:
    text = Message.objects.filter(template__code=one_time_codes.KIND).order_by("-pk")[0].text
    return re.search(r"\d{6}", text)[0]  # type: ignore[index, arg-type]


def sent(desk: Any, offered: CounterOffer) -> str:
    """Return the address of a fresh link."""
    counter_links.make(offered, actor=desk.cast.loan_officer, at=now())
    return reverse("public-counter", args=[token()])


def ready(desk: Any, offered: CounterOffer) -> tuple[Client, str]:
    """Return a browser on a link that has been read, with a code sent."""
    url, browser = sent(desk, offered), Client()
    assert browser.get(url).status_code == 200
    assert browser.post(f"{url}code/").status_code == 303
    return browser, url


class TestLink:
    def test_the_applicant_agrees_by_link_and_code_and_goes_on_by_link(self, desk: Any, offered: CounterOffer, deliver: Any) -> None:
        browser, url = ready(desk, offered)
        wrong = "000000" if code() != "000000" else "111111"
        assert browser.post(f"{url}answer/", {"code": wrong, "answer": "agree"}).status_code == 422
        assert browser.post(f"{url}answer/", {"code": code(), "answer": "agree"}).status_code == 303
        offered.refresh_from_db()
        assert (offered.status, offered.way) == ("agreed", "online")
        assert CounterLink.objects.get().status == "used"
        assert "You agreed to these terms." in browser.get(url).text
        again = browser.post(f"{url}answer/", {"code": "123456", "answer": "refuse"})
        assert again.status_code == 303, "the second click finds what the first one said"
        deliver()
        offer = Offer.objects.get(application=offered.application)
        assert (offer.amount, offer.term) == (D("9000.00"), 24)
        assert OfferLink.objects.filter(offer=offer, status="live").count() == 1
        deliver()
        counter_links.go_on(offer, at=now())
        assert OfferLink.objects.filter(offer=offer).count() == 1, "told twice, sent once"

    def test_a_no_goes_back_to_the_underwriters(self, desk: Any, offered: CounterOffer) -> None:
        browser, url = ready(desk, offered)
        assert browser.post(f"{url}answer/", {"code": code(), "answer": "refuse"}).status_code == 303
        offered.refresh_from_db()
        assert (offered.status, offered.application.status) == ("refused", Status.REFERRED)
        assert "You did not agree" in browser.get(url).text

    def test_no_code_no_answer(self, desk: Any, offered: CounterOffer) -> None:
        url, browser = sent(desk, offered), Client()
        assert browser.post(f"{url}answer/", {"code": "123456", "answer": "agree"}).status_code == 422
        assert browser.post(f"{url}answer/", {"code": "", "answer": "agree"}).status_code == 422
        browser.post(f"{url}code/")
        assert browser.post(f"{url}answer/", {"code": code(), "answer": "perhaps"}).status_code == 422
        offered.refresh_from_db()
        assert offered.status == "open"

    def test_the_page_shows_cost_and_difference_and_names_nobody(self, desk: Any, offered: CounterOffer) -> None:
        answer = Client().get(sent(desk, offered))
        page, customer = answer.text, offered.application.customer
        assert "15,000.00" in page and "9,000.00" in page and "Annualised total cost" in page
        assert customer.name not in page and customer.mobile not in page
        assert (answer.headers["Cache-Control"], answer.headers["Referrer-Policy"]) == ("no-store", "same-origin")
        assert CounterLink.objects.get().shown_at is not None

    def test_a_newer_link_ends_the_one_before_and_only_hashes_are_kept(self, desk: Any, offered: CounterOffer) -> None:
        first, second = sent(desk, offered), sent(desk, offered)
        assert [Client().get(url).status_code for url in (first, second, "/c/guessed/")] == [404, 200, 404]
        assert not CounterLink.objects.filter(token_hash=token()).exists()

    def test_answered_at_the_counter_meanwhile(self, desk: Any, offered: CounterOffer) -> None:
        browser, url = ready(desk, offered)
        underwriting.agree(CounterOffer.objects.get(pk=offered.pk), way="phone", actor=desk.cast.loan_officer, at=now())
        assert browser.post(f"{url}answer/", {"code": code(), "answer": "refuse"}).status_code == 409
        assert CounterOffer.objects.get(pk=offered.pk).status == "agreed"
        with pytest.raises(counter_links.CounterAnswered):
            counter_links.make(offered, actor=desk.cast.loan_officer, at=now())

    def test_too_late(self, desk: Any, offered: CounterOffer) -> None:
        browser, url = ready(desk, offered)
        CounterOffer.objects.filter(pk=offered.pk).update(due_on=now().date() - timedelta(days=3))
        assert "This can no longer be answered." in browser.get(url).text
        assert browser.post(f"{url}answer/", {"code": code(), "answer": "agree"}).status_code == 409
        assert browser.post(f"{url}code/").status_code == 409

    def test_guessing_is_slowed_and_the_token_reaches_no_log(self, desk: Any, offered: CounterOffer, caplog: Any) -> None:
        url = sent(desk, offered)
        with caplog.at_level("INFO"):
            Client().get(url)
        assert token() not in caplog.text
        assert token() not in " ".join(str(entry.facts) for entry in Entry.objects.all())
        assert {Client().get("/c/guessed/").status_code for _n in range(links.MOST + 3)} == {404, 429}

    def test_an_officer_sends_it_from_the_file_once_a_form(self, desk: Any, offered: CounterOffer, page_of: Any) -> None:
        officer, url = page_of(desk.cast.loan_officer), f"/counter-offers/{offered.public_id}/link/"
        page = officer.get(f"/applications/{offered.application.public_id}/").text
        assert url in page
        key = {"form_key": "11111111-2222-3333-4444-555555555555"}
        assert [officer.post(url, key).status_code for _time in range(2)] == [303, 303]
        assert CounterLink.objects.count() == 1
        assert "Last link sent" in officer.get(f"/applications/{offered.application.public_id}/").text
        assert log.history(offered).filter(event="credit.counteroffer.link_made").count() == 1
        assert page_of(desk.cast.west_underwriter).get(url).status_code in (403, 404, 405)


class TestApi:
    @pytest.fixture
    def own(self, desk: Any, make_customer: Any, offered: CounterOffer) -> CounterOffer:
        """Return a counter-offer to a customer of the service account: it sees its own only."""
        return countered(desk, customer=make_customer(actor=desk.cast.service), actor=desk.cast.service)

    def post(self, client: Any, row: CounterOffer, verb: str, key: str = "one", **body: Any) -> Any:
        url = f"/api/v1/counter-offers/{row.public_id}/{verb}/"
        return client.post(url, {"way": "online"} | body, format="json", headers={"Idempotency-Key": key})

    def test_agreed_once_whoever_sends_it_again(self, own: CounterOffer, api_of: Any) -> None:
        client = api_of("applications:read", "offers:accept")
        listed = client.get("/api/v1/counter-offers/?status=open").json()["results"]
        assert [(row["id"], row["amount"], row["asked_amount"]) for row in listed] == [(own.public_id, "9000.00", "15000.00")]
        answers = [self.post(client, own, "agree") for _time in range(2)]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].json() == answers[1].json()
        assert (answers[0].json()["status"], answers[0].json()["way"]) == ("agreed", "online")
        assert Application.objects.get(pk=own.application_id).status == Status.APPROVED
        assert self.post(client, own, "refuse", key="two").status_code == 409

    def test_refused(self, own: CounterOffer, api_of: Any) -> None:
        answer = self.post(api_of("offers:accept"), own, "refuse")
        assert (answer.status_code, answer.json()["status"]) == (200, "refused")
        assert Application.objects.get(pk=own.application_id).status == Status.REFERRED

    def test_what_cannot_be(self, own: CounterOffer, offered: CounterOffer, api_of: Any) -> None:
        client = api_of("offers:accept")
        assert list(self.post(client, own, "agree", way="by pigeon").json()["errors"]) == ["way"]
        assert self.post(client, own, "agree", version=99).status_code == 409
        assert self.post(client, offered, "agree").status_code == 404, "another's applicant"
        assert self.post(api_of("applications:read"), own, "agree").status_code == 403
        assert CounterOffer.objects.get(pk=own.pk).status == "open"
