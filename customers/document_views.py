"""Papers of a customer: the panel, putting one in, looking at it, opening its content."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from crm.lib import htmx
from crm.lib.forms import Form, VersionedForm
from crm.lib.permissions import needs
from customers import documents
from customers.models import Customer, Document
from customers.permissions import ADD_DOCUMENT, CHECK_DOCUMENT, VIEW_DOCUMENT
from governance import files, idempotency

SHOWN = 50
ACCEPT = ",".join([*files.EXTENSIONS, *(f".{end}" for end in files.EXTENSIONS.values())])


class DocumentForm(Form):
    """A paper and what it is."""

    kind = forms.ChoiceField(label=gettext_lazy("What it is"), choices=[("", gettext_lazy("Choose")), *Document.Kind.choices])
    file = forms.FileField(
        label=gettext_lazy("File"),
        widget=forms.ClearableFileInput(attrs={"accept": ACCEPT}),
        max_length=200,
        allow_empty_file=True,
        help_text=gettext_lazy("PDF, JPEG, PNG or HEIC, at most 10 MB"),
    )


class CheckForm(VersionedForm):
    """Whether a paper is good."""

    verdict = forms.ChoiceField(
        label=gettext_lazy("This paper"),
        choices=[("good", gettext_lazy("is what it should be")), ("bad", gettext_lazy("is not good"))],
        widget=forms.RadioSelect,
    )
    words = forms.CharField(
        label=gettext_lazy("What is wrong with it"), required=False, max_length=500, help_text=gettext_lazy("needed when it is not good")
    )


def taken(uploaded: Any) -> tuple[bytes, str]:
    """Return content and name of an uploaded file, one byte more than may be kept at most."""
    return uploaded.read(files.LARGEST + 1), str(uploaded.name or "")


@needs(VIEW_DOCUMENT)
@require_GET
def document_panel(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a customer's papers, newest first."""
    customer = Customer.objects.get_for(request.user, public_id)
    rows = list(Document.objects.filter(customer=customer).for_list().order_by("-pk")[: SHOWN + 1])
    context = {
        "customer": customer,
        "documents": rows[:SHOWN],
        "more": len(rows) > SHOWN,
        "twins": documents.elsewhere(rows[:SHOWN]),
        "may_add": customer.erased_at is None and request.user.has_perm(ADD_DOCUMENT),  # type: ignore[union-attr]
        "may_check": request.user.has_perm(CHECK_DOCUMENT),  # type: ignore[union-attr]
    }
    return htmx.part(request, "customers/_documents.html", context)


@needs(ADD_DOCUMENT)
def document_add(request: HttpRequest, public_id: str) -> HttpResponse:
    """Put a paper among those of a customer."""
    customer = Customer.objects.get_for(request.user, public_id)
    back = reverse("customer", args=[public_id])
    posted = request.method == "POST"
    form = DocumentForm(request.POST if posted else None, request.FILES if posted else None)
    if posted and form.is_valid():
        take(request, form, customer=customer, kind=form.cleaned_data["kind"], then=back)
        if not form.errors:
            return htmx.go(request, back)
    context = {"title": _("Add a paper"), "action": request.path, "back": back, "label": _("Add paper")}
    return form.page(request, "customers/document_add.html", context, part="customers/_document_add.html")


def take(request: Any, form: Form, *, customer: Customer, kind: str, then: str) -> Document | None:
    """Keep the file of a form and put it among the papers of `customer`; what cannot be stands at the form's fields."""
    content, name = taken(form.cleaned_data["file"])
    document = None
    with form.refusals():
        stored = documents.keep(content)
        try:
            with idempotency.Once(request.user, form.cleaned_data["form_key"], at=now()) as sent:
                if not sent.again:
                    document = documents.add(customer, kind=kind, stored=stored, file_name=name, actor=request.user, at=now())
                    sent.result(then)
                    messages.success(request, _("%(document)s is kept.") % {"document": document.get_kind_display()})
        finally:
            if document is None:
                files.discard(stored)
    return document


@needs(VIEW_DOCUMENT)
@require_GET
def document_file(request: HttpRequest, public_id: str) -> HttpResponse:
    """Hand the content out as an attachment; who opened it stands in the ledger."""
    document = Document.objects.get_for(request.user, public_id)
    content = documents.opened(document, actor=request.user, at=now())  # type: ignore[arg-type]
    return HttpResponse(
        content,
        content_type=document.media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{document.short_name}"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "Cache-Control": "no-store",
        },
    )


@needs(CHECK_DOCUMENT)
def document_check(request: HttpRequest, public_id: str) -> HttpResponse:
    """Say whether a paper is good."""
    document = Document.objects.select_related("customer").get_for(request.user, public_id)
    back = local(request.GET.get("back", "")) or reverse("customer", args=[document.customer.public_id])
    form = CheckForm(request.POST if request.method == "POST" else None, initial={"version": document.version})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals():
            if data["verdict"] == "good":
                documents.accept(document, actor=request.user, at=now(), version=data["version"])  # type: ignore[arg-type]
            else:
                documents.reject(document, words=data["words"], actor=request.user, at=now(), version=data["version"])  # type: ignore[arg-type]
        if not form.errors:
            return htmx.go(request, back)
    context = {
        "document": document,
        "back": back,
        "action": request.get_full_path(),
        "title": document.get_kind_display(),
        "label": _("Save"),
    }
    return form.page(request, "customers/document_check.html", context, part="customers/_document_check.html")


def local(path: str) -> str:
    """Return `path` when it is an address of an application, empty otherwise."""
    return path if path.startswith("/applications/") and "//" not in path and "\\" not in path else ""
