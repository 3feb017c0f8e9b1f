"""The caps on cost an installation starts with, their sources, and the rules of disclosure beside them. Idempotent."""

from datetime import date
from decimal import Decimal

from credit import caps
from credit.models import RateCap
from governance import rules
from governance.models import Rule

LOAN, GUIDANCE = "cost.loan", "cost.guidance"
IN_FULL, DISCLOSURE = "disbursement.in_full", "disclosure.before_signing"
ALL = [RateCap.Part.FEE, RateCap.Part.THIRD_PARTY, RateCap.Part.INSURANCE, RateCap.Part.PENALTY]


def seed() -> None:
    """Create what is missing. 36 % is a line of the past and never a row."""
    cap = {
        "name_en": "Total cost of a loan, a year", "name_zh": "单笔贷款年化综合融资成本", "value": Decimal("0.240000"),
        "basis": RateCap.Basis.NOMINAL, "counts": ALL,
    }  # fmt: skip
    caps.put(
        LOAN, effective_from=date(2020, 1, 1), effective_to=date(2025, 10, 1), verification=Rule.Verification.POLICY, **cap
    )  # fmt: skip
    caps.put(
        LOAN, effective_from=date(2025, 10, 1), verification=Rule.Verification.SECONDARY,
        citation="金规〔2025〕9号《关于加强商业银行互联网助贷业务管理 提升金融服务质效的通知》，2025-10-01起施行", **cap,
    )  # fmt: skip
    caps.put(
        GUIDANCE, effective_from=date(2025, 12, 20), name_en="Guidance for new consumer-finance loans", name_zh="消费金融公司新发放贷款窗口指导",
        value=Decimal("0.200000"), basis=RateCap.Basis.NOMINAL, binding=False, counts=ALL[:3], verification=Rule.Verification.UNVERIFIED,
        citation="据媒体报道的窗口指导，无公开文件；自2025-12-20起新发放贷款，未说明按名义或实际年化利率",
    )  # fmt: skip
    rules.put(
        IN_FULL, value="required", unit=rules.TEXT, meaning_en="The whole principal is paid out: no interest or fee is deducted from it",
        meaning_zh="足额放款，不得预先在本金中扣除利息或费用", citation="《中华人民共和国民法典》第六百七十条",
        verification=Rule.Verification.SECONDARY, effective_from=date(2021, 1, 1),
    )  # fmt: skip
    rules.put(
        DISCLOSURE, value="required", unit=rules.TEXT, meaning_en="The table of all costs is shown and confirmed before the contract is signed",
        meaning_zh="签约前须明示综合融资成本并经借款人确认", citation="《个人贷款业务明示综合融资成本规定》（国家金融监督管理总局、中国人民银行，2026-08-01起施行）",
        verification=Rule.Verification.SECONDARY, effective_from=date(2026, 8, 1),
    )  # fmt: skip
