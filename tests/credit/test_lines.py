"""Revolving lines through the doors: opened, drawn, billed by the close, paid, frozen, ended; and what the books say of it."""

import random
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from credit import (
    acts,
    contract_terms,
    exposure,
    general_ledger,
    line_acts,
    movements,
    offers,
    product_factory,
    product_terms,
    refunds,
    repayments,
    statements,
)
from credit.models import CreditLine, JournalLine, Loan, ParkedLoan, Product, Transaction
from credit.state import REST
from crm.lib.errors import DomainError, Invalid
from governance import changes
from governance.models import ChangeRequest, User
from ledger.models import Entry
from tests.credit.lines import TERMS, agree, play, product_of, sound
from tests.credit.test_acts import at, do, fresh
from tests.credit.test_loan_doors import undo
from tests.credit.test_races import together
from tests.fixtures.cast import NOON, TODAY

ZERO = D("0.00")


def test_an_accepted_line_is_opened_and_nothing_goes_out(desk, line):
    assert (line.principal, line.undrawn, line.principal_outstanding, line.status) == (D("20000.00"), D("20000.00"), 0, "open")
    [granted] = line.transactions.all()
    assert (granted.kind, granted.amount, granted.postings.count()) == ("limit", D("20000.00"), 0)
    assert line.matures_on == date(2027, 3, 2) and line.line.next_statement_on == date(2026, 3, 10)
    assert sound(line) == {}
    assert exposure.standing(line.customer_id).lines == D("20000.00")
    again = offers.accept(line.offer, key="k", actor=desk.cast.loan_officer, at=NOON)
    assert again == line
    with pytest.raises(offers.AlreadyAccepted):
        offers.accept(line.offer, key="other", actor=desk.cast.loan_officer, at=NOON)


def test_what_it_costs_is_told_by_the_whole_limit_drawn_and_repaid_in_a_year(desk):
    offer = desk.offer(product=product_of(desk), amount=D("20000.00"))
    table = offer.cost_table
    assert [D(row["principal"]) for row in offer.schedule] == [D("1666.67")] * 11 + [D("1666.63")]
    # 18 % on 360 days cost 18.25 % of a year of 365: 20,000 × 18.25 % / 12 in the first month
    assert D(offer.schedule[0]["interest"]) == D("304.17")
    assert D(table["annualised"]["nominal"]) == pytest.approx(D("0.1825"), abs=D("0.00001"))
    assert "2008/48" in table["annualised"]["method"]["en"] and "10.00%" in table["items"][0]["method"]["en"]
    # the example is the same whatever day it is counted from: nothing has to be confirmed anew
    later = offers.confirm_disclosure(offer, cost_hash=offer.cost_hash, seconds=30, actor=desk.cast.loan_officer, at=NOON)
    assert offers.accept(later, key="k", actor=desk.cast.loan_officer, at=NOON + timedelta(days=3)).revolving


def test_the_close_bills_what_was_drawn_each_day_and_money_pays_it(desk, line):
    do(desk, line, "draw", date(2026, 3, 2), amount=D("10000.00"))
    assert sound(line) == {"principal": D("10000.00"), "cash": D("-10000.00")}
    desk.close_to(date(2026, 3, 9))
    assert line.installments.count() == 1
    desk.close_to(date(2026, 3, 10))
    first = line.installments.get(seq=1)
    # 10,000 × 18 % / 360 × 8 days; a tenth of it
    assert (first.interest, first.principal, first.due_on, first.status) == (D("40.00"), D("1000.00"), date(2026, 3, 30), "pending")
    assert Entry.objects.get(event="credit.line.statement").facts["minimum"] == "1040.00"
    agree(desk, date(2026, 3, 10))
    sound(line)
    desk.close_to(date(2026, 3, 19))
    desk.pay(line, "3040.00", on=date(2026, 3, 20))
    assert (fresh(line).principal_outstanding, fresh(line).undrawn) == (D("7000.00"), D("13000.00"))
    assert line.installments.get(seq=1).status == "paid"
    assert sound(line)["interest"] == D("-40.00")
    desk.close_to(date(2026, 4, 10))
    second = line.installments.get(seq=2)
    assert second.interest == D("50.00") + D("73.50")  # ten days on 10,000 and twenty-one on 7,000
    agree(desk, date(2026, 4, 10))
    sound(line)
    # what the general ledger earned is what was billed
    income = sum(JournalLine.objects.filter(purpose="interest_income").values_list("amount", flat=True), ZERO)
    assert income == -(D("40.00") + D("123.50"))


def test_the_commitment_stands_off_the_balance_sheet(desk, line):
    do(desk, line, "draw", amount=D("6000.00"))
    desk.close_to(TODAY)
    had = general_ledger.balance(desk.cast.entity)["LINE"]
    assert (had["off_commitment"], had["off_contra"], had["principal"]) == (D("14000.00"), D("-14000.00"), D("6000.00"))
    # 6,000 × 18 % / 360 of nothing yet: the day of the draw itself does not count
    assert had["interest"] == 0
    desk.close_to(TODAY + timedelta(days=1))
    assert general_ledger.balance(desk.cast.entity)["LINE"]["interest"] == D("3.00")


def test_money_above_everything_goes_to_interest_not_billed_and_the_rest_is_held(desk, line):
    do(desk, line, "draw", amount=D("1000.00"))
    desk.close_to(date(2026, 3, 5))
    made = desk.pay(line, "1010.00", on=date(2026, 3, 6))  # 1,000 × 18 % / 360 × 4 = 2.00
    found = {(row.account, row.installment and row.installment.seq): row.amount for row in made.postings.select_related("installment")}
    assert found == {
        ("cash", None): D("1010.00"),
        ("principal", REST): D("-1000.00"),
        ("interest", REST): D("-2.00"),
        ("overpayment", None): D("-8.00"),
    }
    desk.close_to(date(2026, 3, 10))
    agree(desk, date(2026, 3, 10))
    assert [(row.seq, row.interest, row.status) for row in line.installments.order_by("seq")] == [(1, 0, "paid"), (REST, D("2.00"), "paid")]
    assert fresh(line).status == "open"
    asked = refunds.request(fresh(line), amount=D("8.00"), actor=desk.cast.loan_operations, at=at(date(2026, 3, 11)))
    assert asked.amount == D("8.00")
    sound(line)


def test_a_line_past_due_is_late_charged_frozen_and_gives_no_draws(desk, line):
    do(desk, line, "draw", amount=D("10000.00"))
    desk.close_to(date(2026, 4, 3))  # due on 30 March, grace of 3 days: beyond it on 3 April
    late = fresh(line)
    assert (late.dpd, late.bucket, late.line.frozen_on) == (4, 1, None)
    assert line.installments.get(seq=1).penalty == D("2.67")  # 1,000 × 24 % (27 %, held to the cap) / 360 × 4
    with pytest.raises(line_acts.LinePastDue):
        do(desk, line, "draw", date(2026, 4, 4), amount=D("1.00"))
    with pytest.raises(line_acts.LinePastDue):
        do(desk, line, "limit", date(2026, 4, 4), amount=D("21000.00"))
    desk.close_to(date(2026, 4, 4))
    assert fresh(line).line.frozen_on == date(2026, 4, 4)
    assert Transaction.objects.get(loan=line, kind="freeze").details == {"why": "contract"}
    sound(line)
    desk.close_to(date(2026, 4, 6))
    agree(desk, date(2026, 4, 6))
    with pytest.raises(line_acts.LinePastDue):
        do(desk, line, "unfreeze", date(2026, 4, 7))
    desk.pay(line, "1045.33", on=date(2026, 4, 7))  # and 5.33 of penalty: eight days
    assert (fresh(line).dpd, line.installments.get(seq=1).status) == (0, "paid")
    with pytest.raises(line_acts.LineFrozen):
        do(desk, line, "draw", date(2026, 4, 7), amount=D("1.00"))
    do(desk, line, "unfreeze", date(2026, 4, 7))
    do(desk, line, "draw", date(2026, 4, 7), amount=D("1.00"))
    sound(line)


def test_draws_that_cannot_be_are_refused(desk, line):
    for amount in ("20000.01", "0.00", "-1.00", "1.001"):
        with pytest.raises(Invalid):
            do(desk, line, "draw", amount=D(amount))
    do(desk, line, "freeze", why="risk", actor=desk.cast.risk_manager)
    with pytest.raises(line_acts.LineFrozen):
        do(desk, line, "draw", amount=D("1.00"))
    with pytest.raises(line_acts.LineFrozen):
        do(desk, line, "freeze", why="risk", actor=desk.cast.risk_manager)
    do(desk, line, "unfreeze", why="agreed", actor=desk.cast.risk_manager)
    desk.close_to(TODAY)
    with pytest.raises(line_acts.BackDated):
        acts.do(
            fresh(line),
            acts.ACTS["draw"],
            {"amount": D("1.00")},
            on=TODAY,
            why="agreed",
            actor=desk.cast.loan_officer,
            at=at(TODAY + timedelta(days=1)),
            key="b",
        )
    Loan.objects.filter(pk=line.pk).update(matures_on=TODAY)
    with pytest.raises(line_acts.LineEnded):
        do(desk, line, "draw", TODAY + timedelta(days=1), amount=D("1.00"))
    assert not line.transactions.filter(kind="draw").exists()


def test_the_same_key_draws_once(desk, line):
    for _ in range(2):
        acts.do(
            fresh(line),
            acts.ACTS["draw"],
            {"amount": D("500.00")},
            on=None,
            why="agreed",
            actor=desk.cast.loan_officer,
            at=NOON,
            key="same",
        )
    assert fresh(line).principal_outstanding == D("500.00")


@pytest.mark.django_db(transaction=True)
def test_draws_at_once_never_pass_the_limit(desk):
    line = desk.loan(product=product_of(desk), amount=D("1000.00"))

    def drawn(n):
        return acts.do(
            line, acts.ACTS["draw"], {"amount": D("300.00")}, on=None, why="agreed", actor=desk.cast.loan_officer, at=NOON, key=f"d{n}"
        )

    results = together(*(lambda n=n: drawn(n) for n in range(6)))
    assert sum(isinstance(each, Transaction) for each in results) == 3
    assert sum(isinstance(each, line_acts.OverLimit) for each in results) == 3
    assert Loan.objects.get(pk=line.pk).principal_outstanding == D("900.00")


def test_a_limit_is_lowered_at_once_and_raised_by_two(desk, line):
    do(desk, line, "draw", amount=D("5000.00"))
    with pytest.raises(line_acts.BelowDrawn):
        do(desk, line, "limit", amount=D("4999.99"))
    data = {"amount": D("8000.00")}
    acts.do(fresh(line), acts.ACTS["limit"], data, on=None, why="risk", actor=desk.cast.loan_operations, at=NOON, key="low")
    assert (fresh(line).principal, fresh(line).undrawn) == (D("8000.00"), D("3000.00"))
    asked = acts.do(
        fresh(line),
        acts.ACTS["limit"],
        {"amount": D("30000.00")},
        on=None,
        why="agreed",
        actor=desk.cast.loan_operations,
        at=NOON,
        key="up",
    )
    assert isinstance(asked, ChangeRequest) and fresh(line).principal == D("8000.00")
    with pytest.raises(DomainError):
        changes.confirm(asked, actor=desk.cast.loan_operations, at=NOON)
    User.objects.filter(pk=desk.cast.risk_manager.pk).update(approval_limit=D("29999.99"))
    with pytest.raises(DomainError) as refusal:  # more is lent than was approved: by somebody who may approve as much
        changes.confirm(ChangeRequest.objects.get(pk=asked.pk), actor=User.objects.get(pk=desk.cast.risk_manager.pk), at=NOON)
    assert refusal.value.code == "over_authority" and fresh(line).principal == D("8000.00")
    User.objects.filter(pk=desk.cast.risk_manager.pk).update(approval_limit=D("30000.00"))
    changes.confirm(ChangeRequest.objects.get(pk=asked.pk), actor=User.objects.get(pk=desk.cast.risk_manager.pk), at=NOON)
    assert (fresh(line).principal, fresh(line).undrawn) == (D("30000.00"), D("25000.00"))
    with pytest.raises(Invalid):
        do(desk, line, "limit", amount=D("50000.01"))  # above the product
    Product.objects.filter(pk=line.product_id).update(amount_max=D("900000.00"))
    with pytest.raises(exposure.OverExposure):
        do(desk, line, "limit", amount=D("900000.00"))
    sound(line)


def test_what_is_not_of_a_line_is_refused_with_a_sentence(desk, line):
    loan = desk.loan()
    do(desk, line, "draw", amount=D("5000.00"))
    for kind, data in (
        ("prepayment", {"amount": D("1.00"), "keeps": "term"}), ("reschedule", {"more": 1}), ("charge", {"charge_part": "fee", "amount": D("1.00")}),
        ("restructure", {"periods": 3, "annual_rate": D("0.1")}), ("relief", {"until": TODAY}), ("disbursement", {"amount": D("1.00")}),
        ("acceleration", {}), ("cancellation", {}),
    ):  # fmt: skip
        with pytest.raises(line_acts.NotOfALine, match="revolving line"):
            do(desk, line, kind, **data)
    for kind in ("draw", "limit", "freeze", "unfreeze", "closure"):
        with pytest.raises(line_acts.OnlyOfALine):
            do(desk, loan, kind, amount=D("1.00"))
    shown = {act.kind for act in acts.open_to(desk.cast.loan_operations, fresh(line))}
    assert {"draw", "limit", "freeze"} <= shown and not {"unfreeze", "prepayment", "reschedule", "closure"} & shown


def test_a_payment_that_bounces_after_it_was_drawn_again_leaves_more_than_the_limit(desk, line):
    do(desk, line, "draw", amount=D("20000.00"))
    paid = desk.pay(line, "5000.00")
    do(desk, line, "draw", amount=D("5000.00"))
    undo(desk, paid)
    assert (fresh(line).principal_outstanding, fresh(line).undrawn) == (D("25000.00"), 0)
    sound(line)
    desk.close_to(TODAY)
    agree(desk, TODAY)


def test_money_of_an_earlier_day_is_shown_before_it_is_taken(desk, line):
    do(desk, line, "draw", amount=D("10000.00"))
    desk.close_to(date(2026, 3, 15))
    seen = movements.preview(fresh(line), kind="repayment", amount=D("4000.00"), on=date(2026, 3, 6), details={})
    assert [row.due.interest for row in seen.after.billed] == [D("32.00")]  # four days on 10,000, four on 6,000
    repayments.receive(
        fresh(line), amount=D("4000.00"), actor=desk.cast.loan_officer, at=at(date(2026, 3, 16)), key="back", received_on=date(2026, 3, 6)
    )
    assert line.installments.get(seq=1).interest == D("32.00")
    sound(line)
    desk.close_to(date(2026, 3, 16))
    agree(desk, date(2026, 3, 16))


def test_a_close_missed_for_days_bills_as_if_it_had_come_each_night(desk, line):
    do(desk, line, "draw", amount=D("10000.00"))
    Loan.objects.filter(pk=line.pk).update(closed_on=TODAY - timedelta(days=1))
    type(desk.cast.entity).objects.filter(pk=desk.cast.entity.pk).update(business_date=date(2026, 4, 20))
    desk.pay(line, "50.00", on=date(2026, 4, 20))  # whoever writes first closes the days it has missed
    assert [row.due_on for row in line.installments.order_by("seq")[:2]] == [date(2026, 3, 30), date(2026, 4, 30)]
    assert fresh(line).line.frozen_on is not None
    sound(line)


def test_a_line_whose_movements_make_no_history_is_set_aside_and_the_others_go_on(desk, line):
    other = desk.loan(product=Product.objects.get(code="LINE"), amount=D("3000.00"))
    do(desk, other, "draw", amount=D("1000.00"))
    Loan.objects.filter(pk=line.pk).update(terms=line.terms | {"day_count": "30/360"})
    desk.close_to(date(2026, 3, 11))
    assert list(ParkedLoan.objects.values_list("loan_id", flat=True)) == [line.pk]
    assert other.installments.filter(seq=1).exists() and not line.installments.filter(seq=1).exists()


def test_a_product_sells_a_line_only_as_it_can_be_kept(desk):
    product = product_of(desk, live=False, drafted_by=desk.cast.risk_manager)
    values = {name: getattr(product, name) for name in product_factory.WRITTEN}
    values["terms"] = product_terms.whole(TERMS)
    lender = {"en": "T", "zh-hans": "T"}
    good = product_factory.checked(values, lender=lender, on=TODAY)
    assert good["terms"]["statement_day"] == 10 and product_terms.unsupported("revolving", "actual/360", good["terms"]) == []
    wrong = [
        ({"day_count": "30/360"}, "day_count"), ({"early_fee_rate": D("0.01")}, "early_fee_rate"),
        ({"terms": values["terms"] | {"late_fee": "10.00"}}, "late_fee"), ({"terms": values["terms"] | {"grace_principal": 1}}, "grace_principal"),
        ({"terms": values["terms"] | {"statement_day": 0}}, "statement_day"), ({"terms": values["terms"] | {"minimum_share": "1.2"}}, "minimum_share"),
    ]  # fmt: skip
    for wanted, field in wrong:
        with pytest.raises(Invalid) as refused:
            product_factory.checked(values | wanted, lender=lender, on=TODAY)
        assert field in refused.value.fields
    assert contract_terms.of_product(product, amount=D("20000.00"), term=24, annual_rate=D("0.18"), on=TODAY).line is None


def test_the_pages_of_a_line(desk, page_of):
    line = desk.loan_now(product=product_of(desk), amount=D("20000.00"))
    client: Client = page_of(desk.cast.loan_officer)
    page = client.get(f"/loans/{line.public_id}/")
    assert page.status_code == 200 and b"loan-act" not in page.content[:0]
    text = page.content.decode()
    assert f"/loans/{line.public_id}/acts/draw/" in text and "Revolving line" in text
    seen = client.get(
        f"/loans/{line.public_id}/acts/draw/",
        {"amount": "1000.00", "on": line.starts_on.isoformat(), "why": "agreed"},
        headers={"HX-Request": "true"},
    )
    assert "Interest a day" in seen.content.decode()
    for path in ("statement/", "balance/", f"instalments/{REST}/", "payoff/", "acts/", "repay/"):
        assert client.get(f"/loans/{line.public_id}/{path}").status_code == 200, path


steps = st.lists(
    st.tuples(st.sampled_from(["draw", "pay", "late", "undo", "wait"]), st.integers(0, 12), st.integers(1, 900_000)), max_size=7
)


@settings(
    max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], phases=(Phase.explicit, Phase.generate)
)
@given(steps, st.integers(1, 28), st.integers(0, 2**16))
def test_a_line_played_anew_is_what_the_closes_wrote(desk, steps, statement_day, seed):
    from django.db import transaction

    with transaction.atomic():
        chance, day = random.Random(seed), TODAY
        terms = TERMS | {"statement_day": statement_day}
        line = desk.loan(product=product_of(desk, code=f"L{seed}", terms=terms), amount=D("20000.00"))
        made = []
        for what, days, cents in steps:
            desk.close_to(day + timedelta(days=days) - timedelta(days=1))
            day += timedelta(days=days)
            amount = D(cents) / 100
            try:
                if what == "draw":
                    do(desk, line, "draw", day, amount=min(amount, fresh(line).undrawn))
                elif what in ("pay", "late"):
                    on = day if what == "pay" else max(TODAY, day - timedelta(days=chance.randint(0, 9)))
                    desk.keys += 1
                    made.append(
                        repayments.receive(
                            fresh(line), amount=amount, actor=desk.cast.loan_officer, at=at(day), key=f"p{desk.keys}", received_on=on
                        )
                    )
                elif what == "undo" and made:
                    undo(desk, made.pop(chance.randrange(len(made))), day)
            except DomainError:
                pass
            sound(line)
        desk.close_to(day + timedelta(days=12))
        sound(line)
        agree(desk, day + timedelta(days=12))
        transaction.set_rollback(True)


def test_a_statement_of_account_of_a_line(desk, line):
    do(desk, line, "draw", amount=D("10000.00"))
    desk.close_to(date(2026, 3, 31))
    made = statements.of(fresh(line), TODAY, date(2026, 3, 31), today=date(2026, 3, 31))
    assert made.accrual is not None and made.accrual.principal == D("10000.00")
    assert (made.accrual.a_day, made.accrual.in_period) == (D("5.00"), D("145.00"))
    assert [(each.number, each.left) for each in made.fell_due] == [(1, D("1040.00"))]
    assert made.principal_to_come == D("9000.00")
    assert CreditLine.objects.get(loan=line).counted_to == date(2026, 3, 10)
    assert play(line, date(2026, 3, 31)).unbilled == D("105.00")


def test_the_calls_of_a_line(desk, token_of):
    line = desk.loan_now(product=product_of(desk), amount=D("20000.00"))
    client, bearer = (
        Client(),
        {"Authorization": f"Bearer {token_of(user=desk.cast.person('line_client', 'loan_operations', desk.cast.head, kind='service'))}"},
    )

    def post(path, key, **body):
        headers = bearer | {"Idempotency-Key": key}
        return client.post(f"/api/v1/loans/{line.public_id}/{path}/", body, content_type="application/json", headers=headers)

    drawn = [post("draw", "a", amount="1500.00") for _ in range(2)]
    assert [answer.status_code for answer in drawn] == [201, 201] and drawn[0].json()["id"] == drawn[1].json()["id"]
    assert post("draw", "b", amount="18500.01").json()["code"] == "over_limit"
    assert post("limit", "c", amount="20500.00", why="agreed").status_code == 403  # two persons, on the page
    assert post("limit", "d", amount="5000.00", why="agreed").status_code == 201
    assert post("freeze", "e", why="risk").status_code == 201
    assert post("draw", "f", amount="1.00").json()["code"] == "line_frozen"
    told = client.get(f"/api/v1/loans/{line.public_id}/line/", headers=bearer).json()
    assert (told["limit"], told["drawn"], told["available"], told["a_day"]) == ("5000.00", "1500.00", "3500.00", "0.75")
    assert told["frozen_on"] == line.starts_on.isoformat() and told["statements"] == []
    assert post("unfreeze", "g", why="agreed").status_code == 201
    loan = desk.loan_now()
    assert client.get(f"/api/v1/loans/{loan.public_id}/line/", headers=bearer).json()["code"] == "only_of_a_line"
