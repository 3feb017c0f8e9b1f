"""The back office of the demonstration: unmatched money of several ages, a reversal, refunds in each state, payoff quotes."""

import contextlib
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from credit import bank_files, payoffs, refunds, repayments, reversals, suspense
from credit.models import Installment, Loan, Refund, Transaction, VirtualAccount
from crm.lib.ports.http import PortOff, PortUnknown
from governance.models import LegalEntity, User

HEAD = "交易流水号,交易日期,贷方金额,对方户名,对方账号,附言"
# days ago, amount (None: of an instalment), who pays (None: the customer), what the text says ({loan}: the number)
WAITING = (
    (47, "2380.00", "周建国", "还款"),
    (33, "1560.40", None, "贷款还款"),
    (19, None, None, "还款"),
    (12, "18600.00", None, "提前还款 请查收"),
    (9, None, "李秀英", "代还"),
    (5, None, None, ""),
    (3, "999.00", "陈志远", "L-22222222X"),
    (1, None, None, "本月还款"),
    (0, "20000.00", None, "结清贷款"),
    (0, None, None, "还款 谢谢"),
)


def fill(entity: LegalEntity, *, today: date) -> None:
    """Bring a morning's work to the back office of `entity`, once; every step through a door."""
    if VirtualAccount.objects.filter(loan__legal_entity=entity).exists():
        return
    staff = {user.username: user for user in User.objects.filter(team__legal_entity=entity)}
    if not {"operations", "risk", "officer"} <= staff.keys():
        return
    at = moment(entity, today, 9)
    numbers(entity)
    loans = list(
        Loan.objects.open()
        .filter(legal_entity=entity, dpd=0, revolving=False)
        .select_related("customer", "legal_entity", "product")
        .order_by("pk")[:40]
    )
    if len(loans) < 20:
        return
    receipts(entity, loans[:12], operations=staff["operations"], second=staff["risk"], today=today)
    quotes(loans[12:16], officer=staff["officer"], today=today, at=at)
    overpaid(loans[16:20], staff=staff, at=at)
    taken_back(loans[20:22], operations=staff["operations"], at=at)


def moment(entity: LegalEntity, day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), tzinfo=ZoneInfo(entity.zone))


def numbers(entity: LegalEntity) -> None:
    """Give every open loan its number to pay to."""
    rows = Loan.objects.open().filter(legal_entity=entity, virtual_account__isnull=True).order_by("pk")
    VirtualAccount.objects.bulk_create(VirtualAccount(loan=loan) for loan in rows)


def next_payment(loan: Loan) -> Decimal:
    row = loan.installments.exclude(status=Installment.Status.PAID).order_by("seq").first()
    return row.payment if row else Decimal("500.00")


def receipts(entity: LegalEntity, loans: list[Loan], *, operations: User, second: User, today: date) -> None:
    """Bring in this morning's bank file: most lines find their loan, one is bad; older money waits since its own day."""
    lines = []
    for n, (loan, (days, amount, payer, text)) in enumerate(zip(loans, WAITING, strict=False)):
        on = today - timedelta(days=days)
        name = payer or loan.customer.name
        lines.append(f"BK{on:%y%m%d}{n:04d},{on.isoformat()},{amount or next_payment(loan)},{name},62170000{n:08d},{text}")
    named = loans[10:12]
    for n, loan in enumerate(named):
        lines.append(
            f"BK{today:%y%m%d}9{n:03d},{today.isoformat()},{next_payment(loan)},{loan.customer.name},62220000{n:08d},还款 {loan.public_id}"
        )
    lines.append(f"BK{today:%y%m%d}9900,{today.isoformat()},12O.00,王某,,金额有误")
    at = moment(entity, today, 9)
    content = "\r\n".join(["信远消费金融（演示） 收款账户明细", HEAD, *lines]).encode("gb18030")
    batch = bank_files.bring_in(content, file_name=f"receipts-{today:%Y%m%d}.csv", legal_entity=entity, actor=operations, at=at)
    done = bank_files.run(batch.pk, at=at)
    if done is None:
        return
    large = done.receipts.filter(status="unmatched", amount__gt=10_000).order_by("received_on", "pk").first()
    if large is not None:
        suspense.allocate(large, loans[3], actor=operations, at=at)  # waits for a second person
    small = done.receipts.filter(status="unmatched", amount__lt=10_000).order_by("received_on", "pk")
    if oldest := small.first():
        suspense.give_back(oldest, actor=operations, at=at)
    if found := small.filter(status="unmatched").last():
        suspense.allocate(found, loans[9], actor=second, at=at)


def quotes(loans: list[Loan], *, officer: User, today: date, at: datetime) -> None:
    """Quote a few payoffs; the last one is paid."""
    for n, loan in enumerate(loans):
        quote = payoffs.issue(loan, settles_on=today + timedelta(days=n), actor=officer, at=at)
        if n == len(loans) - 1:
            repayments.receive(
                loan, amount=quote.total, actor=officer, at=at, key=f"demo-payoff-{loan.pk}", channel=Transaction.Channel.CARD
            )


def overpaid(loans: list[Loan], *, staff: dict[str, Any], at: datetime) -> None:
    """Leave a refund in each state that lasts: asked for, declined, paid back, refused by the bank."""
    asker, second = staff["operations"], staff["risk"]
    for n, (loan, extra) in enumerate(zip(loans, ("120.00", "80.00", "200.00", "60.91"), strict=True)):
        running = repayments.dues(loan, list(loan.installments.order_by("seq")), at.date())
        amount = sum((each.total for each in running), Decimal("0.00")) + Decimal(extra)
        repayments.receive(loan, amount=amount, actor=asker, at=at, key=f"demo-over-{loan.pk}", channel=Transaction.Channel.TRANSFER)
        refund = refunds.request(loan, amount=Decimal(extra), actor=asker, at=at)
        if n == 1:
            refunds.decline(refund, actor=second, at=at)
        if n > 1:
            refunds.approve(refund, actor=second, at=at)
            sent(refund, at=at)


def sent(refund: Refund, *, at: datetime) -> None:
    """Send a refund where the bank of the demonstration answers; without one it stays approved."""

    with contextlib.suppress(PortOff, PortUnknown):
        refunds.send(refund.pk, at=at)


def taken_back(loans: list[Loan], *, operations: User, at: datetime) -> None:
    """Reverse a payment that bounced, and one that was for another loan."""
    for loan, reason in zip(loans, (reversals.Reason.BOUNCED, reversals.Reason.WRONG_LOAN), strict=False):
        amount = next_payment(loan)
        movement = repayments.receive(
            loan, amount=amount, actor=operations, at=at, key=f"demo-back-{loan.pk}", channel=Transaction.Channel.TRANSFER
        )
        reversals.reverse(movement, reason=reason, actor=operations, at=at, key=f"demo-back-{loan.pk}-r")
