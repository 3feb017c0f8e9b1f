"""The books as people read them: trial balance, accounts, journals down to movements and loans, the check, chart and months."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_GET, require_POST

from credit import book_check, chart, periods, tasks, trial_balance
from credit.book_forms import AccountForm, DayForm, MappingForm, ReopenForm
from credit.book_lists import LINES
from credit.models import BookDay, GLAccount, Journal, JournalLine, Loan, ManualJournal, Transaction
from credit.permissions import MANAGE_BOOKS, VIEW_BOOKS, VIEW_LOAN
from credit.views import Asked
from credit.views.closing import entity_of
from crm.lib import htmx, pages
from crm.lib.permissions import needs
from governance import changes, idempotency, list_pages
from governance.models import ChangeRequest, LegalEntity

CHECKED = 31
EARLIEST, LATEST = 1990, 2200  # years outside of which no date of a book is meant
MOVEMENTS = {
    Journal.Source.POSTINGS: "booked_on",
    Journal.Source.TAKEN_OVER: "booked_on",
}


def products_of(request: Asked, chosen: str = "") -> list[str] | None:
    """Return the products whose sums are shown: the chosen one, those of a role narrowed to some, None for every one."""
    narrowed = list(request.user.role.products) if request.user.role and request.user.role.products else None
    if not chosen:
        return narrowed
    return [chosen] if narrowed is None or chosen in narrowed else []


@needs(VIEW_BOOKS)
@require_GET
def books(request: Asked) -> HttpResponse:
    """Show the trial balance on a day, whether the last check agreed, and the book day by day."""
    entity = entity_of(request)
    last = book_check.last_day(entity) or entity.business_date
    names = chart.products(entity)
    asked = {"on": last.isoformat(), "product": ""} | {key: value for key in ("on", "product") if (value := request.GET.get(key, ""))}
    form = DayForm(asked, products=names)
    if form.is_valid() and form.cleaned_data["on"] > max(last, entity.business_date):
        form.add_error("on", _("The books are written up to %(day)s: choose that day or an earlier one.") % {"day": last.isoformat()})
    elif form.is_valid() and form.cleaned_data["on"].year < EARLIEST:
        form.add_error("on", _("The books begin later: choose a later day."))
    on, product = (form.cleaned_data["on"], form.cleaned_data["product"]) if form.is_valid() else (last, "")
    chosen = products_of(request, product)
    rows, total = trial_balance.read(entity, on, products=chosen)
    checked = checks_of(entity).first()
    context = {
        "entity": entity,
        "form": form,
        "on": on,
        "product": product,
        "rows": rows,
        "total": total,
        "checked": checked,
        "last": last,
        "chart": trial_balance.book_by_day(entity, on, products=chosen),
        "tab": "books",
    }
    return htmx.render(request, "credit/books/trial_balance.html", "credit/books/trial_balance.html", context)


def checks_of(entity: LegalEntity) -> Any:
    return BookDay.objects.filter(legal_entity=entity, checked_at__isnull=False).order_by("-business_date")


@needs(VIEW_BOOKS)
@require_GET
def book_account(request: Asked, code: str) -> HttpResponse:
    """Show what was written on an account, the latest first."""
    entity = entity_of(request)
    account = get_object_or_404(GLAccount.objects.visible_to(request.user), legal_entity=entity, code=code)
    lines = JournalLine.objects.visible_to(request.user).filter(account=account).select_related("journal")
    page = pages.read(request, lines, sorts={"date": "journal__business_date", "amount": "amount"}, default_sort="-date")
    for line in page.rows:
        line.said = chart.PURPOSES.get(line.purpose, line.purpose)
    last = book_check.last_day(entity) or entity.business_date
    rows, _total = trial_balance.read(entity, last, products=products_of(request))
    context = {
        "account": account,
        "row": next(row for row in rows if row.account.pk == account.pk),
        "on": last,
        "page": page,
        "takes": [
            (chart.PURPOSES.get(each.purpose, each.purpose), each.product_code, each.effective_from)
            for each in chart.standing(entity, entity.business_date)
            if each.account_id == account.pk
        ],
        "may_manage": request.user.has_perm(MANAGE_BOOKS),
    }
    return htmx.render(request, "credit/books/account.html", "credit/books/_account_rows.html", context)


@needs(VIEW_BOOKS)
@require_GET
def journal_lines(request: Asked) -> HttpResponse:
    """List the lines of all journals; they leave as a file from here."""
    context = {
        "page": list_pages.read(request, LINES, at=now()),
        "label": _("Views of the journals"),
        "icon_name": "books",
        "empty_text": _("No journals yet. They are written when a business date is closed."),
        "tab": "journal-line-list",
    }
    return htmx.render(request, "credit/books/lines.html", "lists/_rows.html", context)


@needs(VIEW_BOOKS)
@require_GET
def journal(request: Asked, public_id: str) -> HttpResponse:
    """Show one journal: its lines, and the movements of money it sums."""
    found = Journal.objects.select_related("legal_entity").get_for(request.user, public_id)
    lines = list(found.lines.select_related("account").order_by("account__code", "purpose"))
    for line in lines:
        line.said, line.credit = chart.PURPOSES.get(line.purpose, line.purpose), -line.amount
    manual = ManualJournal.objects.filter(journal=found).select_related("made_by", "confirmed_by", "reverses").first()
    reversed_by = ManualJournal.objects.filter(reverses=found).select_related("journal").first() if manual else None
    page = None
    if found.source in MOVEMENTS and request.user.has_perm(VIEW_LOAN):
        seen = Loan.objects.visible_to(request.user).filter(legal_entity=found.legal_entity, product__code=found.product_code)
        rows = Transaction.objects.filter(booked_on=found.business_date, loan__in=seen).select_related("loan")
        page = pages.read(request, rows, sorts={"amount": "amount"}, default_sort="id")
    context = {
        "journal": found,
        "lines": lines,
        "debit": sum((line.amount for line in lines if line.amount > 0), trial_balance.ZERO),
        "page": page,
        "moves": found.source in MOVEMENTS,
        "manual": manual,
        "may_reverse": manual is not None and not manual.reverses_id and not reversed_by and request.user.has_perm(MANAGE_BOOKS),
        "reversed_by": reversed_by,
    }
    return htmx.render(request, "credit/books/journal.html", "credit/books/_movement_rows.html", context)


@needs(VIEW_LOAN)
@require_GET
def movement(request: Asked, public_id: str) -> HttpResponse:
    """Show the postings of one movement and the accounts of the general ledger they went to."""
    seen = Loan.objects.visible_to(request.user)
    found = (
        Transaction.objects.filter(loan__in=seen, public_id=public_id.replace("\0", ""))
        .select_related("loan__product", "loan__legal_entity")
        .first()
    )
    if found is None:
        raise Http404
    entity = found.loan.legal_entity
    on = found.booked_on or found.value_on
    places = {(each.product_code, each.purpose): each.account for each in chart.standing(entity, on)}
    reads = request.user.has_perm(VIEW_BOOKS)
    code = found.loan.product.code
    rows = [
        {"row": row, "credit": -row.amount, "gl": (places.get((code, row.account)) or places.get(("", row.account))) if reads else None}
        for row in found.postings.select_related("installment").order_by("pk")
    ]
    sources = (Journal.Source.POSTINGS, Journal.Source.TAKEN_OVER)
    written = (
        Journal.objects.visible_to(request.user)
        .filter(business_date=on, product_code=found.loan.product.code, source__in=sources)
        .order_by("source")
    )
    context = {"movement": found, "rows": rows, "journal": written.first() if reads else None, "on": on, "reads": reads}
    return htmx.render(request, "credit/books/movement.html", "credit/books/movement.html", context)


@needs(VIEW_BOOKS)
@require_GET
def book_checks(request: Asked) -> HttpResponse:
    """Show the last check with each difference it found, and the checks before it."""
    rows = list(checks_of(entity_of(request))[:CHECKED])
    context = {
        "last": rows[0] if rows else None,
        "findings": book_check.titled(rows[0].findings) if rows else [],
        "rows": rows,
        "may_manage": request.user.has_perm(MANAGE_BOOKS),
        "tab": "book-check",
    }
    return htmx.render(request, "credit/books/check.html", "credit/books/check.html", context)


@needs(MANAGE_BOOKS)
@require_POST
def book_check_run(request: Asked) -> HttpResponse:
    """Check the last closed date again, on a worker."""
    entity = entity_of(request)
    transaction.on_commit(lambda: tasks.check_books.delay(entity_id=entity.pk))
    messages.success(request, _("The books are being checked. The result stands here in a moment."))
    return htmx.go(request, reverse("book-check"))


@needs(VIEW_BOOKS)
@require_GET
def accounts(request: Asked) -> HttpResponse:
    """Show the chart of accounts: the accounts, what each takes from when, and what waits for a second person."""
    entity = entity_of(request)
    standing = chart.standing(entity, entity.business_date)
    context = {
        "entity": entity,
        "accounts": GLAccount.objects.visible_to(request.user).filter(legal_entity=entity).order_by("code"),
        "standing": sorted(standing, key=lambda row: (row.account.code, row.product_code)),
        "coming": chart.to_come(entity, entity.business_date),
        "names": chart.products(entity),
        "waiting": chart.waiting(entity),
        "may_manage": request.user.has_perm(MANAGE_BOOKS),
        "tab": "chart-of-accounts",
    }
    return htmx.render(request, "credit/books/chart.html", "credit/books/chart.html", context)


@needs(MANAGE_BOOKS)
def account_new(request: Asked) -> HttpResponse:
    """Propose an account."""
    return _account(request, AccountForm(request.POST or None), None)


@needs(MANAGE_BOOKS)
def account_edit(request: Asked, code: str) -> HttpResponse:
    """Propose other names for an account."""
    account = get_object_or_404(GLAccount.objects.visible_to(request.user), legal_entity=entity_of(request), code=code)
    return _account(request, AccountForm.of(account, request.POST or None), account)


def _account(request: Asked, form: AccountForm, account: GLAccount | None) -> HttpResponse:
    entity = entity_of(request)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                made = chart.propose_account(
                    entity, data["code"], name_en=data["name_en"], name_zh=data["name_zh"], kind=data["kind"], reason=data["reason"],
                    actor=request.user, at=now(), new=account is None,
                )  # fmt: skip
                _say(request, made)
                sent.result(reverse("change", args=[made.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    title = _("Account %(code)s") % {"code": account.code} if account else _("New account")
    return form.page(
        request, "credit/books/form.html", _context(request, title, "chart-of-accounts", _("Chart of accounts"), chart.ACCOUNT)
    )


@needs(MANAGE_BOOKS)
def mapping_new(request: Asked) -> HttpResponse:
    """Propose another account for what is posted."""
    entity = entity_of(request)
    form = MappingForm(request.POST or None, entity=entity, initial={"since": entity.business_date})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                made = chart.propose_mapping(
                    entity, product_code=data["product"], purpose=data["purpose"], account=data["account"], since=data["since"],
                    reason=data["reason"], actor=request.user, at=now(),
                )  # fmt: skip
                _say(request, made)
                sent.result(reverse("change", args=[made.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    return form.page(
        request,
        "credit/books/form.html",
        _context(request, _("Another account"), "chart-of-accounts", _("Chart of accounts"), chart.MAPPING),
    )


@needs(VIEW_BOOKS)
@require_GET
def period_list(request: Asked) -> HttpResponse:
    """Show the months of the books, the latest first."""
    entity = entity_of(request)
    months = periods.months(entity)
    context = {
        "entity": entity,
        "months": months[::-1],
        "next": next((each["month"] for each in months if each["status"] == periods.Status.OPEN and each["over"]), None),
        "waiting": periods.waiting(entity),
        "may_manage": request.user.has_perm(MANAGE_BOOKS),
        "tab": "period-list",
    }
    return htmx.render(request, "credit/books/periods.html", "credit/books/periods.html", context)


@needs(MANAGE_BOOKS)
@require_POST
def period_close(request: Asked, month: str) -> HttpResponse:
    """Close a month."""
    row = periods.close(entity_of(request), month_of(month), actor=request.user, at=now())
    messages.success(request, _("The books of %(month)s are closed.") % {"month": row})
    return htmx.go(request, reverse("period-list"))


@needs(MANAGE_BOOKS)
def period_reopen(request: Asked, month: str) -> HttpResponse:
    """Ask a second person to open a closed month again."""
    entity, day = entity_of(request), month_of(month)
    form = ReopenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.refusals(), idempotency.Once(request.user, form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                made = periods.propose_reopening(entity, day, reason=form.cleaned_data["reason"], actor=request.user, at=now())
                _say(request, made)
                sent.result(reverse("change", args=[made.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    title = _("Open the books of %(month)s again") % {"month": f"{day:%Y-%m}"}
    return form.page(
        request, "credit/books/form.html", _context(request, title, "period-list", pgettext("books", "Months"), periods.REOPEN)
    )


def month_of(text: str) -> date:
    try:
        month = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise Http404 from None
    if not EARLIEST <= month.year < LATEST:
        raise Http404
    return month


def _context(request: Asked, title: str, back: str, back_label: str, kind: str) -> dict[str, Any]:
    return {"title": title, "back": reverse(back), "back_label": back_label, "checkers": bool(changes.checkers(kind, but=request.user))}


def _say(request: Asked, made: ChangeRequest) -> None:
    if made.status == ChangeRequest.Status.OPEN:
        messages.success(request, _("Proposed: a second person confirms or refuses it."))
    else:
        messages.warning(request, _("Nobody else could confirm it: the change is in force, and marked as made alone."))
