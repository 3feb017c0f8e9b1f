"""Pages of a loan that does not go straight: what waits, what was done, what it will post; an old tab; the statement of a loan that left."""

from datetime import date
from decimal import Decimal as D
from typing import Any

import pytest
from django.test import Client
from django.utils.timezone import now

from credit import acts, repayments, statements
from credit.acts import ACTS
from credit.models import AccountingPeriod, ClassMark, Loan, Product, Transaction
from credit.views.loans import balance
from governance.models import ChangeRequest
from tests.credit.test_acts import at, do, fresh
from tests.fixtures.cast import TODAY

HTMX = {"HX-Request": "true", "HX-Target": "preview"}
KEY = "11111111-2222-3333-4444-555555555555"


def page(client: Client, loan: Loan) -> str:
    return client.get(f"/loans/{loan.public_id}/").content.decode()


@pytest.mark.parametrize(
    ("kind", "data"), [("charge_off", {}), ("sale", {"amount": D("900.00"), "buyer": "Asset Company Ltd"}), ("write_off", {})]
)
def test_a_loan_that_left_the_books_still_has_its_statement(desk: Any, page_of: Any, kind: str, data: dict[str, Any]) -> None:
    loan = desk.loan()
    do(desk, loan, "charge_off", TODAY, why="legal")
    if kind != "charge_off":
        do(desk, loan, kind, TODAY, why="legal", **data)
    made = statements.of(fresh(loan), TODAY, TODAY, today=TODAY)
    assert made.closing_principal == fresh(loan).principal_outstanding == (D("12000.00") if kind == "charge_off" else D("0.00"))
    assert made.totals.cash == data.get("amount", D("0.00")) - D("12000.00") and made.totals.lost == D("12000.00")
    assert page_of(desk.cast.loan_operations).get(f"/loans/{loan.public_id}/statement/").status_code == 200


def test_a_loan_written_off_has_nothing_due_and_says_where_its_money_goes(desk: Any, page_of: Any) -> None:
    loan, client = desk.loan(), page_of(desk.cast.loan_operations)
    do(desk, loan, "write_off", TODAY, why="legal")
    answer = client.get(f"/loans/{loan.public_id}/")
    assert (answer.context["due"]["now"], answer.context["due"]["late"], answer.context["due"]["next"]) == (D("0.00"), 0, None)
    assert "Decision of a court or authority" in answer.content.decode()
    assert "record the money as a recovery" in client.get(f"/loans/{loan.public_id}/repay/").content.decode()
    assert "nothing to pay off" in client.get(f"/loans/{loan.public_id}/payoff/").content.decode()
    row = next(row for row in client.get("/loans/").context["page"].rows if row.pk == loan.pk)
    assert row.next_due_on is None


def test_what_waits_for_a_second_person_stands_on_the_page_of_its_loan(desk: Any, page_of: Any) -> None:
    loan = desk.loan()
    done = acts.do(fresh(loan), ACTS["write_off"], {}, on=TODAY, why="legal", actor=desk.cast.loan_operations, at=at(TODAY), key="waits")
    assert isinstance(done, ChangeRequest)
    mine, other = page(page_of(desk.cast.loan_operations), loan), page(page_of(desk.cast.collector), loan)
    assert f"/changes/{done.public_id}/" in mine and "waits for a second person" in mine
    assert "waits for a second person" in other and f"/changes/{done.public_id}/" not in other


def test_a_restructured_loan_says_until_when_its_class_is_held(desk: Any, page_of: Any) -> None:
    loan = desk.loan()
    do(desk, loan, "restructure", date(2026, 4, 20), why="hardship", periods=6, annual_rate=D("0.12"), capitalises=True)
    mark = ClassMark.objects.get(loan=loan)
    text = page(page_of(desk.cast.loan_operations), loan)
    assert f"Not better than {mark.get_risk_class_display()} until {mark.until_on:%Y-%m-%d}" in text
    assert "12.00%" in text and "unpaid interest, fees and penalty" in text


def test_an_old_tab_keeps_what_was_typed_and_sends_nothing(desk: Any, page_of: Any) -> None:
    loan, client = desk.loan_now(), page_of(desk.cast.loan_operations)
    url, on = f"/loans/{loan.public_id}/acts/charge/", loan.starts_on.isoformat()
    told = {"charge_part": "fee", "amount": "12.34", "on": on, "why": "contract", "form_key": KEY, "version": loan.version}
    repayments.receive(loan, amount=D("10.00"), actor=desk.cast.loan_officer, at=now(), key="elsewhere")
    answer = client.post(url, told)
    assert answer.status_code == 409 and b"Money moved on this loan meanwhile" in answer.content and b"12.34" in answer.content
    assert not loan.transactions.filter(kind="charge").exists()
    loan.refresh_from_db()
    for _click in range(2):
        assert client.post(url, told | {"version": answer.context["form"].data["version"]}).status_code == 303
    assert loan.transactions.filter(kind="charge").count() == 1


def test_a_reversal_names_what_it_takes_back(desk: Any, page_of: Any) -> None:
    loan, client = desk.loan_now(), page_of(desk.cast.loan_operations)
    done = acts.do(
        fresh(loan), ACTS["reschedule"], {"more": 3}, on=loan.starts_on, why="agreed", actor=desk.cast.loan_operations, at=now(), key="more"
    )
    assert isinstance(done, Transaction)
    url = f"/repayments/{done.public_id}/reverse/"
    shown = client.get(url).content.decode()
    assert "Reverse: New schedule?" in shown and "0.00?" not in shown and "The bank took the money back" not in shown
    assert client.post(url, {"reason": "mistake", "form_key": KEY}).status_code == 303
    assert "Reversed: New schedule." in page(client, loan)


def test_the_preview_says_what_will_be_posted(desk: Any, page_of: Any) -> None:
    loan, client = desk.loan_now(), page_of(desk.cast.loan_operations)
    asked = {"amount": "2000.00", "keeps": "term", "channel": "cash", "on": loan.starts_on.isoformat()}
    answer = client.get(f"/loans/{loan.public_id}/acts/prepayment/", asked, headers=HTMX)
    posted = {str(account): (debit, credit) for account, debit, credit in answer.context["changes"]["posted"]}
    assert posted == {"Cash": (D("2000.00"), D("-2000.00")), "Principal": (D("-2000.00"), D("2000.00"))}
    assert "What will be posted" in answer.content.decode()


def test_a_later_part_is_taken_back_from_the_page_and_the_curve_starts_with_what_went_out(desk: Any, page_of: Any) -> None:
    from credit import offers

    Product.objects.filter(pk=desk.product.pk).update(terms={"tranches": 2})
    desk.product.refresh_from_db()
    loan = offers.accept(desk.confirmed(), key="k", actor=desk.cast.loan_officer, at=at(TODAY), first=D("4000.00"))
    later = do(desk, loan, "disbursement", date(2026, 3, 20), amount=D("5000.00"))
    first = loan.transactions.earliest("pk")
    rows = {
        row["movement"].pk: row["may_reverse"]
        for row in page_of(desk.cast.loan_operations).get(f"/loans/{loan.public_id}/").context["movements"]
    }
    assert rows[later.pk] and not rows[first.pk]
    loan = fresh(loan)
    curves = {each["key"]: each["values"] for each in balance(loan, list(loan.installments.order_by("seq")), date(2026, 4, 2))["series"]}
    assert curves["went"][:2] == [4000.0, 9000.0] and curves["agreed"][0] == 9000.0 and curves["agreed"][-1] == 0.0


def test_days_far_away_are_refused_and_break_nothing(desk: Any, page_of: Any) -> None:
    loan, client = desk.loan_now(), page_of(desk.cast.loan_operations)
    here, today = f"/loans/{loan.public_id}", loan.starts_on.isoformat()
    assert client.get(f"{here}/statement/?first=0001-01-01&last={today}").context["made"].first == loan.starts_on
    for on in ("0001-01-01", "9999-12-31"):
        assert client.get("/books/", {"on": on}).context["form"].errors["on"]
    for month in ("0001-01", "9999-12"):
        assert client.post(f"/books/months/{month}/close/").status_code == 404
    assert client.post("/books/months/1999-01/close/").status_code == 409 and not AccountingPeriod.objects.exists()
    notice = {"notice_on": "9999-12-31", "notice_number": "N 1", "on": today, "why": "contract"}
    assert client.post(f"{here}/acts/acceleration/", notice).status_code == 422
