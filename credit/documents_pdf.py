"""A loan's document as PDF in both languages, set anew from what is stored: the same document gives the same bytes."""

from decimal import Decimal
from typing import Any

from django.utils.translation import override

from credit.books import local_day
from credit.models import LoanDocument, Transaction
from credit.papers_pdf import Words, _fact, _money, _set

TITLES = {
    "statement": {"zh": "贷款对账单", "en": "Statement of account"},
    "settlement": {"zh": "贷款结清证明", "en": "Settlement certificate"},
    "invoice": {"zh": "息费收款凭单", "en": "Invoice of interest and fees received"},
    "credit_note": {"zh": "息费冲减凭单", "en": "Credit note"},
}
PARTS = (("principal", "本金", "Principal"), ("interest", "利息", "Interest"), ("fee", "费用", "Fees"), ("penalty", "罚息", "Penalty"))


def paper(made: LoanDocument) -> bytes:
    """Return the document as a PDF, the borrower masked."""
    return _set("document", _data(made))


def _data(made: LoanDocument) -> dict[str, Any]:
    document, loan = made.document, made.loan
    entity = loan.legal_entity
    facts = [
        _fact("编号", "Serial", made.serial),
        _fact("出具机构", "Issued by", f"{entity.name_zh} · {entity.name_en}"),
        _fact("贷款", "Loan", loan.public_id),
        _fact("借款人", "Borrower", loan.customer.masked_name),
        _fact("证件号码", "Identity number", loan.customer.masked_id_number),
        _fact("出具日期", "Issued", local_day(entity, made.issued_at).isoformat()),
        _fact("校验码", "Check digits", made.document_hash[:12]),
    ]
    if made.first_on is not None:
        facts.insert(5, _fact("期间", "Period", f"{made.first_on.isoformat()} – {made.last_on.isoformat()}"))
    tables = {"statement": _statement, "settlement": _settlement, "invoice": _invoice, "credit_note": _invoice}[made.kind](document)
    check = {
        "zh": f"凭编号和校验码可向出具机构核实本文件。完整指纹：{made.document_hash}",
        "en": f"Serial and check digits let the issuer confirm this paper. Whole fingerprint: {made.document_hash}",
    }
    return {"title": TITLES[made.kind], "number": made.serial, "facts": facts, "tables": tables, "lines": [*_said(document), check]}


def _statement(document: dict[str, Any]) -> list[dict[str, Any]]:
    labels = {language: _labels(language) for language in ("en", "zh-hans")}
    rows = [
        [
            row["value_on"],
            f"{labels['zh-hans'].get(row['kind'], row['kind'])} {labels['en'].get(row['kind'], '')}{_mark(row)}",
            *(_money(row[name]) for name in ("cash", "principal", "interest", "fee", "penalty", "principal_after")),
        ]
        for row in document["movements"]
    ]
    totals = document["totals"]
    foot = ["", "合计 Total", *(_money(totals[name]) for name in ("cash", "principal", "interest", "fee", "penalty"))]
    heads = [
        _head("记账日", "Date"), _head("事项", "Movement", wide=True), _head("现金", "Cash", money=True), _head("本金变动", "Principal", money=True),
        _head("利息", "Interest", money=True), _head("费用", "Fee", money=True), _head("罚息", "Penalty", money=True),
        _head("剩余本金", "Principal left", money=True),
    ]  # fmt: skip
    owed = [
        _fact("期初本金余额", "Principal at the beginning", _money(document["opening"]["principal"])),
        _fact("期末本金余额", "Principal at the end", _money(document["closing"]["principal"])),
        _fact("其中未到期本金", "of it not due yet", _money(document["principal_to_come"])),
        _fact("逾期未还", "Overdue", _split(document["overdue"])),
        _fact("当日应还", "Due on the last day", _split(document["due_today"])),
        _fact("待退还的多付款", "Held for refund", _money(document["closing"]["held"])),
    ]
    due_heads = [
        _head("期数", "No."), _head("到期日", "Due", wide=True), *(_head(zh, en, money=True) for _name, zh, en in PARTS), _head("未还", "Left", money=True),
    ]  # fmt: skip
    due = [
        [str(each["number"]), each["due_on"], *(_money(each[name]) for name, _zh, _en in PARTS), _money(each["left"])]
        for each in document["fell_due"]
    ]
    found = [
        {"zh": "余额与应还", "en": "Balances and what is due", "rows": owed},
        {
            "zh": "变动明细（元）",
            "en": "Movements (CNY)",
            "heads": heads,
            "rows": rows,
            "foot": [*foot, _money(document["closing"]["principal"])],
        },
    ]
    if due:
        found.append({"zh": "期间到期的分期（元）", "en": "Instalments that fell due (CNY)", "heads": due_heads, "rows": due})
    running = document["accrual"]
    if running:
        rate = f"{Decimal(running['annual_rate']) * 100:.2f}%"
        lines = [
            _fact("计息基础", "Interest runs on", f"{_money(running['principal'])} × {rate} ({running['day_count']})"),
            _fact("末日计提利息", "Interest of the last day", _money(running["a_day"])),
            _fact("期间计提利息", "Interest earned in the period", _money(running["in_period"])),
            _fact("每日罚息", "Penalty a day", _money(running["penalty_a_day"])),
        ]
        found.append({"zh": "计息", "en": "How interest runs", "rows": lines})
    return found


def _labels(language: str) -> dict[str, str]:
    with override(language):
        return {value: str(label) for value, label in Transaction.Kind.choices}


def _mark(row: dict[str, Any]) -> str:
    if row["reversed_by"]:
        return f"（已冲正 reversed: {row['reversed_by']}）"
    return f"（冲正 reverses {row['reverses']}）" if row["reverses"] else ""


def _settlement(document: dict[str, Any]) -> list[dict[str, Any]]:
    rows = [
        _fact("贷款本金", "Principal lent", _money(document["principal"])),
        _fact("放款日", "Paid out on", document["starts_on"]),
        _fact("结清日", "Ended on", document["ended_on"]),
        *(_fact(f"已还{zh}", f"{en} paid", _money(document["paid"][name])) for name, zh, en in PARTS),
        _fact("未还余额", "Outstanding", _money(document["outstanding"])),
    ]
    return [{"zh": "结清情况", "en": "What was repaid", "rows": rows}]


def _invoice(document: dict[str, Any]) -> list[dict[str, Any]]:
    labels = _labels("zh-hans")
    heads = [_head("日期", "Date"), _head("事项", "Movement", wide=True), *(_head(zh, en, money=True) for _name, zh, en in PARTS[1:])]
    rows = [
        [row["value_on"], f"{labels.get(row['kind'], row['kind'])} {row['movement']}", *(_money(row[name]) for name, _zh, _en in PARTS[1:])]
        for row in document["lines"]
    ]
    foot = ["", "合计 Total", *(_money(document["totals"][name]) for name, _zh, _en in PARTS[1:])]
    about = [
        _fact("收款方", "Payee", document["payee"] or "出具机构 · the issuer"),
        _fact("金额合计（元）", "Total (CNY)", _money(document["totals"]["total"])),
    ]
    if document["credits"]:
        about.append(_fact("冲减的凭单", "Takes back from", document["credits"]))
    return [
        {"zh": "金额", "en": "Amount", "rows": about},
        {"zh": "明细（元）", "en": "Lines (CNY)", "heads": heads, "rows": rows, "foot": foot},
    ]


def _said(document: dict[str, Any]) -> list[Words]:
    if document["kind"] != "settlement":
        return []
    if document["how"] == "cancelled":
        return [
            {
                "zh": "兹证明上述合同已在冷静期内解除，本金已全部返还，无任何未清偿债务。",
                "en": "The contract was cancelled in the cooling-off period; the principal was given back and nothing is owed.",
            }
        ]
    return [
        {
            "zh": "兹证明上述贷款的本金、利息及费用已全部结清，无任何未清偿债务。",
            "en": "Principal, interest and fees of this loan are paid in full; nothing is owed.",
        }
    ]


def _split(parts: dict[str, str]) -> str:
    if parts["total"] == "0.00":
        return "0.00"
    inside = " · ".join(f"{zh} {_money(parts[name])}" for name, zh, _en in PARTS if parts[name] != "0.00")
    return f"{_money(parts['total'])} ({inside})"


def _head(zh: str, en: str, *, money: bool = False, wide: bool = False) -> dict[str, Any]:
    return {"zh": zh, "en": en, "money": money, "wide": wide}
