"""Pages of caps on cost: which hold, the proposal of one, and the simulator."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from credit import cap_averages, cap_rules, cap_simulator, caps, cost
from credit.cap_forms import CapForm, SimulatorForm
from credit.dashboards import drawn
from credit.models import Loan, Offer, Product, RateCap
from credit.permissions import CHECK_PRODUCT, MANAGE_PRODUCT, VIEW_PRODUCT
from credit.views import Asked
from crm.lib import htmx
from crm.lib.permissions import needs
from governance import changes, idempotency, uses
from governance.models import ChangeRequest


@needs(VIEW_PRODUCT)
@require_GET
def rate_cap_list(request: Asked) -> HttpResponse:
    """Show every cap with its rows over time, and what waits for a second person."""
    rows: list[Any] = list(RateCap.objects.order_by("code", "-effective_from")[:200])
    on = localdate()
    for cap in rows:
        cap.holds = cap.effective_from <= on and (cap.effective_to is None or cap.effective_to > on)
        cap.newest = not any(other.code == cap.code and other.effective_from > cap.effective_from for other in rows)
        cap.parts = [RateCap.Part(part).label for part in cap.counts]
    context = {
        "rows": rows,
        "waiting": ChangeRequest.objects.filter(kind=caps.KIND, status=ChangeRequest.Status.OPEN)
        .select_related("made_by")
        .order_by("-pk")[:20],
        "may_propose": request.user.has_perm(MANAGE_PRODUCT),
        "may_check": request.user.has_perm(CHECK_PRODUCT),
    }
    return htmx.render(request, "credit/rate_caps.html", "credit/rate_caps.html", context)


@needs(VIEW_PRODUCT)
@require_GET
def rate_cap_averages(request: Asked) -> HttpResponse:
    """Show what the live portfolio costs on average beside each cap that holds; over the whole lender, as sums only."""
    on = localdate()
    loans = Loan.objects.of_entity(request.user)
    return htmx.part(request, "credit/_cap_averages.html", {"averages": cap_averages.averages(caps.holding(on), loans, on=on)})


@needs(MANAGE_PRODUCT)
def rate_cap_new(request: Asked) -> HttpResponse:
    """Propose a cap that there was none of."""
    return _proposed(request, CapForm.of(None, request.POST or None), None)


@needs(MANAGE_PRODUCT)
def rate_cap_edit(request: Asked, public_id: str) -> HttpResponse:
    """Propose another row of a cap from a day on."""
    cap = get_object_or_404(RateCap, public_id=public_id)
    return _proposed(request, CapForm.of(caps.newest(cap.code), request.POST or None), cap)


def _proposed(request: Asked, form: CapForm, cap: RateCap | None) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        code = cap.code if cap else data["code"]
        if cap is None and caps.newest(code):
            form.add_error("code", _("There is a cap with this code."))
        else:
            with form.refusals(), idempotency.Once(request.user, data["form_key"], at=now()) as sent:
                if not sent.again:
                    made = caps.propose(code, form.content(), reason=data["reason"], actor=request.user, at=now())
                    told(request, made)
                    sent.result(reverse("change", args=[made.public_id]))
            if not form.errors:
                return htmx.go(request, sent.location)
    checkers = bool(changes.checkers(caps.KIND, but=request.user))
    return form.page(request, "credit/rate_cap_form.html", {"cap": cap, "checkers": checkers})


def told(request: Asked, made: ChangeRequest) -> None:
    """Say whether a second person is needed."""
    if made.status == ChangeRequest.Status.OPEN:
        messages.success(request, _("Proposed: a second person confirms or refuses it."))
    else:
        messages.warning(request, _("Nobody else could confirm it: the change is in force, and marked as made alone."))


@needs(VIEW_PRODUCT)
@require_GET
def cap_simulator_page(request: Asked) -> HttpResponse:
    """Try another cap: what it would refuse. Nothing is saved."""
    on = localdate()
    held = caps.holding(on)
    binding = caps.binding(held)
    pattern = binding[0]
    first = {name: getattr(pattern, name) for name in ("value", "basis", "counts")}
    asked = request.GET if "value" in request.GET else None
    form = SimulatorForm(asked, initial=first)
    cap = form.cap(pattern) if asked is not None and form.is_valid() else pattern
    products = Product.objects.visible_to(request.user)
    lines = cap_simulator.lines(cap, products, held=binding, on=on)
    standing = cap_simulator.standing(cap, Offer.objects.visible_to(request.user), on=on)
    uses.bind_of(standing.worst, "application__customer", "underwriting", actor=request.user, at=now())
    context: dict[str, Any] = {
        "form": form,
        "cap": cap,
        "pattern": pattern,
        "groups": grouped(lines),
        "failing": sum(line.failing for line in lines),
        "tried": sum(len(line.cells) for line in lines),
        "standing": standing,
        "chart": chart(lines, cap, on),
    }
    status = 422 if asked is not None and form.errors else 200
    return htmx.render(request, "credit/cap_simulator.html", "credit/_cap_simulator.html", context, status=status)


def grouped(lines: list[cap_simulator.Line]) -> list[dict[str, Any]]:
    """Return the grades under their product, with its terms as heads."""
    groups: list[dict[str, Any]] = []
    for line in lines:
        if not groups or groups[-1]["product"].pk != line.product.pk:
            groups.append({"product": line.product, "terms": [cell.term for cell in line.cells], "lines": []})
        groups[-1]["lines"].append(line)
    return groups


def chart(lines: list[cap_simulator.Line], cap: RateCap, on: Any) -> dict[str, Any]:
    """Return the highest counted rate of each grade beside the cap."""
    over = [line for line in lines if line.failing]
    title = (
        _("%(n)s of %(all)s grades would pass the cap of %(cap)s") % {"n": len(over), "all": len(lines), "cap": cost.percent(cap.value)}
        if over
        else _("Every grade keeps the cap of %(cap)s") % {"cap": cost.percent(cap.value)}
    )
    caption = _("Highest rate that counts over all terms, by product and grade; the line is the cap")
    labels = [f"{line.product.code} {line.grade}" for line in lines]
    values = [float(line.highest) for line in lines]  # pixels
    data = drawn(
        "bar",
        title=title,
        caption=caption,
        on=on,
        labels=labels,
        unit="percent",
        series=[("highest", _("highest"), values)],
        empty=not lines,
    )
    height = float(cap.value)  # pixels
    data["marks"] = [{"axis": "y", "value": height, "label": cost.percent(cap.value), "tone": "bad"}]
    heads = [_("Product and grade"), _("Highest rate"), _("Above the cap by")]
    rows = [
        {
            "label": label,
            "cells": [cost.percent(line.highest), cost.percent(max(line.highest - cap.value, cap_rules.ZERO)) if line.failing else ""],
        }
        for label, line in zip(labels, lines, strict=True)
    ]
    return {"name": "cap", "title": title, "caption": caption, "data": data, "heads": heads, "rows": rows}
