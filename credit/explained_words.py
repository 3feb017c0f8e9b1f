"""What the lines of an explained instalment say to people: one whole sentence each, with the figures it was reckoned from."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from crm.lib.templatetags.crm import day as shown_day
from crm.lib.templatetags.crm import money as shown


def said(code: str, figures: Mapping[str, Any], event: str = "") -> str:
    """Return the sentence of a line; amounts as the tables show them."""
    told = {name: _figure(name, value) for name, value in figures.items()} | {"event": event}
    return _sentence(code, figures, told)


def _sentence(code: str, figures: Mapping[str, Any], told: dict[str, Any]) -> str:
    match code:
        case "interest":
            words = _(
                "%(opening)s of principal × %(rate)s a year × %(share)s (%(from)s to %(to)s, %(days)s days, %(day_count)s) = %(exact)s, rounded"
            )
        case "stretch":
            words = _("%(principal)s of principal × %(rate)s a year × %(share)s (%(from)s to %(to)s, %(days)s days) = %(exact)s")
        case "payment" if figures.get("kept") is not None:
            words = _("The instalment stays %(payment)s; less its interest of %(interest)s, the rest repays principal")
        case "payment":
            words = _("Equal instalment of %(payment)s, which repays %(spread)s in %(periods)s periods; less its interest of %(interest)s")
        case "equal":
            words = _("%(principal)s in %(periods)s equal parts, in whole cents")
        case "last":
            words = _("The last one takes what is left: %(opening)s")
        case "inside" if figures:
            words = _("%(principal)s of principal for the rest of the period (%(share)s of it), by %(event)s")
        case "penalty":
            words = _("%(principal)s overdue × %(rate)s a year × %(days)s days / %(year)s, from %(from)s to %(to)s")
        case "died":
            words = _("%(principal)s overdue × %(rate)s a year × %(days)s days / %(year)s, from %(from)s to the day of death, %(to)s")
        case "flat" | "flat_last":
            words = _("%(principal)s × %(rate)s a year over the whole term = %(whole)s, in %(periods)s parts")
            if code == "flat_last":
                words = _("The last part of %(whole)s of interest (%(principal)s × %(rate)s a year over the whole term, %(periods)s parts)")
        case "late_once":
            words = _("Once for being late: %(share)s of %(principal)s unpaid")
        case "down_payment":
            words = _("Down payment: %(share)s of %(principal)s")
        case "fee" | "late_fee":
            words = _("Fee of the contract: %(fee)s")
        case _:
            words = PLAIN.get(code, lambda: _("Changed by %(event)s"))()
    return str(words % told)


PLAIN = {
    "free": lambda: _("Free of interest"),
    "put_off": lambda: _("Put off by the grace: a later instalment collects it"),
    "held": lambda: _("Interest of earlier periods that the grace put off"),
    "planned": lambda: _("Interest of the period as it was planned before"),
    "inside": lambda: _("The balance changed inside the period, by %(event)s"),
    "none": lambda: _("No principal in this instalment"),
    "whole": lambda: _("The whole principal at the end"),
    "already": lambda: _("Paid before the schedule was made anew; it stays in this instalment"),
    "charge": lambda: _("Charge put on by %(event)s"),
    "prepaid": lambda: _("Paid before its time by %(event)s"),
    "accelerated": lambda: _("The whole balance became due by %(event)s"),
    "restructured": lambda: _("Moved by the restructuring %(event)s"),
    "rescheduled": lambda: _("Moved by the new schedule %(event)s"),
    "paid_out": lambda: _("More was paid out by %(event)s"),
    "written_off": lambda: _("Up to the write-off %(event)s"),
    "sold": lambda: _("Up to the sale %(event)s"),
    "relieved": lambda: _("Lowered or moved by the relief %(event)s"),
    "statement_principal": lambda: _("The minimum of the statement: a share of what was drawn and not billed before"),
    "statement_interest": lambda: _(
        "Interest of the days since the statement before, each day on what was drawn, less what was paid of it"
    ),
    "rest_principal": lambda: _("Drawn and not billed by a statement"),
    "rest_interest": lambda: _("Interest that was paid or lost before a statement billed it"),
    "recalculated": lambda: _("Interest follows the balance of each day"),
    "floor": lambda: _("What was paid or waived of it before is not given back"),
}


def _figure(name: str, value: Any) -> Any:
    if name in ("rate", "share") and isinstance(value, Decimal):
        return f"{value * 100:.2f}%"
    if name == "exact" and isinstance(value, Decimal):
        return f"{value:,.6f}"
    if isinstance(value, Decimal):
        return shown(value)
    return shown_day(value) if hasattr(value, "isoformat") else value
