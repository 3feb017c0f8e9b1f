"""When the bureau may be asked, how long a report counts, how patiently it is called: rules as data, with citation and dates."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.translation import gettext_lazy as _

from crm.lib.errors import Invalid
from governance import rules
from governance.models import Rule
from risk.models import BureauQuery

Reason = BureauQuery.Reason
CALLS, CIRCUIT = "bureau.calls", "bureau.circuit"
PURPOSES = (
    "Regulation on the Credit Reporting Industry (State Council Decree 631) arts. 18, 20: written consent, agreed use; "
    "PBOC Order [2005] No. 3 art. {article}; PIPL arts. 13, 14, 29"
)


class NoLegalReason(Invalid):
    """No legal reason of this name holds on the day: the bureau is not asked."""

    code = "no_legal_reason"


@dataclass(frozen=True, slots=True)
class Calls:
    """How the bureau is called, and when it is left alone."""

    tries: int
    seconds: int  # of patience with one call
    failures: int  # in a row, after which nobody calls
    pause: timedelta  # after which one query tries again


def reason(code: str, *, on: date) -> Rule:
    """Return the legal reason that holds on a day.

    :raises NoLegalReason: if none does
    """
    try:
        return rules.holding(f"bureau.reason.{code}", on=on)
    except rules.NoRule:
        sentence = _("The bureau may not be asked for this reason.")
        raise NoLegalReason(sentence, fields={"reason": sentence}) from None


def reasons(*, on: date) -> list[tuple[str, Rule]]:
    """Return the legal reasons that hold on a day, with their rules; one query."""
    held = {rule.code: rule for rule in Rule.objects.filter(code__startswith="bureau.reason.", effective_from__lte=on)
            if rule.effective_to is None or rule.effective_to > on}  # fmt: skip
    return [(code, held[f"bureau.reason.{code}"]) for code in Reason.values if f"bureau.reason.{code}" in held]


def fresh_days(code: str, *, on: date) -> int:
    """Return for how many days a report counts when it is used for a reason.

    :raises NoRule: if a rule was ended and none took its place
    """
    return int(rules.value(f"bureau.fresh.{code}", on=on))


def calls(*, on: date) -> Calls:
    """Return how the bureau is called on a day; one query.

    :raises NoRule: if a rule was ended and none took its place
    """
    held = rules.together(CALLS, CIRCUIT, on=on)
    tries, seconds = held[CALLS].value
    failures, pause = held[CIRCUIT].value
    return Calls(int(tries), int(seconds), int(failures), timedelta(seconds=int(pause)))


def seed() -> None:
    """Create the rules that are missing: the reasons of the law, the house's policy for the rest."""
    for code, article, en, zh in (
        (Reason.CREDIT_APPROVAL, "12(1)", "Bureau: may be asked to decide on an application for credit", "征信查询事由：审核信贷申请"),
        (Reason.GUARANTEE, "12(3)", "Bureau: may be asked about a person who stands surety", "征信查询事由：审核担保人"),
        (Reason.POST_LOAN, "12(4)", "Bureau: may be asked to manage the risk of credit already granted", "征信查询事由：贷后风险管理"),
    ):  # fmt: skip
        rules.put(
            f"bureau.reason.{code}", value="consent", unit=rules.TEXT, meaning_en=en, meaning_zh=zh,
            citation=PURPOSES.format(article=article), verification=Rule.Verification.UNVERIFIED, effective_from=date(2013, 3, 15),
        )  # fmt: skip
    for code, days, en, zh in (
        (Reason.CREDIT_APPROVAL, 30, "Bureau: days a report counts when credit is decided on", "征信报告有效期：信贷审批"),
        (Reason.GUARANTEE, 30, "Bureau: days a report counts when a guarantor is checked", "征信报告有效期：担保审核"),
        (Reason.POST_LOAN, 90, "Bureau: days a report counts in post-loan management", "征信报告有效期：贷后管理"),
    ):
        rules.put(
            f"bureau.fresh.{code}", value=days, unit=rules.DAYS, meaning_en=en, meaning_zh=zh, verification=Rule.Verification.POLICY,
            effective_from=date(2013, 3, 15),
        )  # fmt: skip
    for name, value, unit, en, zh in (
        (CALLS, [3, 4], "tries, seconds", "Bureau: calls of one query at most, patience with each", "征信查询：单笔最多调用次数、每次等待秒数"),
        (CIRCUIT, [5, 60], "failures, seconds", "Bureau: failures in a row after which it is not asked, and for how long", "征信查询熔断：连续失败次数、暂停秒数"),
    ):  # fmt: skip
        rules.put(
            name,
            value=value,
            unit=unit,
            meaning_en=en,
            meaning_zh=zh,
            verification=Rule.Verification.POLICY,
            effective_from=date(2013, 3, 15),
        )
