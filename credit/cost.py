"""The cost table a borrower sees before signing (综合融资成本明示). Pure: terms and schedule in, one hashed document out.

What has to stand in it: 《个人贷款业务明示综合融资成本规定》 (NFRA and PBoC, announced 2026-03-15, in force 2026-08-01; read second-hand):
principal, every interest and fee item with method, standard and payee, the annualised total cost in normal performance, the cost of
default, and the statement that nothing else is charged. The document carries its sentences in both languages, because it is what was
shown: a later change of wording must not change it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import rfc8785

from credit import apr
from credit.rates import RATE, Rates, annualised
from credit.schedule import Row
from credit.timing import Timing
from crm.lib.money import quantize

Words = dict[str, str]

EN, ZH = "en", "zh-hans"
ZERO = Decimal("0.00")

DAY_COUNT_WORDS: Mapping[str, Words] = {
    "30/360": {EN: "each month counted as 30 days of a 360-day year", ZH: "按30/360计息，每月计30天、每年计360天"},
    "actual/360": {EN: "actual days over 360", ZH: "按实际天数/360计息"},
    "actual/365": {EN: "actual days over 365", ZH: "按实际天数/365计息"},
    "actual/actual": {EN: "actual days over the days of the year", ZH: "按实际天数/当年实际天数计息"},
}
NAMES: Mapping[str, Words] = {
    "principal": {EN: "Principal", ZH: "本金"},
    "down_payment": {EN: "Down payment, due on the day the money goes out", ZH: "首付款（放款当日应付）"},
    "interest": {EN: "Interest", ZH: "利息"},
    "penalty": {EN: "Penalty", ZH: "罚息"},
    "late_fee": {EN: "Late fee", ZH: "逾期手续费"},
    "early_fee": {EN: "Early settlement fee", ZH: "提前结清手续费"},
}
ON_OUTSTANDING: Words = {EN: "On the principal outstanding", ZH: "按剩余本金计算"}
ON_ORIGINAL: Words = {EN: "On the original principal in every period, whatever was repaid", ZH: "每期均按初始本金计算，不随还款减少"}
NO_OTHER_CHARGE: Words = {
    EN: "No charge other than those listed here is collected.",
    ZH: "除上述明示项目外，不收取任何其他费用。",
}
ANNUALISED_METHOD: Words = {
    EN: "Internal rate of return of all payments on the principal actually used; nominal = monthly rate × 12, effective = compounded.",
    ZH: "以实际使用本金和全部还款按内部收益率法计算；名义年化利率=月利率×12，实际年化利率按复利计算。",
}

EXAMPLE_OF_A_LINE: Words = {
    EN: "Internal rate of return, nominal = monthly rate × 12, effective = compounded, of an example: the whole limit drawn on the first day"
    " and repaid in twelve equal monthly parts with interest (the assumption of directive 2008/48/EC for open-end credit). What a draw costs"
    " depends on how much is drawn and how long: it is said before each draw.",
    ZH: "按示例以内部收益率法计算：首日支用全部额度，分十二个月等额归还本金并付息（参照欧盟2008/48/EC指令对无固定期限信贷的假设）；"
    "名义年化利率=月利率×12，实际年化利率按复利计算。每次用款的成本取决于用款金额和天数，支用前另行明示。",
}

METHODS = ("up_front", "once", "per_period", "late", "prepayment")
CONTINGENT = ("late", "prepayment")


@dataclass(frozen=True, slots=True)
class Fee:
    """A charge; a fixed amount, a share of the principal, or both.

    In normal performance: `up_front` (on the day the money goes out), `once` (with the first instalment) or `per_period`. Contingent:
    `late` (once for each instalment missed, its share one of the principal unpaid) and `prepayment` (on principal paid before it is due).
    """

    code: str
    name: Words
    method: Literal["up_front", "once", "per_period", "late", "prepayment"]
    payee: Words
    amount: Decimal = ZERO
    rate: Decimal = ZERO
    kind: Literal["fee", "third_party", "insurance"] = "fee"

    def charge(self, principal: Decimal) -> Decimal:
        """Return what one charging of it costs."""
        return self.amount + quantize(principal * self.rate)


@dataclass(frozen=True, slots=True)
class Contract:
    """The terms the table describes; rates are fractions a year."""

    principal: Decimal
    annual_rate: Decimal
    penalty_rate: Decimal
    day_count: str
    grace_days: int
    currency: str
    lender: Words
    fees: tuple[Fee, ...] = ()
    early_fee_rate: Decimal = ZERO
    late_fee: Decimal = ZERO
    method: str = "equal_installment"
    timing: Timing | None = None
    rhythm: Words | None = None
    graced: bool = False
    line: Mapping[str, Any] | None = None


def read_fees(rows: Sequence[Mapping[str, Any]], lender: Words) -> tuple[Fee, ...]:
    """Return a product's fee rows (JSON, amounts and rates as text) as `Fee`s; a row without payee is the lender's own.

    :raises ValueError: for an unknown method or a row with neither amount nor rate
    """
    fees = []
    for row in rows:
        fee = Fee(
            code=row["code"],
            name=dict(row["name"]),
            method=row["method"],
            payee=dict(row.get("payee") or lender),
            amount=Decimal(row.get("amount", "0")),
            rate=Decimal(row.get("rate", "0")),
            kind=row.get("kind") or ("third_party" if row.get("payee") and dict(row["payee"]) != lender else "fee"),
        )
        if (
            fee.method not in METHODS
            or fee.kind not in ("fee", "third_party", "insurance")
            or fee.amount < 0
            or fee.rate < 0
            or not (fee.amount or fee.rate)
        ):
            raise ValueError(f"fee {fee.code!r} cannot be charged")
        fees.append(fee)
    return tuple(fees)


def fees_by_installment(fees: Sequence[Fee], principal: Decimal, periods: int) -> list[Decimal]:
    """Return the fee part of each of `periods` instalments."""
    every = sum((fee.charge(principal) for fee in fees if fee.method == "per_period"), ZERO)
    first = sum((fee.charge(principal) for fee in fees if fee.method == "once"), ZERO)
    return [every + (first if n == 0 else ZERO) for n in range(periods)]


def fees_by_row(fees: Sequence[Fee], principal: Decimal, rows: Sequence[Row]) -> list[Decimal]:
    """Return the fee part of each row of a schedule: a down payment carries none of those that come with instalments."""
    down = sum(row.kind == "down_payment" for row in rows)
    return [ZERO] * down + fees_by_installment(fees, principal, len(rows) - down)


def up_front(fees: Sequence[Fee], principal: Decimal) -> Decimal:
    """Return what is charged on the day the money goes out."""
    return sum((fee.charge(principal) for fee in fees if fee.method == "up_front"), ZERO)


def total_cost(
    principal: Decimal, rows: Sequence[Row], fees: Sequence[Decimal], *, timing: Timing | None = None, at_start: Decimal = ZERO
) -> Rates:
    """Return the annualised total cost of normal performance: the whole principal out, every payment with its fees in.

    Without `timing` the rows are months; what is paid `at_start` lowers the money the borrower really has.
    """
    payments = [row.payment + fee for row, fee in zip(rows, fees, strict=True)]
    if timing is None:
        return annualised([at_start - principal, *payments])
    return timing.rates(principal, payments, at_start)


def percent(rate: Decimal) -> str:
    """Return a fraction as a percentage with two decimals, the precision at which caps compare."""
    return f"{quantize(rate * 100)}%"


def table(contract: Contract, rows: Sequence[Row]) -> dict[str, Any]:
    """Return the cost table of `contract` with schedule `rows`: text and whole numbers only, so that its hash is stable."""
    fees, at_start = fees_by_row(contract.fees, contract.principal, rows), up_front(contract.fees, contract.principal)
    rates = total_cost(contract.principal, rows, fees, timing=contract.timing, at_start=at_start)
    interest = sum((row.interest for row in rows), ZERO)
    down = [row for row in rows if row.kind == "down_payment"]
    parts = [row.payment + fee for row, fee in zip(rows, fees, strict=True)][len(down) :]
    normal = [fee for fee in contract.fees if fee.method not in CONTINGENT]
    items = [_interest(contract, interest), *(_fee(fee, contract.principal, len(parts)) for fee in normal)]
    cost = interest + sum(fees, ZERO) + at_start
    return {
        "version": 1,
        "currency": contract.currency,
        "principal": str(contract.principal),
        "principal_name": NAMES["principal"],
        "disbursed": str(contract.principal),
        "periods": len(parts),
        **({"rhythm": contract.rhythm} if contract.rhythm else {}),
        **({"down_payment": str(down[0].payment), "down_payment_name": NAMES["down_payment"]} if down else {}),
        "first_due_on": rows[len(down)].due_on.isoformat(),
        "last_due_on": rows[-1].due_on.isoformat(),
        "installment": str(max(parts[:-1], default=parts[0]) if contract.graced else parts[0]),
        "last_installment": str(parts[-1]),
        "items": items,
        "total_cost": str(cost),
        "total_to_repay": str(contract.principal + cost),
        "annualised": {
            "nominal": str(rates.nominal),
            "effective": str(rates.effective),
            "apr": str(_apr(contract, rows, fees, rates, at_start)),
            "method": annualised_method(contract.timing) if contract.line is None else EXAMPLE_OF_A_LINE,
        },
        "contingent": [
            _penalty(contract),
            *([_late(contract)] if contract.late_fee else []),
            *([_early(contract)] if contract.early_fee_rate else []),
            *(_contingent(fee) for fee in contract.fees if fee.method in CONTINGENT),
        ],
        "no_other_charge": NO_OTHER_CHARGE,
    }


def fingerprint(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of `document` in canonical JSON (RFC 8785), as 64 hexadecimal digits."""
    return hashlib.sha256(rfc8785.dumps(dict(document))).hexdigest()


def annualised_method(timing: Timing | None) -> Words:
    """Return how the annual rates were worked out, by the period of the schedule."""
    if timing is None or timing.unit == apr.MONTH:
        return ANNUALISED_METHOD
    a_year = quantize(timing.unit.a_year)
    return {
        EN: "Internal rate of return of all payments on the principal actually used;"
        f" nominal = rate of a period × {a_year} periods a year, effective = compounded.",
        ZH: f"以实际使用本金和全部还款按内部收益率法计算；名义年化利率=每期利率×每年{a_year}期，实际年化利率按复利计算。",
    }


def speak(value: Any, language: str) -> Any:
    """Return the table with every text that stands in both languages replaced by the one in `language`."""
    if isinstance(value, dict):
        if value.keys() == {EN, ZH}:
            return value[ZH if language.lower().startswith("zh") else EN]
        return {key: speak(each, language) for key, each in value.items()}
    return [speak(each, language) for each in value] if isinstance(value, list) else value


def _of_a_line(contract: Contract, said: Mapping[str, Any]) -> Words:
    """Return how a line's interest is charged and what has to be paid when."""
    count, day, due = DAY_COUNT_WORDS[contract.day_count], said["statement_day"], said["statement_due_days"]
    share, least = percent(Decimal(said["minimum_share"])), quantize(Decimal(said["minimum_amount"]))
    return {
        EN: f"On what is drawn, for each day, {count[EN]}. The statement of the {day}th bills it; {due} days later it is due whole, with at"
        f" least {share} of what is drawn ({least} or more, or all that is left). What is not drawn costs nothing.",
        ZH: f"按实际用款余额逐日计息，{count[ZH]}。每月{day}日出账，出账后{due}天为还款日，须还清账单利息及不低于未入账用款余额{share}的本金"
        f"（不少于{least}元，余额不足时还清余额）。未用额度不计费。",
    }


def _interest(contract: Contract, amount: Decimal) -> dict[str, Any]:
    rate, count = percent(contract.annual_rate), DAY_COUNT_WORDS[contract.day_count]
    basis = ON_ORIGINAL if contract.method == "flat_fee" else ON_OUTSTANDING
    return {
        "code": "interest",
        "name": NAMES["interest"],
        "method": _of_a_line(contract, contract.line)
        if contract.line is not None
        else {EN: f"{basis[EN]}, {count[EN]}", ZH: f"{basis[ZH]}，{count[ZH]}"},
        "standard": {EN: f"{rate} a year", ZH: f"年利率{rate}"},
        "payee": contract.lender,
        "amount": str(amount),
    }


def _fee(fee: Fee, principal: Decimal, periods: int) -> dict[str, Any]:
    charge = fee.charge(principal)
    share = percent(fee.rate) if fee.rate else ""
    basis: Words = {EN: f" ({share} of the principal)", ZH: f"（本金的{share}）"} if share else {EN: "", ZH: ""}
    if fee.method == "once":
        method: Words = {EN: "Once, with the first instalment", ZH: "随第一期一次性收取"}
        standard: Words = {EN: f"{charge}{basis[EN]}", ZH: f"{charge}元{basis[ZH]}"}
    elif fee.method == "up_front":
        method = {EN: "Once, on the day the money is paid out", ZH: "放款当日一次性收取"}
        standard = {EN: f"{charge}{basis[EN]}", ZH: f"{charge}元{basis[ZH]}"}
    else:
        method = {EN: "With every instalment", ZH: "每期收取"}
        standard = {EN: f"{charge} each{basis[EN]}", ZH: f"每期{charge}元{basis[ZH]}"}
    amount = charge * (periods if fee.method == "per_period" else 1)
    return {"code": fee.code, "name": fee.name, "method": method, "standard": standard, "payee": fee.payee, "amount": str(amount)}


def _apr(contract: Contract, rows: Sequence[Row], fees: Sequence[Decimal], rates: Rates, at_start: Decimal) -> Decimal:
    """Return the rate by unit periods (Regulation Z, Appendix J), months if nothing else is said."""
    if contract.timing is not None:
        payments = [row.payment + fee for row, fee in zip(rows, fees, strict=True)]
        return contract.timing.apr(contract.principal, payments, rows[-1].due_on, at_start)
    first = rows[0]
    if apr.first_period(first.from_on, first.due_on, apr.MONTH) == (1, Decimal(0)):
        return rates.nominal
    payments = [row.payment + fee for row, fee in zip(rows, fees, strict=True)]
    return apr.us_apr(contract.principal, first.from_on, first.due_on, payments).quantize(RATE)


def _early(contract: Contract) -> dict[str, Any]:
    share = percent(contract.early_fee_rate)
    return {
        "code": "early_fee",
        "name": NAMES["early_fee"],
        "method": {EN: "Once, when the loan is paid off before its time", ZH: "提前结清时一次性收取"},
        "standard": {EN: f"{share} of the principal paid before it is due", ZH: f"提前归还本金的{share}"},
        "payee": contract.lender,
    }


def _contingent(fee: Fee) -> dict[str, Any]:
    """Return a charge that is owed only if something happens, with its own name and payee."""
    share = percent(fee.rate) if fee.rate else ""
    if fee.method == "late":
        method: Words = {EN: "Once for each instalment that is late", ZH: "每期逾期一次性收取"}
        basis: Words = {EN: f"{share} of the principal unpaid of it", ZH: f"该期未还本金的{share}"}
    else:
        method = {EN: "Once, when principal is paid before it is due", ZH: "提前还款时一次性收取"}
        basis = {EN: f"{share} of the principal paid before it is due", ZH: f"提前归还本金的{share}"}
    parts: list[Words] = [{EN: f"{fee.amount}", ZH: f"{fee.amount}元"}] if fee.amount else []
    parts += [basis] if fee.rate else []
    standard: Words = {EN: " + ".join(each[EN] for each in parts), ZH: "＋".join(each[ZH] for each in parts)}
    return {"code": fee.code, "name": fee.name, "method": method, "standard": standard, "payee": fee.payee}


def _late(contract: Contract) -> dict[str, Any]:
    return {
        "code": "late_fee",
        "name": NAMES["late_fee"],
        "method": {EN: "Once for each instalment that is late", ZH: "每期逾期一次性收取"},
        "standard": {EN: f"{contract.late_fee} each", ZH: f"每期{contract.late_fee}元"},
        "payee": contract.lender,
    }


def _penalty(contract: Contract) -> dict[str, Any]:
    rate, grace = percent(contract.penalty_rate), contract.grace_days
    after: Words = {
        EN: f" Nothing is charged if paid within {grace} days of the due date." if grace else "",
        ZH: f"到期日后{grace}天（宽限期）内还清不计收。" if grace else "",
    }
    return {
        "code": "penalty",
        "name": NAMES["penalty"],
        "method": {
            EN: f"On overdue principal, from the due date to the day of payment, actual days over 360.{after[EN]}",
            ZH: f"按逾期本金自到期日起至清偿日止，按实际天数/360计收。{after[ZH]}",
        },
        "standard": {EN: f"{rate} a year in place of the contract rate", ZH: f"年利率{rate}，替代合同利率"},
        "payee": contract.lender,
    }
