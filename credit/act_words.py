"""What is told of an act that was done, or waits, on the page of its loan: the reason, and what shaped it."""

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from credit import act_builds
from credit.act_forms import KEEPS
from credit.acts import ACTS, CHANGE, PART_CHOICES, Why
from credit.models import Loan
from credit.permissions import CONFIRM_SERVICING
from crm.lib.templatetags.crm import percent
from governance.models import ChangeRequest, User
from governance.permissions import VIEW_CHANGE

STAYS = dict(KEEPS)


def told(details: dict[str, Any]) -> list[tuple[Any, Any]]:
    """Return (label, text) for what shaped a transaction, in the order in which it was asked; nothing for plain money."""
    found: list[tuple[Any, Any]] = []
    if details.get("why") in Why.values:
        found.append((_("Why"), Why(details["why"]).label))
    if details.get("part"):
        found.append((_("Of"), dict(PART_CHOICES).get(details["part"], details["part"])))
    if details.get("keeps") in STAYS:
        found.append((_("What stays"), STAYS[details["keeps"]]))
    if isinstance(details.get("installment"), int):
        found.append((_("Only instalment"), details["installment"]))
    for name, label in (
        ("due_on", _("Due on")), ("more", _("More periods")), ("due_day", _("Due day of the month")), ("next_due_on", _("Next due date"))
    ):  # fmt: skip
        if details.get(name):
            found.append((label, details[name]))
    if "terms" in details:
        found.append((_("Periods"), details["terms"]["periods"]))
        found.append((_("Annual rate"), percent(Decimal(details["terms"]["annual_rate"]), 2)))
    if details.get("capitalises"):
        found.append((_("Became principal"), _("unpaid interest, fees and penalty")))
    return found + [(line.label, line.after) for line in act_builds.lines(details)]


def waiting(loan: Loan, user: User) -> list[dict[str, Any]]:
    """Return what waits for a second person on `loan`; its address only for who may open it."""
    opens = user.has_perm(VIEW_CHANGE)
    rows = ChangeRequest.objects.filter(kind=CHANGE, subject=loan.public_id, status=ChangeRequest.Status.OPEN)
    return [
        {
            "label": ACTS[act].label if act in ACTS else act,
            "by": name,
            "at": made_at,
            "url": public_id if opens and (maker == user.pk or user.has_perm(CONFIRM_SERVICING)) else "",
        }
        for public_id, act, maker, name, made_at in rows.values_list("public_id", "after__act", "made_by", "made_by__name", "made_at")
    ]
