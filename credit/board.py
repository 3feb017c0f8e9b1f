"""The pipeline as a board: open applications by stage, how long they stand there, which clock runs, what comes next."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Max, QuerySet, Sum
from django.utils.timezone import make_aware
from django.utils.translation import gettext_lazy as _

from credit import clocks
from credit.expiry import DRAFT_DAYS
from credit.models import Application, CounterOffer, Offer, PaperRequest
from crm.lib.pages import CAP
from governance import rules, uses
from ledger.models import Entry

CARDS = 20
MOST = 100  # beyond it the list is the better place
Status = Application.Status


@dataclass(frozen=True)
class Stage:
    """One column: the statuses that stand in it."""

    key: str
    title: Any
    statuses: tuple[str, ...]


STAGES = (
    Stage("draft", _("Draft"), ("draft",)),
    Stage("evaluating", _("Evaluating"), ("submitted", "evaluating")),
    Stage("referred", _("Referred"), ("referred",)),
    Stage("waiting", _("Waiting for papers"), ("waiting",)),
    Stage("proposed", _("Waiting for a second person"), ("proposed",)),
    Stage("countered", _("Counter-offered"), ("countered",)),
    Stage("offered", _("Offered"), ("approved", "offered")),
    Stage("accepted", _("Accepted"), ("accepted",)),
)
BY_KEY = {stage.key: stage for stage in STAGES}


@dataclass
class Card:
    """One application on the board; `deadline` is the clock that runs, `steps` the moves its reader may make."""

    application: Application
    since: datetime
    deadline: datetime | None = None
    offer: str = ""
    steps: list[str] = field(default_factory=list)


@dataclass
class Column:
    stage: Stage
    count: int
    capped: bool
    amount: Decimal
    cards: list[Card]
    shown: int

    @property
    def count_label(self) -> str:
        return f"{self.count:,}" + ("+" if self.capped else "")

    @property
    def more(self) -> int:
        """How many cards the next step would show, 0 when all are here or the list is the better place."""
        left = len(self.cards) < self.count and self.shown < MOST
        return min(self.shown + CARDS, MOST) if left else 0

    @property
    def cut(self) -> bool:
        return len(self.cards) < self.count and not self.more


def read(rows: QuerySet[Application], stages: Sequence[Stage], *, user: Any, at: datetime, today: date, shown: int = CARDS) -> list[Column]:
    """Return the columns of `stages` over `rows`, the oldest application first; the number of queries does not grow with the cards."""
    columns = []
    for stage in stages:
        found = rows.filter(status__in=stage.statuses)
        told = found.order_by().values("pk", "amount")[: CAP + 1].aggregate(n=Count("pk"), amount=Sum("amount"))
        cards = [Card(row, row.created_at) for row in found.for_list().order_by("pk")[:shown]]  # type: ignore[attr-defined]
        columns.append(Column(stage, min(told["n"], CAP), told["n"] > CAP, told["amount"] or Decimal("0.00"), cards, shown))
    cards = [card for column in columns for card in column.cards]
    uses.bind([card.application.customer for card in cards], "underwriting", actor=user, at=at)
    _since(cards)
    _clocks(cards, today)
    for card in cards:
        card.steps = steps(card.application, user)
    return columns


def _since(cards: list[Card]) -> None:
    """Say since when each stands in its stage: the ledger has the moment of every move."""
    by_event = {f"credit.application.{card.application.status}" for card in cards}
    ids = [card.application.pk for card in cards]
    rows = Entry.objects.filter(subject_type="credit.application", subject_id__in=ids, event__in=by_event)
    moved = {(pk, event): at for pk, event, at in rows.values_list("subject_id", "event").annotate(Max("at")).order_by()}
    for card in cards:
        row = card.application
        known = moved.get((row.pk, f"credit.application.{row.status}"))
        card.since = known or row.decided_at or row.submitted_at or row.created_at


def _clocks(cards: list[Card], today: date) -> None:
    def of(status: str) -> list[int]:
        return [card.application.pk for card in cards if card.application.status == status]

    papers = {row.application_id: row.last_day for row in PaperRequest.objects.filter(application__in=of("waiting"), status="open")}
    counters = dict(CounterOffer.objects.filter(application__in=of("countered"), status="open").values_list("application", "due_on"))
    offers = {
        row.application_id: row
        for row in Offer.objects.filter(application__in=of("offered"), status="made").only("application", "public_id", "expires_on")
    }
    draft_days, allowed = timedelta(days=int(rules.value(DRAFT_DAYS, on=today))), clocks.review_time(today)
    for card in cards:
        row = card.application
        ends = papers.get(row.pk) or counters.get(row.pk)
        if row.pk in offers:
            ends, card.offer = offers[row.pk].expires_on, offers[row.pk].public_id
        if ends:
            card.deadline = make_aware(datetime.combine(ends + timedelta(days=1), time.min))
        elif row.status == Status.DRAFT:
            card.deadline = row.created_at + draft_days
        else:
            card.deadline = clocks.due_at(row, allowed)


def steps(row: Application, user: Any) -> list[str]:
    """Return which legal moves of `row` its reader may begin from the board; what only the engine does is none of them."""
    found = []
    may = user.has_perm
    if row.status == Status.DRAFT and may("credit.add_application"):
        found.append("complete")
    if row.status in Application.IN_REVIEW and may("credit.decide_application") and row.entered_by_id != user.pk:
        found.append("review")
    if row.status == Status.OFFERED and may("credit.view_application"):
        found.append("offer")
    if Status.WITHDRAWN in Application.MOVES[row.status] and may("credit.withdraw_application"):
        found.append("withdraw")
    return found
