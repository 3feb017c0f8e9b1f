"""How what was typed for an act becomes a transaction: amount and details, or a refusal. Used by `credit/acts.py`."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from credit import contract_terms
from credit.models import Loan
from crm.lib.errors import DomainError, Invalid
from crm.lib.money import is_cents
from governance import rules
from governance.changes import Line

NOTICE_DAYS = "credit.acceleration.notice_days"
RELIEF_WATCHED = "credit.hardship.watched"
RELIEF_LONGEST = "credit.hardship.longest"
ZERO = Decimal("0.00")
# What stays as it is when a part is prepaid, by what the product says of paying early.
KEEPS: dict[str, frozenset[str]] = {
    "choice": frozenset({"term", "installment"}), "shorten_term": frozenset({"installment"}), "lower_instalment": frozenset({"term"}),
}  # fmt: skip
Built = tuple[Decimal, dict[str, Any]]


class Evidence(models.TextChoices):
    """What a hardship was shown by; the paper itself is among the customer's documents."""

    JOB = "job", _("Loss of work")
    ILLNESS = "illness", _("Illness or accident")
    DISASTER = "disaster", _("Disaster or epidemic")
    INCOME = "income", _("Fall of income")
    STATED = "stated", _("Stated by the customer only")


class Insurance(models.TextChoices):
    """Whether an insurance pays after a death."""

    NONE = "none", _("No insurance")
    CLAIMED = "claimed", _("Claim made, answer awaited")
    REFUSED = "refused", _("Claim refused")


class NotForeseen(DomainError):
    """The product does not foresee that this is paid early."""

    code = "prepayment_not_foreseen"


class NoticeTooShort(Invalid):
    """The whole balance is demanded only some days after the customer was told."""

    code = "notice_too_short"


def keeps_of(loan: Loan) -> frozenset[str]:
    """Return what may stay as it is when a part of `loan` is prepaid; nothing where its product does not foresee it."""
    return KEEPS.get(contract_terms.said(loan.product, "prepayment"), frozenset())


def prepays_in_part(loan: Loan) -> bool:
    """Return whether the product of `loan` lets a part be paid early."""
    return bool(keeps_of(loan))


def prepayment(loan: Loan, data: dict[str, Any], on: date) -> Built:
    """Build a part paid early, as the product foresees it.

    :raises NotForeseen: if the product does not foresee it
    """
    allowed = keeps_of(loan)
    if not allowed:
        raise NotForeseen(_("The product does not foresee that a part is paid early: a payoff ends the loan."))
    if data["keeps"] not in allowed:
        sentence = _("The product foresees the other way: choose it.")
        raise NotForeseen(sentence, fields={"keeps": sentence})
    return data["amount"], {"keeps": data["keeps"]}


def acceleration(loan: Loan, data: dict[str, Any], on: date) -> Built:
    """Build the demand of the whole balance: the notice came before it, by the days of the rule.

    :raises NoticeTooShort: if it did not
    """
    told, number = data.get("notice_on"), str(data.get("notice_number") or "").strip()
    sentence: Any
    if told is None or not number:
        sentence = _("Say when the notice reached the customer, and its number.")
        raise NoticeTooShort(sentence, fields={"notice_on" if told is None else "notice_number": sentence})
    if told > on:
        sentence = _("%(day)s has not come yet.") % {"day": told.isoformat()}
        raise NoticeTooShort(sentence, fields={"notice_on": sentence})
    first = told + timedelta(days=int(rules.value(NOTICE_DAYS, on=on)))
    if on < first:
        sentence = _("After this notice the whole balance is due from %(day)s on.") % {"day": first.isoformat()}
        raise NoticeTooShort(sentence, fields={"notice_on": sentence})
    return ZERO, {"notice_on": told.isoformat(), "notice_number": number[:40]}


def relief(loan: Loan, data: dict[str, Any], on: date) -> Built:
    """Build a relief: until a day, at most as many days ahead as the rule says, this is paid at each due date."""
    until, pays = data["until"], data.get("pays") or ZERO
    sentence: Any
    last = on + timedelta(days=int(rules.value(RELIEF_LONGEST, on=on)))
    if not on < until <= last:
        sentence = _("Choose a day after the one it counts for, up to %(last)s.") % {"last": last.isoformat()}
        raise Invalid(sentence, fields={"until": sentence})
    if pays < 0 or not is_cents(pays):
        sentence = _("Enter an amount of 0 or more in whole cents.")
        raise Invalid(sentence, fields={"pays": sentence})
    evidence = data.get("evidence") or Evidence.STATED
    if evidence not in Evidence.values:
        raise Invalid(_("Choose what shows the hardship."), fields={"evidence": _("Choose what shows the hardship.")})
    details = {"until": until.isoformat(), "installment": str(pays), "adds": bool(data.get("adds")), "evidence": str(evidence)}
    return ZERO, details


def death(loan: Loan, data: dict[str, Any], on: date) -> Built:
    """Build the death of the customer."""
    died_on, insurance = data["died_on"], data.get("insurance") or Insurance.NONE
    if died_on > on:
        sentence = _("%(day)s has not come yet.") % {"day": died_on.isoformat()}
        raise Invalid(sentence, fields={"died_on": sentence})
    if insurance not in Insurance.values:
        raise Invalid(_("Say whether an insurance pays."), fields={"insurance": _("Say whether an insurance pays.")})
    if loan.transactions.filter(kind="death", reversal__isnull=True).exists():
        raise Invalid(_("The death of the customer is recorded on this loan already."))
    return ZERO, {"died_on": died_on.isoformat(), "insurance": str(insurance)}


def sale(loan: Loan, data: dict[str, Any], on: date) -> Built:
    """Build the sale of a loan to a company."""
    buyer = " ".join(str(data.get("buyer") or "").split())
    if not buyer:
        sentence = _("Name the company that buys it.")
        raise Invalid(sentence, fields={"buyer": sentence})
    return data["amount"], {"buyer": buyer[:80], "sale": str(data.get("sale") or "")}


def lines(details: dict[str, Any]) -> list[Line]:
    """Return what the second person reads of these details."""
    labels = {
        "notice_on": _("Notice reached the customer on"), "notice_number": _("Number of the notice"), "until": _("Until"),
        "installment": _("Paid at each due date until then (CNY)"), "evidence": _("Shown by"), "died_on": _("Died on"),
        "insurance": _("Insurance"), "buyer": _("Buyer (company)"),
    }  # fmt: skip
    words = {**dict(Evidence.choices), **dict(Insurance.choices)}
    return [Line(labels[name], "", words.get(value, value)) for name, value in details.items() if name in labels and isinstance(value, str)]
