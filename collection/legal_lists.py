"""The lists of periods of limitation and of legal actions: columns, and what may be asked of them."""

from datetime import date, datetime, timedelta
from typing import Any

import django_filters
from django.db.models import DateField, DateTimeField, ExpressionWrapper, QuerySet
from django.db.models.functions import Cast, Now
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

from collection import limitation_book, permissions
from collection.matter_lists import case_cell, first_column
from collection.models import LegalAction, LimitationClock
from credit import books
from crm.lib.lists import Column, Field, List, Person, declare
from crm.lib.templatetags.crm import absent, badge, day, money, status
from customers.models import Customer

SOON = 180


class ClockFilter(django_filters.FilterSet):
    """Quick filter: how soon the period ends."""

    within = django_filters.ChoiceFilter(
        label=_("Ends within"), empty_label=_("Any"), choices=[("30", _("30 days")), ("90", _("90 days")), ("180", _("180 days")), ("over", _("Lapsed"))],
        method="of_days",
    )  # fmt: skip

    class Meta:
        model = LimitationClock
        fields: list[str] = []

    def of_days(self, queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        today = Cast(Now(), DateField())
        if value == "over":
            return queryset.filter(expires_on__lt=today)
        return queryset.filter(
            expires_on__gte=today, expires_on__lte=ExpressionWrapper(Now() + timedelta(days=int(value)), output_field=DateTimeField())
        )


class ActionFilter(django_filters.FilterSet):
    """Quick filter: those under way, unless all are asked for."""

    status = django_filters.ChoiceFilter(
        label=_("Status"), empty_label=pgettext_lazy("legal", "Under way"), method="of_status",
        choices=[("proposed", pgettext_lazy("legal", "Waits for a decision")), ("court", pgettext_lazy("legal", "At court")), ("all", _("All"))],
    )  # fmt: skip

    class Meta:
        model = LegalAction
        fields: list[str] = []

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found: Any = super().filter_queryset(queryset)
        return found if self.form.cleaned_data.get("status") else found.open()

    def of_status(self, queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        if value == "proposed":
            return queryset.filter(status=LegalAction.Status.PROPOSED)
        return queryset.filter(status__in=LegalAction.AT_COURT) if value == "court" else queryset


def prepare(rows: list[Any], at: datetime) -> None:
    for row in rows:
        row.today = books.value_day(row.case.legal_entity, at)


def clock_cell(row: Any) -> Any:
    return format_html(
        '<a class="text-nowrap" href="{}">{}</a> <span class="sub">{}</span>', f"{reverse('case', args=[row.case.public_id])}",
        row.loan.public_id, row.case.customer.masked_name,
    )  # fmt: skip


def tone_of(expires_on: date, today: date) -> str:
    """Return how urgent the end of a period is."""
    left = (expires_on - today).days
    return "bad" if left <= 30 else "warn" if left <= 90 else "caution" if left <= SOON else "neutral"


def left_cell(row: Any) -> Any:
    """The end of the period with the days left, in words too."""
    if row.expires_on is None:
        return absent("not_applicable")
    left = (row.expires_on - row.today).days
    words = _("lapsed") if left < 0 else ngettext("%(n)s day left", "%(n)s days left", left) % {"n": f"{left:,}"}
    return format_html(
        '<span class="text-nowrap">{}</span> <span class="sub">{}</span>',
        day(row.expires_on),
        badge(tone_of(row.expires_on, row.today), words),
    )


def state_of(row: Any) -> str:
    """The state as of today: the copy may be of last night."""
    lapsed = row.expires_on is not None and row.expires_on < row.today
    return LimitationClock.State.LAPSED if lapsed else row.state


def state_cell(row: Any) -> Any:
    state = LimitationClock.State(state_of(row))
    return badge(LimitationClock.TONES[state], state.label)


def last_text(row: Any) -> str:
    return f"{limitation_book.KINDS[row.last_kind]} · {row.last_ref}" if row.last_kind else str(_("Since it fell due"))


def last_cell(row: Any) -> Any:
    """The last act in words, its number under it."""
    if not row.last_kind:
        return _("Since it fell due")
    return format_html(
        '<span class="note-text">{}</span> <span class="sub mono">{}</span>', limitation_book.KINDS[row.last_kind], row.last_ref
    )


CLOCKS = declare(
    List(
        name="limitation",
        title=_("Limitation"),
        permission=permissions.VIEW,
        export_permission=permissions.EXPORT,
        url_name="limitation-list",
        rows=lambda user: LimitationClock.objects.visible_to(user).for_list().select_related("loan"),
        filters=ClockFilter,
        default_sort="expires",
        person=Person(Customer, lambda row: row.case.customer, "collections"),
        prepare=prepare,
        columns=[
            Column("loan", _("Loan"), clock_cell, lambda row: f"{row.loan.public_id} {row.case.customer.masked_name}", personal=("name",)),
            Column("expires", _("Lapses on"), left_cell, lambda row: day(row.expires_on) if row.expires_on else "", sort="expires_on", phone=True),
            Column("state", _("State"), state_cell, lambda row: LimitationClock.State(state_of(row)).label, phone=True),
            Column("from", _("Runs from"), lambda row: day(row.runs_from), lambda row: day(row.runs_from), sort="runs_from", shown=False),
            Column("last", _("Last act"), last_cell, last_text, kind="words", phone=True),
            Column("case", _("Case"), case_cell, lambda row: row.case.public_id),
            Column("owed", _("Principal left (CNY)"), lambda row: money(row.loan.principal_outstanding), lambda row: row.loan.principal_outstanding, kind="money"),
        ],
        fields=[
            Field("expires", _("Lapses on"), "expires_on", "day"),
            Field("state", _("State"), "state", "choice", LimitationClock.State.choices),
            Field("from", _("Runs from"), "runs_from", "day"),
        ],
    )
)  # fmt: skip


def next_cell(row: Any) -> Any:
    if row.next_on is None:
        return absent("not_applicable")
    late = badge("bad", _("Overdue")) if row.next_on < row.today else ""
    return format_html("{} {} {}", row.get_next_what_display(), day(row.next_on), late)


ACTIONS = declare(
    List(
        name="legal",
        title=_("Legal actions"),
        permission=permissions.VIEW,
        export_permission=permissions.EXPORT,
        url_name="legal-list",
        rows=lambda user: LegalAction.objects.visible_to(user).for_list(),
        filters=ActionFilter,
        default_sort="-proposed",
        person=Person(Customer, lambda row: row.case.customer, "collections"),
        prepare=prepare,
        columns=[
            first_column("action", _("Legal action"), "legal-action"),
            Column("status", _("Status"), status, lambda row: row.get_status_display(), phone=True),
            Column("next", _("Next deadline"), next_cell, lambda row: day(row.next_on) if row.next_on else "", sort="next_on", phone=True),
            Column("claim", _("Claim (CNY)"), lambda row: money(row.claim), lambda row: row.claim, sort="claim", kind="money", phone=True),
            Column("expected", _("Expected to bring (CNY)"), lambda row: money(row.expected), lambda row: row.expected, kind="money"),
            Column("cost", _("Expected cost (CNY)"), lambda row: money(row.cost_forecast), lambda row: row.cost_forecast, kind="money"),
            Column("case", _("Case"), case_cell, lambda row: row.case.public_id, shown=False),
            Column("court", _("Court"), lambda row: row.court or absent("not_applicable"), lambda row: row.court, shown=False),
            Column("proposed", _("Proposed on"), lambda row: day(row.proposed_on), lambda row: day(row.proposed_on), sort="id"),
        ],
        fields=[
            Field("status", _("Status"), "status", "choice", LegalAction.Status.choices),
            Field("claim", _("Claim (CNY)"), "claim", "money"),
            Field("next", _("Day of the deadline"), "next_on", "day"),
            Field("proposed", _("Proposed on"), "proposed_on", "day"),
        ],
    )
)  # fmt: skip
