"""The statement of a loan, an instalment explained, the documents a loan was given, and the check of a paper that comes back."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from credit import documents_pdf, explained_words, invoices, loan_documents, movements, statements
from credit.allocation import Allocation
from credit.books import value_day
from credit.document_forms import CheckForm, DocumentForm, PeriodForm
from credit.explained import Line, Witness, taken
from credit.models import Loan, LoanDocument, Transaction
from credit.permissions import ISSUE_DOCUMENT, VIEW_LOAN
from credit.state import PARTS, Split
from credit.views import Asked, borrower
from credit.views.acts import refused
from credit.views.loans import one
from credit.words import PARTS as LABELS
from crm.lib import htmx
from crm.lib.permissions import needs
from governance import idempotency

ZERO = Decimal("0.00")
LATEST = 50
Kind = LoanDocument.Kind


# --- statement -----------------------------------------------------------------------------------------------------
@needs(VIEW_LOAN)
@require_GET
def loan_statement(request: Asked, public_id: str) -> HttpResponse:
    """Show the statement of a period; the whole loan so far where none is chosen."""
    loan = one(request, public_id)
    today = value_day(loan.legal_entity, now())
    first, last = statements.usual(loan, today=today)
    asked = "first" in request.GET or "last" in request.GET
    form = PeriodForm(request.GET if asked else None, initial={"first": first, "last": last})
    made = None
    if not asked:
        made = statements.of(loan, first, last, today=today)
    elif form.is_valid():
        with form.refusals():
            made = statements.of(loan, form.cleaned_data["first"], form.cleaned_data["last"], today=today)
    context = {
        "loan": loan,
        "customer": borrower(loan, request.user),
        "form": form,
        "made": made,
        "parts": [(LABELS[part], getattr(made.overdue, part), getattr(made.due_now, part)) for part in PARTS] if made else [],
        "may_issue": request.user.has_perm(ISSUE_DOCUMENT),
        "issue_form": DocumentForm(initial={"kind": Kind.STATEMENT, "first": made.first, "last": made.last}) if made else None,
    }
    return htmx.render(request, "credit/documents/statement.html", "credit/documents/statement.html", context, status=200 if made else 422)


# --- an instalment explained ---------------------------------------------------------------------------------------
@needs(VIEW_LOAN)
@require_GET
def installment_explained(request: Asked, public_id: str, seq: int) -> HttpResponse:
    """Show line by line how an instalment came about and what every payment took of it."""
    loan = one(request, public_id)
    context = {"loan": loan, "customer": borrower(loan, request.user)} | explained(loan, seq, on=value_day(loan.legal_entity, now()))
    return htmx.render(request, "credit/documents/explained.html", "credit/documents/explained.html", context)


def explained(loan: Loan, seq: int, *, on: date) -> dict[str, Any]:
    """Return an instalment's lines by part, the ones they replaced, and what every event took of it; one play of the loan.

    :raises Http404: if the loan has no such instalment
    """
    witness, moves = Witness(seq, on), movements.events(loan)
    state = movements.played(loan, moves, as_of=on, watch=witness)
    row = next((each for each in state.installments if each.seq == seq), None)
    if row is None:
        raise Http404
    parts: list[dict[str, Any]] = [
        {
            "label": LABELS[part],
            "part": part,
            "lines": [_line(line) for line in witness.lines if line.part == part],
            "sum": witness.sum(part),
            "left": row.left(part),
        }
        for part in PARTS
    ]
    kinds = dict(Transaction.objects.filter(loan=loan).values_list("public_id", "kind"))
    labels = dict(Transaction.Kind.choices)
    used = [_used(split, seq, row.due_on, labels.get(kinds.get(split.event.key, ""), "")) for split in taken(state.splits, seq)]
    return {
        "row": row,
        "on": on,
        "parts": parts,
        "earlier": [[_line(line) for line in lines] for lines in witness.earlier],
        "used": used,
        "order": _order(state.terms.allocation),
        "total": sum((part["sum"] for part in parts), ZERO),
        "paid": row.paid.total,
        "waived": row.waived.total + row.written_off.total,
        "left": row.outstanding,
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "label": LABELS[line.part],
        "text": explained_words.said(line.code, line.figures, line.event),
        "amount": line.amount,
        "on": line.on,
        "line": line,
    }


def _used(split: Split, seq: int, due_on: date, label: Any) -> dict[str, Any]:
    """Return what one event did with the instalment, its parts in the order in which they were taken."""
    how = (("lines", _("paid")), ("waived", _("given up")), ("written_off", _("written off")), ("capitalised", _("became principal")))
    steps: list[dict[str, Any]] = [
        {"label": LABELS[line.part], "how": word, "amount": line.amount}
        for name, word in how
        for line in getattr(split, name)
        if line.installment == seq
    ]
    on = split.event.on
    when = _("in advance") if on < due_on else _("on its day") if on == due_on else _("past due")
    return {
        "on": on,
        "key": split.event.key,
        "label": label,
        "when": when,
        "steps": steps,
        "sum": sum((step["amount"] for step in steps), ZERO),
    }


def _order(rule: Allocation) -> list[str]:
    """Return the order of parts for what is due, the same in every age where the rule does not tell them apart."""
    return [str(LABELS[step.split(".")[1]]) for step in rule.order if step.startswith("due.")]


# --- documents -----------------------------------------------------------------------------------------------------
@needs(VIEW_LOAN)
@require_GET
def loan_documents_page(request: Asked, public_id: str) -> HttpResponse:
    """List the documents a loan was given, and make another."""
    return _documents_page(request, one(request, public_id))


@needs(ISSUE_DOCUMENT)
@require_POST
def loan_document_new(request: Asked, public_id: str) -> HttpResponse:
    """Make a document of a loan."""
    loan = one(request, public_id)
    form, status = DocumentForm(request.POST), 0
    if form.is_valid():
        with refused(form) as told, form.refusals(), idempotency.Once(request.user, form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                made = make(loan, form.cleaned_data, actor=request.user, at=now())
                sent.result(reverse("loan-document", args=[made[-1].public_id]))
                messages.success(request, _("%(serial)s is made.") % {"serial": ", ".join(each.serial for each in made)})
        if not form.errors:
            return htmx.go(request, sent.location)
        status = told["status"]
    return _documents_page(request, loan, form, status=status)


def make(loan: Loan, data: dict[str, Any], *, actor: Any, at: Any) -> list[LoanDocument]:
    """Make what was asked for.

    :raises DomainError: as the doors do
    """
    told = {"purpose": data["purpose"], "actor": actor, "at": at}
    if data["kind"] == Kind.SETTLEMENT:
        return [loan_documents.settlement(loan, **told)]
    today = value_day(loan.legal_entity, at)
    usual = statements.usual(loan, today=today)
    period = {"first": data.get("first") or usual[0], "last": data.get("last") or usual[1]}
    if data["kind"] == Kind.INVOICE:
        return invoices.invoice(loan, **period, **told)
    return [loan_documents.statement(loan, **period, **told)]


def _documents_page(request: Asked, loan: Loan, form: DocumentForm | None = None, *, status: int = 0) -> HttpResponse:
    first, last = statements.usual(loan, today=value_day(loan.legal_entity, now()))
    settled = loan.status in (Loan.Status.SETTLED, Loan.Status.CANCELLED)
    initial = {"kind": Kind.SETTLEMENT if settled else Kind.STATEMENT, "first": first, "last": last}
    context = {
        "loan": loan,
        "customer": borrower(loan, request.user),
        "form": form or DocumentForm(initial=initial),
        "documents": loan.documents.select_related("issued_by", "credits").defer("document").order_by("-pk")[:LATEST],
        "may_issue": request.user.has_perm(ISSUE_DOCUMENT),
    }
    status = status or (422 if form is not None and form.errors else 200)
    return htmx.render(request, "credit/documents/documents.html", "credit/documents/documents.html", context, status=status)


def document_of(request: Asked, public_id: str) -> LoanDocument:
    rows = LoanDocument.objects.for_list().select_related("issued_by", "credits")
    found: LoanDocument = rows.get_for(request.user, public_id)
    return found


@needs(VIEW_LOAN)
@require_GET
def loan_document(request: Asked, public_id: str) -> HttpResponse:
    """Show a document: serial, hash worked out anew, what it says in short."""
    made = document_of(request, public_id)
    document = made.document
    figures: list[tuple[Any, Any]] = []
    if made.kind in (Kind.INVOICE, Kind.CREDIT_NOTE):
        figures = [(LABELS[part], Decimal(document["totals"][part])) for part in ("interest", "fee", "penalty")]
    elif made.kind == Kind.SETTLEMENT:
        figures = [(LABELS[part], Decimal(document["paid"][part])) for part in PARTS]
    else:
        figures = [
            (_("Principal at the beginning"), Decimal(document["opening"]["principal"])),
            (_("Principal at the end"), Decimal(document["closing"]["principal"])),
        ]
    context = {
        "made": made,
        "loan": made.loan,
        "customer": borrower(made.loan, request.user),
        "figures": figures,
        "stands": loan_documents.unchanged(made),
        "withdrawn": made.kind == Kind.SETTLEMENT and not loan_documents.stands(made, made.loan),
        "notes": list(made.credit_notes.only("public_id", "serial")),
        "may_take": request.user.has_perm(ISSUE_DOCUMENT),
    }
    return htmx.render(request, "credit/documents/document.html", "credit/documents/document.html", context)


@needs(ISSUE_DOCUMENT)
@require_GET
def loan_document_pdf(request: Asked, public_id: str) -> HttpResponse:
    """Give a document as a PDF: set anew from what is stored, so it is the same paper each time. Who takes it is recorded first."""
    made = document_of(request, public_id)
    made.loan.customer = borrower(made.loan, request.user)
    loan_documents.taken(made, actor=request.user, at=now())
    response = HttpResponse(documents_pdf.paper(made), content_type="application/pdf")
    response.headers["Content-Disposition"] = f'attachment; filename="{made.serial}.pdf"'
    response.headers["Cache-Control"] = "no-store"
    return response


@needs(VIEW_LOAN)
def document_check(request: Asked) -> HttpResponse:
    """Check a paper by its serial and the first digits of its hash."""
    form = CheckForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid() and request.user.team is not None:
        verdict = loan_documents.verify(request.user.team.legal_entity, form.cleaned_data["serial"], form.cleaned_data["digits"])
        tone, sentence = VERDICTS[verdict.code]
        found = verdict.document
        # What the paper says is told to whoever holds it; the loan behind it opens only to those who may see it.
        seen = found is not None and Loan.objects.visible_to(request.user).filter(pk=found.loan_id).exists()
        context = {"verdict": verdict, "tone": f"tone-{tone}", "sentence": sentence(), "found": found, "seen": seen}
    return form.page(request, "credit/documents/check.html", context)


VERDICTS: dict[str, tuple[str, Callable[[], str]]] = {
    "good": ("good", lambda: _("This is one of our papers, unchanged, and it stands.")),
    "unknown": ("bad", lambda: _("We issued no paper with this serial.")),
    "wrong_hash": ("bad", lambda: _("The check digits do not belong to this serial: the paper is not the one we issued.")),
    "altered": ("bad", lambda: _("Our own record of this paper was altered. Tell the auditors.")),
    "withdrawn": ("caution", lambda: _("We issued it, but the loan was opened again afterwards: it no longer stands.")),
    "credited": ("caution", lambda: _("We issued it; a credit note took back a part or all of it.")),
}
