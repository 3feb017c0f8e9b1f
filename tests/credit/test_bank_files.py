"""Files of receipts: read as banks write them, each receipt once, what names no loan waits."""

from datetime import date
from decimal import Decimal as D

import pytest

from credit import bank_files, four_eyes, repayments, reversals, suspense
from credit.models import BankFile, Loan, Receipt, Transaction, VirtualAccount
from crm.lib.errors import Stale
from governance.lifecycle import IllegalMove
from governance.models import Job
from tests.fixtures.cast import NOON, TODAY

pytestmark = pytest.mark.django_db


def file(*lines, head="交易流水号,交易日期,贷方金额,对方户名,对方账号,附言", encoding="utf-8"):
    return "\r\n".join([head, *lines]).encode(encoding)


def bring(desk, content):
    batch = bank_files.bring_in(content, file_name="bank.csv", legal_entity=desk.cast.entity, actor=desk.cast.loan_operations, at=NOON)
    return bank_files.run(batch.pk, at=NOON)


def receipt(desk, amount="100.00", text="", payer="王小明", reference="S-1", on=TODAY):
    return suspense.take_in(
        legal_entity=desk.cast.entity, reference=reference, received_on=on, amount=D(amount), payer_name=payer,
        payer_account="6222020000001234", remittance=text, actor=desk.cast.loan_operations, at=NOON,
    )  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_line_that_names_its_loan_is_booked(desk, encoding):
    loan = desk.loan()
    batch = bring(desk, file(f"N1,2026-03-02,500.00,王小明,6222,还款{loan.public_id}", encoding=encoding))
    assert (batch.booked, batch.suspended, batch.job.status, batch.content) == (1, 0, Job.Status.DONE, None)
    movement = Transaction.objects.get(kind="repayment")
    assert (movement.loan, movement.amount, movement.channel, movement.reference) == (loan, D("500.00"), "bank_file", "N1")
    row = Receipt.objects.get()
    assert (row.status, row.match, row.loan, row.transaction) == ("matched", "loan_number", loan, movement)


def test_headings_below_a_preface_other_commas_and_outgoing_lines(desk):
    head = "某银行股份有限公司 账户明细;;;;\r\n账号：6222…;;;;\r\n流水号;记账日期;交易金额（元）;借贷标志;摘要"
    batch = bring(desk, file("N1;20260302;1,200.50;贷;房租", "N2;2026/03/02;9.00;借;手续费", head=head, encoding="gb18030"))
    assert (batch.suspended, batch.outgoing, batch.booked, batch.encoding) == (1, 1, 0, "GB18030")
    assert Receipt.objects.get().amount == D("1200.50")


def test_bad_lines_are_named_and_the_rest_goes_on(desk):
    batch = bring(
        desk, file("N1,2026-03-02,0,甲,,", "N2,2026-13-02,5,甲,,", ",2026-03-02,5,甲,,", "N4,2026-03-02,1.234,甲,,", "N5,2026-03-02,5,甲,,")
    )
    assert (batch.suspended, batch.job.failed, batch.job.status) == (1, 4, Job.Status.PARTIAL)
    assert [(row["line"], row["field"]) for row in batch.job.problems] == [
        (2, "amount"),
        (3, "received_on"),
        (4, "reference"),
        (5, "amount"),
    ]


def test_the_same_file_is_refused(desk):
    content = file("N1,2026-03-02,5,甲,,")
    first = bring(desk, content)
    with pytest.raises(bank_files.FileKnown) as refusal:
        bring(desk, content)
    assert refusal.value.extra["file"] == first.public_id
    assert Receipt.objects.count() == 1


def test_the_same_reference_in_another_file_books_nothing(desk):
    loan = desk.loan()
    bring(desk, file(f"N1,2026-03-02,500.00,王小明,,{loan.public_id}"))
    again = bring(desk, file(f"N1,2026-03-02,500.00,王小明,,{loan.public_id}", "N2,2026-03-02,5,甲,,"))
    assert (again.known, again.suspended, again.booked) == (1, 1, 0)
    assert Transaction.objects.filter(kind="repayment").count() == 1


def test_a_known_reference_with_another_amount_is_a_bad_line(desk):
    bring(desk, file("N1,2026-03-02,5,甲,,"))
    assert bring(desk, file("N1,2026-03-02,6,甲,,")).job.failed == 1


def test_a_worker_that_died_is_followed_by_one_that_goes_on(desk):
    from credit import batches

    content = file(*(f"N{n},2026-03-02,5,甲,," for n in range(60)))
    batch = bank_files.bring_in(content, file_name="b.csv", legal_entity=desk.cast.entity, actor=desk.cast.loan_operations, at=NOON)
    rows = bank_files.read(batch.content)[1]
    BankFile.objects.filter(pk=batch.pk).update(claimed_at=NOON)
    batch.refresh_from_db()
    batches._chunk(batch, rows, bank_files._line, at=NOON, alive_at=NOON)  # the first chunk, and then it died
    assert bank_files.run(batch.pk, at=NOON) is None
    assert bank_files.unfinished(at=NOON + batches.LEASE * 2) == [batch.pk]
    done = bank_files.run(batch.pk, at=NOON + batches.LEASE * 2)
    assert (done.suspended, done.known, Receipt.objects.count()) == (60, 0, 60)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "names the columns"),
        (file(), "no line below"),
        (b"a,b,c\r\n1,2,3", "names the columns"),
        (b"\xff\xfea\x00,\x00", "neither UTF-8"),
        (b"\x00" * 20, "neither UTF-8"),
        (b"x" * (bank_files.LARGEST + 1), "larger than"),
    ],
)
def test_what_is_no_bank_file_is_refused(desk, content, why):
    with pytest.raises(bank_files.NotABankFile, match=why):
        bring(desk, content)
    assert not BankFile.objects.exists()


# --- whose money ---------------------------------------------------------------------------------------------------
def test_a_virtual_account_and_a_quote_name_a_loan(desk):
    from credit import payoffs

    loan = desk.loan()
    quote = payoffs.issue(loan, settles_on=TODAY, actor=desk.cast.loan_officer, at=NOON)
    number = VirtualAccount.objects.get(loan=loan).number
    find = lambda account="", text="": suspense.find(desk.cast.entity, account=account, text=text)[:2]  # noqa: E731
    assert find(account=f"{number[:4]} {number[4:]}") == (loan, "virtual_account")
    assert find(text=f"还款 {number}") == (loan, "virtual_account")
    assert find(text=f"结清{quote.public_id}") == (loan, "quote_number")
    assert find(text=loan.public_id.lower().replace("-", "")) == (loan, "loan_number")
    assert find(text="".join(chr(ord(c) + 0xFEE0) for c in loan.public_id)) == (loan, "loan_number")  # full width


def test_paying_the_quote_by_transfer_ends_the_loan(desk):
    from credit import payoffs

    loan = desk.loan()
    quote = payoffs.issue(loan, settles_on=TODAY, actor=desk.cast.loan_officer, at=NOON)
    receipt(desk, str(quote.total), f"结清 {quote.public_id}")
    assert Loan.objects.get(pk=loan.pk).status == "settled"


def test_what_names_none_several_or_a_settled_loan_waits_and_says_why(desk):
    one, two = desk.loan(), desk.loan()
    desk.pay(two, "12000.00")
    ids = f"{one.public_id} {two.public_id}"
    assert [receipt(desk, text=text, reference=text or "x").why for text in ("", "L-22222222X", ids)] == [
        "nothing_named", "unknown_loan", "several",
    ]  # fmt: skip
    Loan.objects.filter(pk=two.pk).update(status="settled", settled_at=NOON, principal_outstanding=0)
    assert receipt(desk, text=two.public_id, reference="y").why == "settled"
    assert Receipt.objects.filter(status="unmatched").count() == 4


def test_a_telephone_number_names_nobody(desk):
    loan = desk.loan()
    assert receipt(desk, text=f"手机{loan.customer.mobile}").status == "unmatched"


def test_money_counts_for_the_day_the_bank_had_it(desk):
    loan = desk.loan()
    receipt(desk, text=loan.public_id, on=date(2026, 2, 20))
    assert Transaction.objects.get(kind="repayment").value_on == TODAY  # that day is closed
    later = suspense.take_in(
        legal_entity=desk.cast.entity, reference="z", received_on=TODAY, amount=D("5.00"), remittance=loan.public_id,
        actor=desk.cast.system, at=NOON.replace(day=6),
    )  # fmt: skip
    assert later.transaction.value_on == TODAY


# --- suspense ------------------------------------------------------------------------------------------------------
def test_a_person_allocates_small_money(desk):
    loan, money = desk.loan(), receipt(desk)
    done = suspense.allocate(money, loan, actor=desk.cast.loan_operations, at=NOON)
    assert (done.status, done.match, done.decided_by) == ("matched", "person", desk.cast.loan_operations)
    with pytest.raises(IllegalMove):
        suspense.allocate(money, loan, actor=desk.cast.loan_operations, at=NOON)
    assert Transaction.objects.filter(kind="repayment").count() == 1


def test_large_money_takes_two(desk):
    loan, money = desk.loan(), receipt(desk, "10000.01")
    waiting = suspense.allocate(money, loan, actor=desk.cast.loan_operations, at=NOON)
    assert (waiting.status, Transaction.objects.filter(kind="repayment").count()) == ("proposed", 0)
    with pytest.raises(four_eyes.SamePerson):
        suspense.approve(waiting, actor=desk.cast.loan_operations, at=NOON)
    done = suspense.approve(waiting, actor=desk.cast.risk_manager, at=NOON)
    assert (done.status, done.loan) == ("matched", loan)


def test_large_money_goes_back_by_two_and_a_proposal_can_be_rejected(desk):
    money = receipt(desk, "20000.00")
    waiting = suspense.give_back(money, actor=desk.cast.loan_operations, at=NOON)
    back = suspense.reject(waiting, actor=desk.cast.risk_manager, at=NOON)
    assert (back.status, back.proposed_by) == ("unmatched", None)
    waiting = suspense.give_back(back, actor=desk.cast.loan_operations, at=NOON)
    assert suspense.approve(waiting, actor=desk.cast.risk_manager, at=NOON).status == "returned"
    with pytest.raises(IllegalMove):
        suspense.give_back(money, actor=desk.cast.loan_operations, at=NOON)


def test_small_money_goes_back_by_one(desk):
    assert suspense.give_back(receipt(desk), actor=desk.cast.loan_operations, at=NOON).status == "returned"


def test_nothing_proposed_nothing_approved(desk):
    with pytest.raises(suspense.NothingProposed):
        suspense.approve(receipt(desk), actor=desk.cast.risk_manager, at=NOON)


def test_an_old_page_is_told(desk):
    money = receipt(desk)
    with pytest.raises(Stale):
        suspense.allocate(money, desk.loan(), actor=desk.cast.loan_operations, at=NOON, version=money.version + 1)


def test_a_settled_loan_takes_nothing(desk):
    loan = desk.loan()
    Loan.objects.filter(pk=loan.pk).update(status="settled", settled_at=NOON, principal_outstanding=0)
    loan.refresh_from_db()
    with pytest.raises(repayments.LoanClosed):
        suspense.allocate(receipt(desk), loan, actor=desk.cast.loan_operations, at=NOON)


@pytest.mark.parametrize(("reason", "status"), [("wrong_loan", "unmatched"), ("bounced", "returned")])
def test_reversed_money_waits_again_or_has_left(desk, reason, status):
    wrong, right = desk.loan(), desk.loan()
    money = receipt(desk, text=wrong.public_id)
    reversals.reverse(money.transaction, reason=reason, actor=desk.cast.loan_operations, at=NOON, key="r")
    money.refresh_from_db()
    assert money.status == status
    if status == "unmatched":
        assert (money.why, money.loan) == ("reversed", None)
        assert suspense.allocate(money, right, actor=desk.cast.loan_operations, at=NOON).loan == right
        assert suspense.find(desk.cast.entity, account="", text="")[2] == "nothing_named"


def test_candidates_by_name_and_amount_the_likeliest_first(desk):
    named = desk.loan(customer=desk.make_customer(name="赵六"))
    equal = desk.loan(customer=desk.make_customer(name="钱七"), amount=D("6000.00"))
    both = desk.loan(customer=desk.make_customer(name="赵六"), amount=D("6000.00"))
    desk.loan(customer=desk.make_customer(name="孙八"))
    amount = both.installments.order_by("seq").first().payment
    money = receipt(desk, str(amount), payer="赵六")
    found = suspense.candidates(money, user=desk.cast.loan_operations, on=TODAY)
    assert [each.loan for each in found] == [both, named, equal]
    assert found[0].due == amount
    assert suspense.candidates(money, user=desk.cast.outsider, on=TODAY) == []


def test_nothing_personal_reaches_the_ledger(desk):
    from ledger.models import Entry

    loan = desk.loan(customer=desk.make_customer(name="赵六"))
    bring(desk, file(f"N1,2026-03-02,500.00,赵六,6222020000009999,{loan.public_id} 赵六还款"))
    told = " ".join(str(entry.facts) for entry in Entry.objects.all())
    assert "赵六" not in told
    assert "6222020000009999" not in told
