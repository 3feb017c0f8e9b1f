"""Papers as PDF, set by Typst in both languages with our own font. The same data give the same bytes."""

import json
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from credit.books import local_day
from credit.models import Offer, PayoffQuote
from crm.lib.errors import DomainError
from governance.models import LegalEntity

TEMPLATE = "2026-11"  # raise it with every change of what a contract says or looks like
FOLDER = Path(__file__).resolve().parent / "paper"
FONTS = Path(settings.BASE_DIR) / "fonts_built"
EPOCH = 1_767_225_600  # the moment every paper says it was made, so that bytes do not depend on it: 2026-01-01
Words = dict[str, str]


class NoFont(DomainError):
    """The font of papers was not built."""

    code = "no_font"
    status = 503


def contract(offer: Offer) -> bytes:
    """Return the contract of an offer: parties unmasked, cost table and schedule as the offer holds them."""
    return _set("contract", _contract(offer))


def draft(offer: Offer) -> bytes:
    """Return what the contract of an offer will say, to be read before it is accepted: marked as a draft, the borrower masked."""
    return _set("contract", _contract(offer, masked=True))


def payoff(quote: PayoffQuote) -> bytes:
    """Return a payoff quote as a paper, the borrower masked."""
    return _set("payoff", _payoff(quote))


@cache
def _compiler(name: str) -> Any:
    import typst  # an engine of 20 MB that most processes never need

    if not any(FONTS.glob("*.ttf")):
        raise NoFont(_("Papers cannot be made: the font is missing. Build the front end once more."))
    return typst.Compiler(FOLDER / f"{name}.typ", root=FOLDER, font_paths=[FONTS], ignore_system_fonts=True)


def _set(name: str, data: dict[str, Any]) -> bytes:
    made: bytes = _compiler(name).compile(format="pdf", sys_inputs={"data": json.dumps(data, ensure_ascii=False)}, timestamp=EPOCH)
    return made


def _contract(offer: Offer, *, masked: bool = False) -> dict[str, Any]:
    application, table = offer.application, offer.cost_table
    customer, entity, product = application.customer, application.legal_entity, application.product
    borrower = {name: getattr(customer, f"masked_{name}" if masked else name) for name in ("name", "id_number", "mobile", "bank_card")}
    percent = {name: f"{Decimal(table['annualised'][name]) * 100:.2f}%" for name in ("nominal", "effective")}
    return {
        "number": offer.public_id,
        "cost_hash": offer.cost_hash,
        "lender": {"zh": entity.name_zh, "en": entity.name_en},
        "draft": masked,
        "borrower": borrower["name"],
        "parties": [
            _fact("贷款人", "Lender", f"{entity.name_zh} · {entity.name_en}"),
            _fact("借款人", "Borrower", borrower["name"]),
            _fact("身份证号码", "Identity number", borrower["id_number"]),
            _fact("手机号码", "Mobile", borrower["mobile"]),
            _fact("收款及还款账户", "Account", borrower["bank_card"] or "—"),
        ],
        "terms": [
            _fact("产品", "Product", f"{product.name_zh} · {product.name_en} ({product.code} v{product.version})"),
            _fact("循环额度（元）", "Limit of the line", _money(offer.amount))
            if product.method == product.Method.REVOLVING
            else _fact("贷款金额（元）", "Amount", _money(offer.amount)),
            _fact("期限（月）", "Term in months", str(offer.term)),
            _fact("合同年利率", "Contract rate a year", f"{offer.annual_rate * 100:.2f}%"),
            _fact("计息起始日", "Counted from", offer.starts_on.isoformat()),
            _fact("本要约有效期至", "Can be accepted until", offer.expires_on.isoformat()),
        ],
        "costs": [
            {name: _words(row[name]) for name in ("name", "method", "standard", "payee")} | {"amount": _money(row["amount"])}
            for row in table["items"]
        ],
        "sums": [
            _fact("总成本（元）", "Total cost", _money(table["total_cost"])),
            _fact("还款总额（元）", "Total to repay", _money(table["total_to_repay"])),
            _fact("综合融资成本年化（名义）", "Annualised, nominal", percent["nominal"]),
            _fact("综合融资成本年化（实际）", "Annualised, effective", percent["effective"]),
        ],
        "statements": [
            _words(table["annualised"]["method"]),
            *(_line(row) for row in table["contingent"]),
            _words(table["no_other_charge"]),
        ],
        "schedule": [
            [
                str(row["seq"]),
                row["due_on"],
                *(_money(row[name]) for name in ("principal", "interest", "fee", "payment", "balance")),
            ]
            for row in offer.schedule
        ],
        "clauses": _clauses(offer),
    }


def _clauses(offer: Offer) -> list[Words]:
    """Return what is agreed beside the figures. A lender has its own words checked by its lawyers before the first contract."""
    grace = offer.application.product.grace_days
    early = offer.application.product.early_fee_rate
    share = f"{early * 100:.2f}%"
    early_zh = f"提前结清时按提前偿还的本金收取{share}。" if early else "提前结清不收取违约金。"
    early_en = f"A payoff before the end costs {share} of the principal paid early." if early else "A payoff before the end costs nothing."
    at_once: Words = {
        "zh": "贷款全额发放至借款人账户，不预先扣除任何费用。还款计划自实际放款日起算；若金额因此变动，须重新明示并确认。",
        "en": "The whole amount is paid out; nothing is deducted beforehand. The schedule counts from the day the money goes out; where that"
        " moves an amount, the cost is shown and confirmed anew.",
    }
    line: Words = {
        "zh": "本额度在有效期内可循环支用：签署时不放款，每次支用全额发放至借款人账户，不预先扣除任何费用，归还的本金恢复可用额度。逾期、冻结或"
        "额度到期后不可支用。所载还款计划为计算成本的示例（首日支用全部额度，分十二个月等额还本），实际应还以每月账单为准。",
        "en": "The line may be drawn, repaid and drawn again until it ends: nothing is paid out at signing, each draw is paid out whole, and"
        " principal repaid can be drawn anew. Nothing is drawn while past due, while frozen or after the end. The schedule printed is the example"
        " by which the cost is told (the whole limit drawn on the first day, twelve equal parts); what is due is said by each monthly statement.",
    }
    revolving = offer.application.product.method == offer.application.product.Method.REVOLVING
    return [
        line if revolving else at_once,
        {
            "zh": "还款依次抵充费用、罚息、利息、本金，先还最早一期。多付的款项不作存款，经申请退还。",
            "en": "A payment goes to fee, penalty, interest and principal of the oldest instalment first. What exceeds what is due is no deposit"
            " and is paid back on request.",
        },
        {
            "zh": f"到期日后{grace}天为宽限期，宽限期内还清不计罚息。",
            "en": f"Nothing is charged on what is paid within {grace} days of its due date.",
        },
        {
            "zh": f"借款人可随时提前结清，按实际占用天数计收利息。{early_zh}",
            "en": f"The borrower may pay the loan off at any time; interest is owed for the days it ran. {early_en}",
        },
        {
            "zh": "借款人已阅读并确认本合同所载综合融资成本明示表。",
            "en": "The borrower has read and confirmed the disclosure of the total financing cost in this contract.",
        },
    ]


def _payoff(quote: PayoffQuote) -> dict[str, Any]:
    loan = quote.loan
    account = getattr(loan, "virtual_account", None)
    how = [
        {
            "zh": f"请于{quote.settles_on.isoformat()}（含）前一次付清，且其间无其他还款；届时贷款结清。",
            "en": f"Paid in one sum on or before {quote.settles_on.isoformat()}, with no other payment between, this ends the loan.",
        },
        {"zh": f"转账附言请写：{quote.public_id}", "en": f"Write in the remittance text: {quote.public_id}"},
    ]
    if account is not None:
        how.append({"zh": f"还款账号：{account.grouped}", "en": f"Account to pay to: {account.grouped}"})
    return {
        "number": quote.public_id,
        "facts": [
            _fact("贷款", "Loan", loan.public_id),
            _fact("借款人", "Borrower", loan.customer.masked_name),
            _fact("结清金额（元）", "To pay", _money(quote.total)),
            _fact("有效期至", "Holds until", quote.settles_on.isoformat()),
            _fact("出具日期", "Issued", local_day(loan.legal_entity, quote.issued_at).isoformat()),
        ],
        "parts": [
            _fact("本金", "Principal", _money(quote.principal)),
            _fact("利息", "Interest to that day", _money(quote.interest)),
            _fact("费用", "Fees", _money(quote.fee)),
            _fact("罚息", "Penalty", _money(quote.penalty)),
            _fact("提前结清费用", "Charge for paying early", _money(quote.early_fee)),
            _fact("因提前结清免收的利息和费用", "Interest and fees not owed", _money(quote.interest_waived + quote.fee_waived)),
        ],
        "how": how,
    }


def _fact(zh: str, en: str, value: str) -> Words:
    return {"zh": zh, "en": en, "value": value}


def _words(both: dict[str, str]) -> Words:
    return {"zh": both["zh-hans"], "en": both["en"]}


def _line(row: dict[str, Any]) -> Words:
    return {
        "zh": f"{row['name']['zh-hans']}：{row['standard']['zh-hans']}。{row['method']['zh-hans']}",
        "en": f"{row['name']['en']}: {row['standard']['en']}. {row['method']['en']}",
    }


def _money(value: Any) -> str:
    return f"{Decimal(value):,.2f}"


def document(data: dict[str, Any]) -> bytes:
    """Return a paper of title, facts, tables and lines as a PDF; for the rooms above."""
    return _set("document", data)


def fact(zh: str, en: str, value: str) -> Words:
    """Return one line of facts in both languages."""
    return _fact(zh, en, value)


def lender(zh: str, en: str, entity: LegalEntity) -> list[Words]:
    """Return who writes, under the given label, with the address and telephone on file: a line each for what is known."""
    address = " · ".join(part for part in (entity.seat_zh, entity.seat_en) if part)
    lines = [_fact(zh, en, f"{entity.name_zh} · {entity.name_en}")]
    if address:
        lines.append(_fact("机构地址", "Address of the lender", address))
    if entity.telephone:
        lines.append(_fact("联系电话", "Telephone of the lender", entity.telephone))
    return lines


def money(value: Any) -> str:
    """Return an amount as papers write it."""
    return _money(value)


def head(zh: str, en: str, *, money: bool = False, wide: bool = False) -> dict[str, Any]:
    """Return the head of a column in both languages."""
    return {"zh": zh, "en": en, "money": money, "wide": wide}
