"""The numbers that reports judge by, as rules: rates of provision, the lines a supervisor draws, what the lender's money costs."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from credit.report_math import ProvisionRates
from governance import rules
from governance.models import Rule

PROVISION = "credit.report.provision_rates"
LEAST_COVERAGE = "credit.report.least_coverage"
LEAST_PROVISION = "credit.report.least_provision"
FUNDING = "credit.report.funding_rate"  # the lender's own figure: no installation begins with one


@dataclass(frozen=True)
class Held:
    """What holds on a day; `funding` is None where the lender has stated no rate."""

    rates: ProvisionRates
    least_coverage: Decimal
    least_provision: Decimal
    funding: Decimal | None
    unread: tuple[str, ...]


def holding(on: date) -> Held:
    """Return the numbers that hold on a day; two queries.

    :raises NoRule: if one of law does not hold
    """
    held = rules.together(PROVISION, LEAST_COVERAGE, LEAST_PROVISION, on=on)
    general, special_mention, substandard, doubtful, loss = (Decimal(each) for each in held[PROVISION].value)
    read = (Rule.Verification.VERIFIED, Rule.Verification.POLICY)
    try:
        funding = rules.holding(FUNDING, on=on)
    except rules.NoRule:
        funding = None
    found = [*held.values(), *([funding] if funding else [])]
    return Held(
        rates=ProvisionRates(general, special_mention, substandard, doubtful, loss),
        least_coverage=rules.exact(held[LEAST_COVERAGE]),
        least_provision=rules.exact(held[LEAST_PROVISION]),
        funding=rules.exact(funding) if funding else None,
        unread=tuple(rule.code for rule in found if rule.verification not in read),
    )


def seed() -> None:
    """Create the rules that are missing. None of them was read in the original."""
    for code, value, unit, en, zh, citation in (
        (PROVISION, ["0.01", "0.02", "0.25", "0.50", "1.00"], "share, by class",
         "Set aside: of all loans, then of special mention, substandard, doubtful, loss", "贷款损失准备计提比例：一般准备，关注、次级、可疑、损失类专项准备",
         "《银行贷款损失准备计提指引》（中国人民银行，2002年）"),
        (LEAST_COVERAGE, Decimal("1.5000"), "share", "Provision over non-performing loans, at least", "拨备覆盖率下限", "《商业银行贷款损失准备管理办法》"),
        (LEAST_PROVISION, Decimal("0.0250"), "share", "Provision over all loans, at least", "贷款拨备率下限", "《商业银行贷款损失准备管理办法》"),
    ):  # fmt: skip
        rules.put(
            code, value=value, unit=unit, meaning_en=en, meaning_zh=zh, citation=citation, verification=Rule.Verification.UNVERIFIED,
            effective_from=date(2020, 1, 1),
        )  # fmt: skip
