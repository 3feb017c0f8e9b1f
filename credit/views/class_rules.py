"""Pages of the rule of classification and of the ranges of days late: what holds, what another rule would change, the proposal."""

from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from credit import chart, class_rules, ranges
from credit.models import DelinquencyRanges
from credit.permissions import DECIDE_CLASS, MANAGE_PRODUCT, VIEW_CLASS, VIEW_PRODUCT
from credit.rule_forms import ClassRuleForm, RangesForm
from credit.views import Asked
from credit.views.closing import entity_of
from credit.views.manual_journals import told
from crm.lib import htmx
from crm.lib.permissions import needs
from governance import changes, idempotency


@needs(VIEW_CLASS)
@require_GET
def class_rule(request: Asked) -> HttpResponse:
    """Show the rule that holds, its rows over time, and the proposal that waits."""
    entity = entity_of(request)
    values, law = class_rules.standing(entity.business_date), class_rules.least()
    rows = class_rules.history()
    labels = {code: label for code, label, _more in class_rules.PARTS.values()}
    for row in rows:
        row.label = labels[row.code]  # type: ignore[attr-defined]
    context = {
        "parts": [
            {"label": label, "value": values[name], "law": law.get(name), "more": more}
            for name, (_code, label, more) in class_rules.PARTS.items()
        ],
        "rows": rows,
        "waiting": class_rules.waiting(),
        "may_propose": request.user.has_perm(DECIDE_CLASS),
        "tab": "class-rule",
    }
    return htmx.render(request, "credit/classes/rule.html", "credit/classes/rule.html", context)


@needs(DECIDE_CLASS)
def class_rule_new(request: Asked) -> HttpResponse:
    """Propose another rule; before it is sent the page says how many loans would be of another class."""
    entity, opened, posted = entity_of(request), class_rules.opened(), request.method == "POST"
    if not posted and htmx.wants_part(request):
        return htmx.part(request, "credit/classes/_rule_preview.html", seen(entity, ClassRuleForm(request.GET, opened=opened)))
    form = ClassRuleForm(request.POST if posted else None, opened=opened)
    if posted and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                made = class_rules.propose(form.values(), since=data["since"], reason=data["reason"], actor=request.user, at=now())
                told(request, made)
                sent.result(reverse("change", args=[made.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    context = {"checkers": bool(changes.checkers(class_rules.KIND, but=request.user)), "back": reverse("class-rule")}
    return form.page(request, "credit/classes/rule_form.html", context | seen(entity, form))


def seen(entity: Any, form: ClassRuleForm) -> dict[str, Any]:
    """Return what the numbers in the form would change, or what is still missing."""
    if not form.is_bound:
        return {"seen": None}
    form.is_valid()
    if any(name in form.errors for name in class_rules.PARTS):
        return {"seen": None}
    values = form.values()
    wrong = class_rules.problems(values)
    return {"problems": list(wrong.values())} if wrong else {"seen": class_rules.preview(entity, values)}


@needs(VIEW_PRODUCT)
@require_GET
def delinquency_range_list(request: Asked) -> HttpResponse:
    """Show the ranges of each product, those to come, and what waits."""
    entity = entity_of(request)
    waiting = ranges.waiting(entity)
    kept: dict[str, list[DelinquencyRanges]] = {}
    for row in DelinquencyRanges.objects.filter(legal_entity=entity).select_related("added_by").order_by("-effective_from"):
        row.told = ranges.told(row.ranges)  # type: ignore[attr-defined]
        kept.setdefault(row.product_code, []).append(row)
    products = []
    for code, name in chart.products(entity).items():
        rows = kept.get(code, [])
        now_holds = next((row for row in rows if row.effective_from <= entity.business_date), None)
        made_with = [] if now_holds else ranges.made_with(entity, code)
        products.append(
            {
                "code": code,
                "name": name,
                "told": now_holds.told if now_holds else ranges.told(made_with),  # type: ignore[attr-defined]
                "own": bool(now_holds or made_with),
                "since": now_holds.effective_from if now_holds else None,
                "coming": [row for row in rows if row.effective_from > entity.business_date],
                "waiting": waiting.get(code),
            }
        )
    context = {"products": products, "may_propose": request.user.has_perm(MANAGE_PRODUCT)}
    return htmx.render(request, "credit/classes/ranges.html", "credit/classes/ranges.html", context)


@needs(MANAGE_PRODUCT)
def delinquency_range_edit(request: Asked, code: str) -> HttpResponse:
    """Propose other ranges for a product."""
    entity = entity_of(request)
    names = chart.products(entity)
    if code not in names:
        raise Http404
    initial = {"ranges": RangesForm.text(ranges.stored(entity, code)), "since": entity.business_date}
    form = RangesForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
            if not sent.again:
                made = ranges.propose(
                    entity, code, ranges=data["ranges"], since=data["since"], reason=data["reason"], actor=request.user, at=now()
                )
                told(request, made)
                sent.result(reverse("change", args=[made.public_id]))
        if not form.errors:
            return htmx.go(request, sent.location)
    context = {
        "title": _("Ranges of days late: %(product)s") % {"product": names[code]},
        "back": reverse("delinquency-range-list"),
        "checkers": bool(changes.checkers(ranges.KIND, but=request.user)),
    }
    return form.page(request, "credit/classes/ranges_form.html", context)
