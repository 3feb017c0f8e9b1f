"""What an underwriter reads on one screen: stated, verified and bureau side by side, what it costs the applicant, what else there is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from credit import applications, clocks, exposure, offers, papers, verified
from credit.books import local_day
from credit.business_days import closed
from credit.forms import CLASSES
from credit.models import Application, Condition, ConditionKind, CounterOffer, Loan, Proposal, VerifiedFact
from credit.schedule import build
from credit.words import fact as fact_words
from credit.words import word
from crm.lib.money import quantize, total
from customers import documents, duplicates
from customers.models import Document
from governance.models import User
from risk import bureau
from risk.models import BureauReport
from risk.permissions import VIEW_BUREAU_REPORT

OTHERS = 5
DOCUMENTS = 50
# an amount that differs by less than this is the same amount told another way
CLOSE = Decimal("0.02")


@dataclass(frozen=True)
class Row:
    """One fact as the applicant stated it, as staff found it, as the bureau says; `differs` where two of them disagree."""

    name: str
    label: str
    stated: Any
    verified: VerifiedFact | None
    found: Any
    differs: bool
    money: bool
    bureau: Decimal | None = None

    @property
    def reported(self) -> bool:
        return self.bureau is not None

    @property
    def contradicted(self) -> bool:
        """Whether the bureau knows of more than was stated and found: what it does not know of may still be."""
        least = self.found if self.verified else self.stated
        return self.bureau is not None and least is not None and self.bureau > least * (1 + CLOSE)


@dataclass(frozen=True)
class Burden:
    """What the loan asked for takes of an income: instalment to income, debts to income before and after."""

    income: Decimal | None
    debt: Decimal | None
    instalment: Decimal

    @property
    def share(self) -> Decimal | None:
        return self.instalment / self.income if self.income else None

    @property
    def before(self) -> Decimal | None:
        return self.debt / self.income if self.income and self.debt is not None else None

    @property
    def after(self) -> Decimal | None:
        return (self.debt + self.instalment) / self.income if self.income and self.debt is not None else None


def stated_facts(application: Application) -> dict[str, Any]:
    """Return what was stated: with the decision's income and debts where there is one, else those in the person's file today."""
    seen: Mapping[str, Any] = application.decision.facts if application.decision else {}
    customer = application.customer
    money = {
        "income": _decimal(seen.get("income"), customer.income),
        "monthly_debt": _decimal(seen.get("monthly_debt"), customer.monthly_debt),
    }
    return {**application.stated, **money}


def rows(application: Application, found: Mapping[str, VerifiedFact], report: BureauReport | None = None) -> list[Row]:
    """Return the file: money first, then the stated facts in the form's order; what the bureau says of debts beside them."""
    stated = stated_facts(application)
    lines = []
    for name in verified.names():
        money = name in verified.MONEY
        row = found.get(name)
        value = _decimal(row.value, None) if row and money else row.value if row else None
        lines.append(
            Row(
                name=name,
                label=fact_words(name),
                stated=stated.get(name) if money else spoken(name, stated.get(name)),
                verified=row,
                found=value if money else spoken(name, value),
                differs=row is not None and differs(name, stated.get(name), value),
                money=money,
                bureau=report.monthly_due if report and name == "monthly_debt" else None,
            )
        )
    return lines


def differs(name: str, stated: Any, found: Any) -> bool:
    """Return whether what was found contradicts what was stated; amounts within 2 % of each other do not."""
    if stated is None or found is None:
        return stated is not found
    if name in verified.MONEY:
        return abs(stated - found) > CLOSE * max(abs(stated), Decimal(1))
    return bool(stated != found)


def spoken(name: str, value: Any) -> Any:
    """Return a stated value in words, None for none."""
    if value is None:
        return None
    if name in CLASSES:
        return dict(CLASSES[name]).get(value, value)
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    return word(name, value)


def instalment(application: Application, *, at: datetime) -> Decimal:
    """Return the monthly instalment of what is asked for, or of what was approved.

    Where instalments do not come every month, or begin lower, it is what a month costs on average over the term.
    """
    amount, term = application.approved_amount or application.amount, application.approved_term or application.term
    rate = application.approved_rate if application.approved_rate is not None else applications.rate_of(application)
    on = local_day(application.legal_entity, at)
    terms = offers.terms_of(application.product, amount=amount, term=term, annual_rate=rate, on=on)
    plan = build(terms, closed(terms))
    graced = terms.grace_on_principal or terms.grace_on_interest or terms.interest_free or terms.down_payment
    if (terms.unit, terms.every) == ("months", 1) and terms.method != "bullet" and not graced:
        return plan[0].payment
    return quantize(total([row.payment for row in plan if row.kind == "installment"]) / term)


def burdens(application: Application, found: Mapping[str, VerifiedFact], *, at: datetime) -> dict[str, Burden]:
    """Return the burden by what was stated, and by what was verified where income or debts were."""
    stated, due = stated_facts(application), instalment(application, at=at)
    result = {"stated": Burden(stated["income"], stated["monthly_debt"], due)}
    if "income" in found or "monthly_debt" in found:
        values = {name: _decimal(found[name].value, None) if name in found else stated[name] for name in verified.MONEY}
        result["verified"] = Burden(values["income"], values["monthly_debt"], due)
    return result


def read(application: Application, *, user: User, at: datetime) -> dict[str, Any]:
    """Return everything the file shows of `application` to `user`; the number of queries does not depend on what is there."""
    on = local_day(application.legal_entity, at)
    found = verified.latest(application)
    report = bureau.latest(application.customer_id, at=at) if user.has_perm(VIEW_BUREAU_REPORT) else None
    lines = rows(application, found, report)
    sees_papers = user.has_perm("customers.view_document")
    papers_there = list(Document.objects.filter(customer=application.customer).for_list().order_by("-pk")[:DOCUMENTS])
    request = papers.open_request(application)
    checklist = papers.checklist(application, papers_there, request)
    figures = application.decision.figures if application.decision else {}
    loans = Loan.objects.open().filter(customer=application.customer).values_list("dpd", flat=True)
    open_loans = list(loans[:100])
    allowed = clocks.review_time(on)
    weight, ceiling = burdens(application, found, at=at), _decimal(figures.get("dti_limit"), None)
    heaviest = max((each.after for each in weight.values() if each.after is not None), default=None)
    others = Application.objects.visible_to(user).filter(customer=application.customer_id).exclude(pk=application.pk)
    conditions_there = list(
        Condition.objects.filter(application=application).select_related("set_by", "cleared_by", "document").order_by("pk")
    )
    counter = CounterOffer.objects.filter(application=application).select_related("made_by", "answered_by").order_by("-pk").first()
    return {
        "file": lines,
        "bureau_report": report,
        "burdens": weight,
        "dti_limit": ceiling,
        "too_heavy": heaviest is not None and ceiling is not None and heaviest > ceiling,
        "differences": sum(line.differs for line in lines),
        "verified_count": len(found),
        "exposure": exposure.standing(application.customer_id, leaving=application).lines,
        "exposure_cap": exposure.cap(on),
        "open_loans": len(open_loans),
        "worst_dpd": max(open_loans, default=0),
        "others": list(others.select_related("product", "decision").defer("stated", "note").order_by("-pk")[: OTHERS + 1]),
        "checklist": checklist,
        "papers_missing": sum(not line.there for line in checklist),
        "papers_request": request,
        "sees_papers": sees_papers,
        "documents": papers_there if sees_papers else [],
        "twins": documents.elsewhere(papers_there) if sees_papers else set(),
        "duplicates": duplicates.of(application.customer, user=user).read_for("underwriting", actor=user, at=at),
        "conditions": conditions_there,
        "conditions_open": sum(each.status == Condition.Status.OPEN for each in conditions_there),
        "proposal": Proposal.objects.filter(application=application).select_related("made_by", "answered_by").order_by("-pk").first(),
        "counter": counter,
        "counter_link": counter.links.order_by("-pk").first() if counter and counter.status == CounterOffer.Status.OPEN else None,
        "review_due": clocks.due_at(application, allowed),
        "condition_labels": dict(ConditionKind.choices),
    }


def _decimal(value: Any, otherwise: Decimal | None) -> Decimal | None:
    return otherwise if value is None else Decimal(str(value))
