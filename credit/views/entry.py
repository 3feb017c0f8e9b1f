"""Entering an application: one form in sections, the person found by exact search, a quote beside it."""

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from credit import applications, cost, drafts, quotes, stated
from credit.books import local_day
from credit.forms import ApplicationForm, initial
from credit.models import Application, Product
from credit.permissions import ADD_APPLICATION, SUBMIT_APPLICATION, VIEW_PRODUCT
from credit.views import Asked
from crm.lib import htmx, money
from crm.lib.errors import DomainError, Stale
from crm.lib.permissions import needs
from crm.lib.templatetags.crm import grouped
from customers import consents, index, profiles
from customers.models import Consent, Customer, Purpose
from governance import idempotency, uses
from governance.lifecycle import MovedMeanwhile
from governance.models.identity import chinese

HITS = 5


@needs(ADD_APPLICATION)
def application_new(request: Asked) -> HttpResponse:
    """Enter an application: find the person, ask, keep it as a draft or hand it in."""
    user = request.user
    if request.method == "POST" and ("find" in request.POST or "choose" in request.POST or "another" in request.POST):
        return _choose(request)
    if request.method == "POST":
        draft = request.POST.get("do") != "submit"
        form = ApplicationForm(request.POST, user=user, draft=draft)
        if form.is_valid():
            location = _keep(request, form, submit=not draft)
            if location:
                return htmx.go(request, location)
        return _page(request, form, customer=form.found, status=_status(form))
    begin: dict[str, Any] = {}
    customer = _customer(request, request.GET.get("customer", ""))
    if customer:
        begin = _of_customer(customer)
    return _page(request, ApplicationForm(initial=begin, user=user), customer=customer)


@needs(ADD_APPLICATION)
def application_edit(request: Asked, public_id: str) -> HttpResponse:
    """Change a draft; the person stays."""
    user = request.user
    application = Application.objects.for_page().get_for(user, public_id)
    here = reverse("application", args=[public_id])
    if application.status != Application.Status.DRAFT:
        raise applications.NotDecidable(_("%(application)s is no draft any more and cannot be changed.") % {"application": application})
    customer = application.customer
    if request.method != "POST":
        form = ApplicationForm(initial=initial(application) | _of_customer(customer), user=user)
        return _page(request, form, customer=customer, application=application)
    draft = request.POST.get("do") != "submit"
    data = request.POST.copy()
    data["customer"] = customer.public_id
    form = ApplicationForm(data, user=user, draft=draft)
    if form.is_valid():
        location = _keep(request, form, submit=not draft, application=application)
        if location:
            return htmx.go(request, location)
    return _page(request, form, customer=customer, application=application, status=_status(form), back=here)


def _keep(request: Asked, form: ApplicationForm, *, submit: bool, application: Application | None = None) -> str:
    """Write person, consent and application in one transaction; return where to go, empty when an answer needs a change."""
    data, user, at = form.cleaned_data, request.user, now()
    customer = form.found
    assert customer is not None
    if submit and not _may_query(customer, data, at):
        form.add_error("consent", _("Without this authorisation the credit bureau cannot be asked: let the customer sign it first."))
        return ""
    wanted = {"product": data["product"], "amount": data["amount"], "term": data["term"], "purpose": data["purpose"]}
    try:
        with form.refusals(), idempotency.Once(user, data["form_key"], at=at) as sent:
            if not sent.again:
                _tell_customer(customer, data, user=user, at=at)
                if application is None:
                    application = applications.create(
                        customer=customer, **wanted, stated=form.stated(), actor=user, at=at, branch=user.team or customer.branch
                    )
                else:
                    version = data["version"] or application.version
                    application = drafts.revise(application, **wanted, facts=form.stated(), actor=user, at=at, version=version)
                if submit and user.has_perm(SUBMIT_APPLICATION):
                    applications.submit(application, actor=user, at=at)
                else:
                    messages.success(request, _("%(application)s is kept as a draft.") % {"application": application})
                sent.result(reverse("application", args=[application.public_id]))
    except applications.AlreadyOpen as error:
        form.add_error(None, str(error.message))
        form.refused = error.status  # type: ignore[attr-defined]
    except Stale:
        fresh = Customer.objects.get(pk=customer.pk)
        sentence = _("The customer's file was changed meanwhile: income %(income)s, debts %(debts)s a month. Check both and send again.")
        form.add_error("income", sentence % {"income": grouped(fresh.income or Decimal(0)), "debts": grouped(fresh.monthly_debt)})
        form.data = {**form.data.dict(), "customer_version": str(fresh.version)}  # type: ignore[attr-defined]
        form.refused = 409  # type: ignore[attr-defined]
    except MovedMeanwhile as error:
        form.add_error(None, str(error.message))
        form.refused = error.status  # type: ignore[attr-defined]
    return "" if form.errors else sent.location


def _may_query(customer: Customer, data: dict[str, Any], at: Any) -> bool:
    return bool(data["consent"]) or consents.holds(customer, Purpose.BUREAU, on=localdate(at))


def _tell_customer(customer: Customer, data: dict[str, Any], *, user: Any, at: Any) -> None:
    """Keep income, debts and consent in the customer's file, where they are known once for all."""
    told = {name: data[name] for name in ("income", "monthly_debt") if data[name] is not None and data[name] != getattr(customer, name)}
    if told and user.has_perm("customers.change_customer"):
        profiles.update(customer, actor=user, at=at, version=data["customer_version"] or customer.version, **told)
    if data["consent"] and user.has_perm("customers.record_consent"):
        consents.give(customer, purpose=Purpose.BUREAU, actor=user, at=at)


def _status(form: ApplicationForm) -> int:
    return int(getattr(form, "refused", 422))


def _choose(request: Asked) -> HttpResponse:
    """Find a person by what was typed, or take the one pointed at; what stands in the other sections stays."""
    typed = request.POST.dict()
    text = typed.pop("q", "").strip()
    customer, hits, looked = None, [], False
    if "choose" in request.POST:
        customer = _customer(request, request.POST["choose"])
    elif "find" in request.POST:
        looked = True
        hits = index.exactly(text, user=request.user, at=now(), most=HITS)
        customer = hits[0] if len(hits) == 1 else None
    typed |= dict.fromkeys(("customer", "customer_version", "income", "monthly_debt", "consent"), "")
    if customer:
        typed |= _of_customer(customer)
    form = ApplicationForm(initial=typed, user=request.user)
    more: dict[str, Any] = {"hits": hits if customer is None else [], "looked": looked and customer is None, "q": text}
    return _page(request, form, customer=customer, **more)


def _customer(request: Asked, public_id: str) -> Customer | None:
    """Return the person named, if this user may see them."""
    public_id = public_id.strip().upper()
    return Customer.objects.named(request.user, public_id) if public_id else None


def _of_customer(customer: Customer) -> dict[str, Any]:
    return {
        "customer": customer.public_id,
        "customer_version": customer.version,
        "income": customer.income,
        "monthly_debt": customer.monthly_debt,
    }


def _page(request: Asked, form: ApplicationForm, *, customer: Customer | None, status: int = 200, **more: Any) -> HttpResponse:
    on = now().date()
    if customer:
        customer = uses.reading(customer, "underwriting", actor=request.user, at=now())
    uses.bind(more.get("hits", ()), "underwriting", actor=request.user, at=now())
    text = consents.text_for(Purpose.BUREAU, on=on)
    context = {
        "form": form,
        "customer": customer,
        "age_band": customer.age_band(on) if customer else "",
        "consent": live_consent(customer, on) if customer else None,
        "consent_text": text.text_zh if chinese() else text.text_en,
        "consent_version": text.version,
        "may_submit": request.user.has_perm(SUBMIT_APPLICATION),
    } | more
    return htmx.render(request, "credit/application_form.html", "credit/_customer_choice.html", context, status=status)


def live_consent(customer: Customer, on: Any) -> Consent | None:
    """Return the bureau consent that holds on a day."""
    if not consents.holds(customer, Purpose.BUREAU, on=on):
        return None
    return Consent.objects.filter(customer=customer, purpose=Purpose.BUREAU, withdrawn_at__isnull=True).first()


@needs(VIEW_PRODUCT)
@require_GET
def application_quote(request: Asked) -> HttpResponse:
    """Say what the loan would cost at the rate of each grade; nothing in the address names a person."""
    context: dict[str, Any] = {}
    products = Product.objects.visible_to(request.user).live().select_related("legal_entity")
    product = products.filter(public_id=request.GET.get("product", "")).first()
    try:
        amount = money.parse(request.GET.get("amount", ""))
        text = request.GET.get("term", "").strip()
        term = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
    except ValueError:
        amount, term = Decimal(0), 0
    context["product"] = product
    if product and amount > 0 and term > 0:
        problems = bounds(product, amount, term)
        if problems:
            context["problems"] = problems
        else:
            on = local_day(product.legal_entity, now())
            found = quotes.by_grade(product, amount=amount, term=term, on=on)
            context |= {"quotes": found, "amount": amount, "term": term, "span": span(found), "rhythm": rhythm(found)}
    return htmx.part(request, "credit/_quote.html", context)


def bounds(product: Product, amount: Decimal, term: int) -> list[Any]:
    """Return what of amount and term is outside the product."""
    purpose = next(iter(sorted(stated.purposes())))
    try:
        on = local_day(product.legal_entity, now())
        applications.checked_request(product, amount=amount, term=term, purpose=purpose, on=on)
    except DomainError as error:
        return list(error.fields.values())
    return []


def rhythm(found: list[quotes.Quote]) -> str:
    """Return how often is paid, in the reader's language."""
    drawn = next((quote.draft for quote in found if quote.draft is not None), None)
    return str(cost.speak(drawn.table.get("rhythm", ""), get_language() or "en")) if drawn else ""


def span(found: list[quotes.Quote]) -> dict[str, Decimal] | None:
    """Return the least and the most of instalment and total cost over the grades that can be served."""
    served = [quote for quote in found if quote.draft is not None]
    if not served:
        return None
    return {
        "low": min(quote.installment for quote in served if quote.installment is not None),
        "high": max(quote.installment for quote in served if quote.installment is not None),
        "cost_low": min(quote.total_cost for quote in served if quote.total_cost is not None),
        "cost_high": max(quote.total_cost for quote in served if quote.total_cost is not None),
    }
