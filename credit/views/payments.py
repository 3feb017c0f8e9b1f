"""Money that arrived at the bank: the suspense queue, one receipt with its candidates, the bank's files."""

import csv
import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.db.models import F, Q, Sum
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from credit import bank_files, four_eyes, receipt_spreads, suspense
from credit.books import value_day
from credit.models import BankFile, Loan, Receipt
from credit.money_forms import AllocateForm, BankFileForm, DecideForm
from credit.permissions import ALLOCATE_SUSPENSE, APPROVE_MONEY, IMPORT_PAYMENT, VIEW_SUSPENSE
from credit.views import Asked
from credit.views.imports import _csv
from crm.lib import htmx, pages
from crm.lib.errors import Invalid
from crm.lib.permissions import needs
from crm.lib.templatetags.crm import tile_money
from governance import idempotency, uses
from governance.models import LegalEntity

SORTS = {"received": "received_on", "amount": "amount"}
TABS = ("waiting", "second", "matched", "returned")
AGES = ((0, 1), (2, 7), (8, 30), (31, None))
FILES = 30
ZERO = Decimal("0.00")
Status = Receipt.Status


@needs(VIEW_SUSPENSE)
@require_GET
def payment_list(request: Asked) -> HttpResponse:
    """List money that waits for its loan, the oldest first; the other tabs show what became of the rest."""
    tab = request.GET.get("status", TABS[0])
    tab = tab if tab in TABS else TABS[0]
    rows = Receipt.objects.visible_to(request.user)
    narrow = {
        "waiting": rows.filter(status=Status.UNMATCHED),
        "second": rows.filter(status=Status.PROPOSED),
        "matched": rows.filter(status=Status.MATCHED),
        "returned": rows.filter(status=Status.RETURNED),
    }
    first = "received" if tab in TABS[:2] else "-received"
    page = pages.read(request, narrow[tab].for_list(), sorts=SORTS, default_sort=first)
    today = localdate()
    for row in page.rows:
        row.days = row.age(today)
    labels = {
        "waiting": Status.UNMATCHED.label,
        "second": _("For a second person"),
        "matched": Status.MATCHED.label,
        "returned": Status.RETURNED.label,
    }
    uses.bind(page.rows, "servicing", actor=request.user, at=now())
    context = {
        "page": page,
        "tab": tab,
        "tabs": [
            {"url": f"?status={key}", "label": labels[key], "count": count, "current": key == tab}
            for key, count in zip(TABS, pages.count_labels([narrow[key] for key in TABS]), strict=True)
        ],
        "tiles": ages(rows.open(), today),
        "may_import": request.user.has_perm(IMPORT_PAYMENT),
        "empty": _("No money waits for its loan.") if tab in TABS[:2] else _("Nothing here yet."),
    }
    return htmx.render(request, "credit/money/payments.html", "credit/money/_payments.html", context)


def ages(waiting: Any, today: date) -> list[dict[str, Any]]:
    """Return count and sum of money that waits, by age."""
    kinds: dict[str, Any] = {}
    for n, (youngest, oldest) in enumerate(AGES):
        period = Q(received_on__lte=today - timedelta(days=youngest)) if youngest else Q()
        if oldest is not None:
            period &= Q(received_on__gte=today - timedelta(days=oldest))
        kinds[f"s{n}"] = Sum(F("amount") - F("placed"), filter=period)
    sums = waiting.aggregate(**kinds)
    labels = (_("Up to 1 day"), _("2 to 7 days"), _("8 to 30 days"), _("Over 30 days"))
    tones = ("", "", "caution", "warn")
    found = [sums[f"s{n}"] or ZERO for n in range(len(AGES))]
    return [
        {"label": label, "figure": tile_money(amount), "tone": tone if amount else "", "url": ""}
        for label, amount, tone in zip(labels, found, tones, strict=True)
    ]


def one(request: Asked, public_id: str) -> Receipt:
    return Receipt.objects.for_list().select_related("legal_entity", "transaction", "decided_by").get_for(request.user, public_id)


@needs(VIEW_SUSPENSE)
@require_GET
def receipt_page(request: Asked, public_id: str) -> HttpResponse:
    """Show one receipt and the loans it may be for."""
    return page(request, one(request, public_id))


def page(request: Asked, receipt: Receipt, form: AllocateForm | None = None) -> HttpResponse:
    waiting = receipt.status == Status.UNMATCHED
    on = value_day(receipt.legal_entity, now())
    may_allocate = request.user.has_perm(ALLOCATE_SUSPENSE)
    proposed_by_me = receipt.proposed_by_id == request.user.pk
    fitting = suspense.candidates(receipt, user=request.user, on=on) if waiting and may_allocate else []
    uses.bind([each.loan.customer for each in fitting], "servicing", actor=request.user, at=now())
    receipt = uses.reading(receipt, "servicing", actor=request.user, at=now())
    context = {
        "receipt": receipt,
        "days": receipt.age(on),
        "text": shown(receipt),
        "form": form or AllocateForm(initial={"version": receipt.version}),
        "candidates": fitting,
        "waiting": waiting,
        "may_allocate": waiting and may_allocate,
        "may_decide": receipt.status == Status.PROPOSED and request.user.has_perm(APPROVE_MONEY),
        "proposed_by_me": proposed_by_me,
        "two": four_eyes.needed(receipt.amount, on=on),
        "spreads": receipt_spreads.payments(receipt),
    }
    status = 422 if form is not None and form.errors else 200
    return htmx.render(request, "credit/money/receipt.html", "credit/money/receipt.html", context, status=status)


def shown(receipt: Receipt) -> str:
    """Return the remittance text with long numbers and the payer's own name masked."""
    text = receipt.remittance or ""
    if receipt.payer_name:
        text = text.replace(receipt.payer_name, receipt.masked_payer)
    return re.sub(r"\d{7,}", lambda found: "•" * 4 + found[0][-4:], text)


@needs(ALLOCATE_SUSPENSE)
@require_POST
def receipt_allocate(request: Asked, public_id: str) -> HttpResponse:
    """Allocate a receipt to a loan, named by a candidate's button or typed in."""
    receipt = one(request, public_id)
    form = AllocateForm(request.POST)
    here = reverse("receipt", args=[public_id])
    if form.is_valid():
        data = form.cleaned_data
        typed = data["loan"].strip().upper()
        code = typed if typed.startswith("L-") else f"L-{typed.removeprefix('L')}"
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                loan = Loan.objects.filter(legal_entity=receipt.legal_entity_id).named(request.user, code)
                if loan is None:
                    sentence = _("There is no such loan.")
                    raise Invalid(sentence, fields={"loan": sentence})
                done = suspense.allocate(receipt, loan, actor=request.user, at=now(), version=data["version"])
                booked = done.status == Status.MATCHED
                text = _("Booked to %(loan)s.") if booked else _("Proposed for %(loan)s: a second person has to approve it.")
                messages.success(request, text % {"loan": loan})
                sent.result(here)
        if not form.errors:
            return htmx.go(request, sent.location)
    return page(request, receipt, form)


@needs(ALLOCATE_SUSPENSE)
@require_POST
def receipt_return(request: Asked, public_id: str) -> HttpResponse:
    """Give a receipt back to who sent it."""
    receipt, here = one(request, public_id), reverse("receipt", args=[public_id])
    version = request.POST.get("version", "")
    done = suspense.give_back(receipt, actor=request.user, at=now(), version=int(version) if version.isdecimal() else None)
    returned = done.status == Status.RETURNED
    messages.success(request, _("Recorded as returned.") if returned else _("Proposed for return: a second person has to approve it."))
    return htmx.go(request, here)


@needs(APPROVE_MONEY)
@require_POST
def receipt_decide(request: Asked, public_id: str) -> HttpResponse:
    """Approve or reject what the first person proposed."""
    receipt, form = one(request, public_id), DecideForm(request.POST)
    if not form.is_valid():
        raise Invalid(_("This form could not be read. Load the page again and send it once more."))
    door = suspense.approve if form.cleaned_data["decision"] == "approve" else suspense.reject
    done = door(receipt, actor=request.user, at=now(), version=form.cleaned_data["version"])
    messages.success(request, _("%(record)s is now “%(status)s”.") % {"record": done, "status": done.get_status_display()})
    return htmx.go(request, reverse("receipt", args=[public_id]))


# --- files ---------------------------------------------------------------------------------------------------------
def files(request: Asked) -> Any:
    """Return the files of this person's lender."""
    rows = BankFile.objects.select_related("job", "entered_by").defer("content")
    return rows.filter(legal_entity=request.user.team.legal_entity_id) if request.user.team else rows


@needs(IMPORT_PAYMENT)
def bank_file_list(request: Asked) -> HttpResponse:
    """Take a bank's file in; the job goes on without the page."""
    posted = request.method == "POST"
    form = BankFileForm(request.POST if posted else None, request.FILES if posted else None)
    entity = request.user.team.legal_entity if request.user.team else None
    if posted and form.is_valid() and entity is None:
        form.add_error(None, _("You belong to no lender: an administrator has to say whose money this is."))
    elif posted and form.is_valid() and isinstance(entity, LegalEntity):
        file = form.cleaned_data["file"]
        with form.refusals(), idempotency.Once(request.user, form.cleaned_data["form_key"], at=now()) as sent:
            if not sent.again:
                content = file.read(bank_files.LARGEST + 1)
                batch = bank_files.bring_in(content, file_name=file.name, legal_entity=entity, actor=request.user, at=now())
                sent.result(reverse("bank-file", args=[batch.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    context = {"files": files(request).order_by("-pk")[:FILES], "columns": columns()}
    return form.page(request, "credit/money/bank_files.html", context)


def columns() -> list[dict[str, Any]]:
    """Return what is looked for in a file, and the headings that are understood."""
    return [
        {"label": heading(name), "needed": name in bank_files.REQUIRED, "words": bank_files.HEADINGS[name]} for name in bank_files.HEADINGS
    ]


def heading(name: str) -> str:
    words = {
        "reference": _("The bank's number of the receipt"),
        "received_on": _("Day"),
        "amount": _("Amount"),
        "payer_name": _("Payer"),
        "payer_account": _("The payer's account"),
        "account": _("Account it came in on"),
        "direction": _("In or out"),
        "remittance": _("Remittance text"),
    }
    return words.get(name, name)


def file_of(request: Asked, public_id: str) -> BankFile:
    found: BankFile | None = None if "\0" in public_id else files(request).filter(public_id=public_id).first()
    if found is None:
        raise Http404
    return found


@needs(IMPORT_PAYMENT)
@require_GET
def bank_file(request: Asked, public_id: str) -> HttpResponse:
    """Show how far a file is; the page asks again until the job is over."""
    batch = file_of(request, public_id)
    context = {
        "batch": batch,
        "job": batch.job,
        "poll_url": request.path,
        "problems": [row | {"heading": heading(row.get("field", ""))} for row in batch.job.problems],
        "read_as": [{"label": heading(name), "column": column} for name, column in batch.headings.items()],
    }
    status = 286 if batch.job.is_over and htmx.wants_part(request) else 200
    return htmx.render(request, "credit/money/bank_file.html", "credit/money/_bank_file.html", context, status=status)


@needs(IMPORT_PAYMENT)
@require_GET
def bank_file_problems(request: Asked, public_id: str) -> HttpResponse:
    """Give the bad lines as a table to work through."""
    batch = file_of(request, public_id)
    response = _csv(f"{public_id}-problems.csv")
    writer = csv.writer(response)
    writer.writerow([_("line"), _("column"), _("what to change")])
    for row in batch.job.problems:
        writer.writerow([row.get("line") or "", heading(row.get("field", "")), row.get("message", "")])
    return response
