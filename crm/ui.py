"""`/ui/`: every part in every state, for eyes and screenshots. Mounted only in local and test installations."""

from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.timezone import now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.lib import htmx
from crm.lib.forms import DateInput, Form, MoneyField
from crm.lib.pages import Chip, Page
from crm.lib.permissions import signed_in

TONES = ("neutral", "info", "good", "caution", "warn", "bad", "special")


class SampleForm(Form):
    """One field of each kind."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=60)
    amount = MoneyField(label=gettext_lazy("Amount (CNY)"), max_value=Decimal("50000.00"))
    due_on = forms.DateField(label=gettext_lazy("Due date"), widget=DateInput)
    channel = forms.ChoiceField(label=gettext_lazy("Channel"), choices=[("branch", gettext_lazy("Branch")), ("web", gettext_lazy("Web"))])
    purpose = forms.ChoiceField(
        label=gettext_lazy("Purpose"), choices=[("a", gettext_lazy("Branch")), ("b", gettext_lazy("Web"))], widget=forms.RadioSelect
    )
    agreed = forms.BooleanField(label=gettext_lazy("The customer has read the text and agrees"))
    note = forms.CharField(
        label=gettext_lazy("Note"), required=False, widget=forms.Textarea, help_text=gettext_lazy("It is kept with your name.")
    )


def schedule(paid: int, late: int) -> list[dict[str, Any]]:
    rows = []
    for n in range(1, 7):
        due = Decimal("1100.16")
        state = "paid" if n <= paid else "late" if n == late else "future"
        labels = {"paid": (_("Paid"), "good"), "late": (_("Overdue"), "warn"), "future": (_("Future"), "neutral")}
        rows.append(
            {
                "number": n, "due_on": date(2026, n + 5, 8), "principal": Decimal("900.10"), "interest": Decimal("200.06"),
                "fee": Decimal("0.00"), "penalty": Decimal("3.21") if state == "late" else Decimal("0.00"), "due": due,
                "paid": due if state == "paid" else Decimal("0.00"), "left": Decimal("0.00") if state == "paid" else due,
                "state": state, "late": state == "late", "state_label": labels[state][0], "tone": labels[state][1],
            }
        )  # fmt: skip
    return rows


FIGURES = {
    "v": 1, "kind": "line", "title": "", "x": {"values": [f"2026-W{n}" for n in range(36, 46)]}, "y": {"unit": "percent"},
    "series": [
        {"key": "all", "name": "A", "role": "main", "values": [0.61, 0.6, 0.62, 0.6, 0.59, 0.6, 0.58, 0.59, 0.58, 0.58]},
        {"key": "b", "name": "B", "role": "main", "values": [0.51, 0.5, 0.52, 0.5, 0.53, 0.5, 0.52, 0.54, 0.52, 0.55]},
    ],
    "marks": [{"axis": "y", "value": 0.55, "label": "0.55", "tone": "warn"}],
}  # fmt: skip


@signed_in
def catalogue(request: HttpRequest) -> HttpResponse:
    at = now()
    bad = SampleForm({"name": "", "amount": "12,00x", "due_on": "31", "channel": "branch", "note": _("It is kept with your name.")})
    bad.is_valid()
    person = f"{'王' * 20} Alexandra-Konstantina Papadopoulou-Featherstonehaugh"[:60]
    context = {
        "tones": [(tone, _("Example")) for tone in TONES],
        "grades": ["A", "B", "C", "D", "E", None],
        "buckets": [(0, 0), (1, 12), (2, 47), (3, 75), (4, 100), (5, 130), (6, 160), (7, 200)],
        "amounts": [Decimal("12345.67"), Decimal("0.00"), Decimal("-1100.16"), None, Decimal("12345678.90")],
        "day": date(2026, 11, 22),
        "moments": [at - timedelta(minutes=5), at - timedelta(hours=3), at - timedelta(days=30)],
        "clocks": [(at + timedelta(hours=n), at - timedelta(hours=10)) for n in (20, 6, 1, -2)],
        "long_name": person,
        "facts": [(_("Amount (CNY)"), "12,345.67"), (_("Name"), person), (_("Note"), None)],
        "tiles": [
            {"label": _("Example"), "figure": "1,000+", "url": "#", "under": _("as of 2026-11-22")},
            {"label": _("Example"), "figure": "0", "url": "#"},
            {"label": _("Example"), "figure": None},
            {"label": _("Example"), "figure": "12", "url": "#", "tone": "bad"},
        ],
        "form": SampleForm(),
        "bad_form": bad,
        "schedule": schedule(3, 4),
        "total": {name: Decimal("6600.96") for name in ("principal", "interest", "fee", "penalty", "due", "paid", "left")},
        "cost": {
            "principal": Decimal("12000.00"),
            "items": [{"label": _("Interest"), "method": _("equal instalments"), "payee": _("Lender"), "amount": Decimal("1201.92")}],
            "total": Decimal("13201.92"), "installment": Decimal("1100.16"), "nominal": Decimal("0.1740"), "effective": Decimal("0.1886"),
            "on_default": [_("Example")],
        },
        "timeline": [
            {"icon": "repayment", "tone": "good", "text": _("Example"), "actor": person, "at": at},
            {"icon": "phone", "tone": "info", "text": _("Example"), "actor": "", "at": at - timedelta(days=1), "channel": _("Web")},
            {"icon": "edit", "text": _("Example"), "at": at - timedelta(days=9), "void": True},
        ],
        "queue": [
            {"who": "W* A-91QX", "url": "#", "why": [_("Example"), _("Example")], "amount": Decimal("30000.00"), "deadline": at + timedelta(hours=3),
             "since": at - timedelta(hours=3), "badge_tone": "caution", "badge_label": _("Example"), "action_label": _("Open")},
            {"who": person, "url": "#", "why": [_("Example")], "amount": None, "action_label": _("Open")},
        ],
        "jobs": [
            SimpleNamespace(public_id="J-1", title=_("Example"), status="running", get_status_display=lambda: _("Running"), total=400, done=120, failed=3, is_over=False),
            SimpleNamespace(public_id="J-2", title=_("Example"), status="partial", get_status_display=lambda: _("Partial"), total=400, done=397, failed=3, is_over=True),
        ],
        "stages": [
            {"name": _("Admission"), "tone": "good", "result_label": _("no hit"), "summary": "9", "reads": [{"label": _("Age"), "value": "35", "threshold": "≥ 18", "source": _("Application")}]},
            {"name": _("Limit"), "tone": "caution", "result_label": _("hit"), "summary": "22,000.00", "open": True,
             "reads": [{"label": _("Income"), "value": "8,000.00", "threshold": None, "source": _("Application")}]},
            {"name": _("Price"), "tone": "neutral", "result_label": _("not reached"), "summary": ""},
        ],
        "diff": [{"label": _("Income"), "was": "8,000.00", "now": "9,000.00"}],
        "changes": [{"label": _("Income"), "theirs": "9,000.00", "yours": "8,500.00"}],
        "steps": [{"label": _("Customer"), "state": "done"}, {"label": _("Product"), "state": "current"}, {"label": _("Consent"), "state": "error"}, {"label": _("Read back"), "state": ""}],
        "figures": FIGURES,
        "empty_page": Page([], 0, False, "-id", {}, chips=[Chip(_("Status"), "M3", "?"), Chip(_("Channel"), _("Web"), "?")], clear="?"),
        "spark": [3, 4, 2, 6, 5, 8, 7, 9],
    }  # fmt: skip
    return htmx.render(request, "ui/catalogue.html", "ui/catalogue.html", context)


urlpatterns = [path("", catalogue, name="ui-catalogue")]
