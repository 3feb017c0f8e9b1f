"""Pages of the product factory: write a version, try it, review it, propose its release."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from credit import caps, costing, product_examples, product_factory
from credit.books import local_day
from credit.factory_forms import NewProductForm, ReleaseForm, ReviewForm, VersionForm
from credit.models import Product
from credit.permissions import CHECK_PRODUCT, MANAGE_PRODUCT, VIEW_PRODUCT
from credit.product_written import stamp
from credit.views import Asked
from credit.views.caps import told
from crm.lib import htmx
from crm.lib.errors import DomainError, Stale
from crm.lib.permissions import needs
from governance import changes, idempotency


def one(request: Asked, public_id: str) -> Product:
    return Product.objects.select_related("legal_entity", "reviewed_by", "drafted_by").get_for(request.user, public_id)


@needs(MANAGE_PRODUCT)
def product_new(request: Asked) -> HttpResponse:
    """Write the first version of a product with a code of its own."""
    form = NewProductForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                made = product_factory.create(
                    data["entity"], code=data["code"], name_en=data["name_en"], name_zh=data["name_zh"], actor=request.user, at=now()
                )
                sent.result(reverse("product-edit", args=[made.public_id]))
        if not form.errors:
            messages.success(request, _("The product is a draft: write its terms, try it, have it reviewed."))
            return htmx.go(request, sent.location)
    return form.page(request, "credit/product_new.html", {})


@needs(MANAGE_PRODUCT)
@require_POST
def product_new_version(request: Asked, public_id: str) -> HttpResponse:
    """Write the next version as a copy of this one."""
    made = product_factory.new_version(one(request, public_id), actor=request.user, at=now())
    messages.success(request, _("Version %(n)s is a draft: change it, try it, have it reviewed.") % {"n": made.version})
    return htmx.go(request, reverse("product-edit", args=[made.public_id]))


@needs(MANAGE_PRODUCT)
def product_edit(request: Asked, public_id: str) -> HttpResponse:
    """Write a draft by sections."""
    product = one(request, public_id)
    form = VersionForm.of(product, request.POST or None)
    status = 0
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            with idempotency.Once(request.user, data["form_key"], at=now()) as sent:
                if not sent.again:
                    product_factory.write(product, form.content(), actor=request.user, at=now(), mark=data["mark"])
                    sent.result(reverse("product-test", args=[product.public_id]))
            messages.success(request, _("Saved. This is what it comes to."))
            return htmx.go(request, sent.location)
        except Stale as error:  # what was typed stays; sending it again, with the new mark, keeps it
            typed = request.POST.copy()
            typed["mark"] = stamp(one(request, public_id))
            form, status = VersionForm.of(product, typed), 409
            form.add_error(None, error.message)
        except DomainError as error:
            if error.status != 422:
                raise
            at_fields = {name: text for name, text in form.refused_at(error.fields).items() if name in form.fields}
            for name, text in at_fields.items():
                form.add_error(name, text)
            if not at_fields:
                form.add_error(None, error.message)
    answer = form.page(request, "credit/product_edit.html", {"product": product})
    answer.status_code = status or answer.status_code
    return answer


@needs(VIEW_PRODUCT)
@require_GET
def product_test(request: Asked, public_id: str) -> HttpResponse:
    """Try a version on its examples, beside the version on sale."""
    product = one(request, public_id)
    on = local_day(product.legal_entity, now())
    held = caps.holding(on)
    results = tried(product, held, on=on)
    current = Product.objects.visible_to(request.user).live().select_related("legal_entity").filter(code=product.code).first()
    beside = {}
    if current is not None and current.pk != product.pk:
        beside = {(one.amount, one.term, one.grade): one for one in tried(current, held, on=on, of=product_examples.examples_of(product))}
    rows = [{"tried": each, "beside": beside.get((each.amount, each.term, each.grade))} for each in results]
    waiting = product_factory.waiting(product)
    context: dict[str, Any] = {
        "product": product,
        "current": current if beside else None,
        "rows": rows,
        "shown": results[0] if results else None,
        "hindrances": product_factory.hindrances(product, on=on) if product.stage == "draft" else [],
        "differences": [
            (product_factory.label_of(name), product_factory.word_of(name, was), product_factory.word_of(name, shall))
            for name, was, shall in (product_factory.difference(current, product) if beside else [])
        ],
        "points": list(product_factory.REVIEW.values()),
        "waiting": waiting,
        "may_write": request.user.has_perm(MANAGE_PRODUCT) and product.stage == "draft" and waiting is None,
        "may_review": request.user.has_perm(CHECK_PRODUCT) and product.stage == "draft" and not request.user.is_also(product.drafted_by_id),
        "may_release": request.user.has_perm(MANAGE_PRODUCT) and product.stage == "draft" and waiting is None,
    }
    return htmx.render(request, "credit/product_test.html", "credit/product_test.html", context)


def tried(product: Product, held: Any, **more: Any) -> list[product_examples.Tried]:
    """Return the examples of a version; none where one of them has no schedule, which stands among what hinders its release."""
    try:
        return product_examples.run(product, held, **more)
    except costing.ImpossibleSchedule:
        return []


@needs(CHECK_PRODUCT)
def product_review(request: Asked, public_id: str) -> HttpResponse:
    """Record the review for consumers."""
    product = one(request, public_id)
    form = ReviewForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                answers = {code: data[code] for code in product_factory.REVIEW}
                product_factory.review(product, answers=answers, note=data["note"], actor=request.user, at=now())
                sent.result(reverse("product-test", args=[product.public_id]))
        if not form.errors:
            messages.success(request, _("The review is recorded."))
            return htmx.go(request, sent.location)
    return form.page(request, "credit/product_review.html", {"product": product, "points": product_factory.REVIEW})


@needs(MANAGE_PRODUCT)
def product_release(request: Asked, public_id: str) -> HttpResponse:
    """Propose to release a version, to let it set, or to retire it."""
    product = one(request, public_id)
    form = ReleaseForm(request.POST or None, initial={"sunset_on": product.sunset_on})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        live = request.POST.get("do") != "retire"
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                made = product_factory.propose(
                    product, live=live, sunset_on=data["sunset_on"], reason=data["reason"], actor=request.user, at=now()
                )
                told(request, made)
                sent.result(reverse("change", args=[made.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    on = local_day(product.legal_entity, now())
    context = {
        "product": product,
        "hindrances": product_factory.hindrances(product, on=on) if product.stage == "draft" else [],
        "checkers": bool(changes.checkers(product_factory.KIND, but=request.user)),
    }
    return form.page(request, "credit/product_release.html", context)
