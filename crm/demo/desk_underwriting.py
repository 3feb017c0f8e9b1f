"""Underwriting of the demonstration: papers in files, some asked for, conditions, second persons, counter-offers, verified facts.

Works on whatever is referred or approved; called once at the end of the play. Every row is made by the product's own doors. The papers
are generated pages that say so: nobody's real papers are in them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from credit import applications, conditions, offers, papers, underwriting, verified
from credit.models import Application, Condition, Product
from crm.lib.errors import DomainError
from customers import documents
from customers.models import Customer, Document
from governance.models import User

Status = Application.Status
SAMPLE = """%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 420 200]/Contents 4 0 R/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj
4 0 obj<</Length {length}>>stream
{stream}
endstream
endobj
trailer<</Root 1 0 R>>
%%EOF
"""


def page(words: str) -> bytes:
    """Return a PDF of one page that says what it stands for."""
    stream = f"BT /F1 14 Tf 30 120 Td (Generated for the demonstration) Tj 0 -24 Td ({words}) Tj ET"
    return SAMPLE.replace("{length}", str(len(stream))).replace("{stream}", stream).encode()


def put(customer: Customer, kind: str, *, actor: User, at: datetime, words: str = "") -> Document:
    """Put a generated paper among those of `customer`."""
    stored = documents.keep(page(words or f"{kind} of {customer.public_id}"))
    return documents.add(customer, kind=kind, stored=stored, file_name=f"{kind}.pdf", actor=actor, at=at)


def fill(*, staff: dict[str, User], at: datetime) -> dict[str, int]:
    """Bring what is referred into every state a review has; return how many of each."""
    Product.objects.filter(papers=[]).update(papers=[dict(item) for item in papers.DEFAULT])
    maker, second = staff["underwriter"], staff["risk"]
    made: dict[str, int] = {}
    waiting = Application.objects.referred().exclude(entered_by__in=[maker, second])
    rows = list(waiting.select_related("customer__owner", "product", "legal_entity", "decision", "owner").order_by("submitted_at", "pk"))
    for place, application in enumerate(rows):
        officer = application.owner or maker
        _file(application, place, officer=officer, checker=maker, at=at)
        try:
            done = _step(application, place % 8, maker=maker, second=second, officer=officer, at=at)
        except DomainError:
            done = "referred"  # the cap or the limit leaves no room for this step: it stays in the queue
        made[done] = made.get(done, 0) + 1
    for application in Application.objects.filter(status=Status.OFFERED).select_related("customer", "owner").order_by("-pk")[:6]:
        for kind in ("id_card", "income_proof"):
            put(application.customer, kind, actor=application.owner or maker, at=at - timedelta(days=2))
    twin = [row for row in rows if Document.objects.filter(customer=row.customer).exists()][:2]
    if len(twin) == 2:  # the same page in two files, for the warning
        for application in twin:
            put(application.customer, "address_proof", actor=application.owner or maker, at=at, words="one page in two files")
    return made


def _file(application: Application, place: int, *, officer: User, checker: User, at: datetime) -> None:
    """Put some papers in and verify some facts."""
    customer = application.customer
    there = [put(customer, "id_card", actor=officer, at=at - timedelta(days=1, hours=place % 5))]
    if place % 3:
        there.append(put(customer, "income_proof", actor=officer, at=at - timedelta(hours=20)))
    documents.accept(there[0], actor=checker, at=at - timedelta(hours=5))
    if place % 7 == 4 and len(there) > 1:
        documents.reject(there[1], words="工资单只有两个月，需近三个月。", actor=checker, at=at - timedelta(hours=4))
    elif place % 2 and customer.income:
        share = (Decimal("1.00"), Decimal("0.82"), Decimal("1.00"), Decimal("0.94"))[place // 2 % 4]
        value = (customer.income * share).quantize(Decimal("0.01"))
        as_of = at.date() - timedelta(days=9)
        verified.verify(application, name="income", value=value, source="payslip", as_of=as_of, document=there[-1], actor=checker, at=at)
        if place % 4 == 1:
            debt = customer.monthly_debt + (Decimal("650.00") if place % 8 == 1 else Decimal(0))
            verified.verify(application, name="monthly_debt", value=debt, source="statement", as_of=as_of, actor=checker, at=at)


def _step(application: Application, which: int, *, maker: User, second: User, officer: User, at: datetime) -> str:
    """Take an application one step further; return what it became."""
    today = at.date()
    limit = applications.limit_of(application)
    whole: dict[str, Any] = {"amount": limit, "term": application.term, "actor": maker, "at": at - timedelta(hours=3)}
    lower = (limit * Decimal("0.6")).quantize(Decimal("1E2")).quantize(Decimal("0.01"))
    lower = max(lower, application.product.amount_min)
    if which == 0:
        papers.ask(application, kinds=["bank_statement", "debt_statement"], due_on=today + timedelta(days=5), words="近六个月银行流水",
                   actor=maker, at=at - timedelta(hours=6))  # fmt: skip
        return "waiting"
    if which == 1:
        asked = application.submitted_at + timedelta(hours=2) if application.submitted_at else at - timedelta(days=3)
        request = papers.ask(
            application, kinds=["employment_proof"], due_on=today - timedelta(days=1), actor=maker, at=min(asked, at - timedelta(days=2))
        )
        papers.remind(request, at=at - timedelta(hours=2))
        return "reminded"
    if which == 2:
        request = papers.ask(
            application, kinds=["bank_statement"], due_on=today + timedelta(days=4), actor=maker, at=at - timedelta(days=3)
        )
        papers.answer(request, document=put(application.customer, "bank_statement", actor=officer, at=at), actor=officer, at=at)
        return "back"
    if which == 3:
        underwriting.propose(application, kind="approve", note="收入稳定，建议批准。", kinds=["employer"], **whole)
        return "proposed"
    if which == 4:
        underwriting.counter(application, **whole | {"amount": lower, "term": min(application.term + 6, application.product.term_max)},
                             note="月供占收入偏高，降额展期。")  # fmt: skip
        return "countered"
    if which == 5:
        done = underwriting.approve(application, kinds=["employer", "originals"], **whole)
        offers.make(done, at=at - timedelta(hours=2))
        condition = Condition.objects.filter(application=done, kind="employer").get()
        conditions.clear(condition, evidence="致电人事部，确认在职。", actor=second, at=at - timedelta(hours=1))
        return "conditions"
    if which == 6:
        proposal = underwriting.propose(application, kind="approve", **whole)
        underwriting.give_back(proposal, words="请先核实其他负债。", actor=second, at=at - timedelta(hours=1))
        return "returned"
    return "referred"
