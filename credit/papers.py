"""The papers of an application: which the product asks for, asking the applicant, taking in what comes.

A product's list is data: `[{"kind": "id_card"}, {"kind": "bank_statement", "above": "30000.00"}, {"kind": "purpose_proof",
"purposes": ["business"]}]`. `above` means more than that amount; an item with both needs both.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from credit import applications, clocks, exposure
from credit.books import local_day
from credit.models import Application, Paper, PaperRequest, Product
from crm.lib.errors import DomainError, Invalid
from customers.models import Document
from governance import rules, users
from governance.lifecycle import MovedMeanwhile, move
from governance.models import User
from ledger import log

Kind = Document.Kind
Status = Application.Status
DEFAULT: tuple[Mapping[str, Any], ...] = (
    {"kind": "id_card"},
    {"kind": "income_proof", "above": "2000.00"},
    {"kind": "bank_statement", "above": "10000.00"},
    {"kind": "purpose_proof", "purposes": ["business", "house_purchase", "investment"], "above": "5000.00"},
)
LONGEST_DAYS = 60


class NotWaiting(DomainError):
    """No papers are asked for at this moment."""

    code = "not_waiting"


@dataclass(frozen=True)
class Line:
    """One paper of an application: needed by the product, asked for, there; the newest document of its kind counts."""

    kind: str
    label: Any
    needed: bool
    asked: bool
    document: Document | None

    @property
    def there(self) -> bool:
        return self.document is not None and self.document.status != Document.Status.REJECTED


def needed(product: Product, *, amount: Decimal, purpose: str) -> list[str]:
    """Return the kinds of papers the product asks for, in its order."""
    return [
        str(item["kind"])
        for item in product.papers
        if amount > Decimal(str(item.get("above", "-1"))) and (not item.get("purposes") or purpose in item["purposes"])
    ]


def checklist(application: Application, documents: Sequence[Document], request: PaperRequest | None) -> list[Line]:
    """Return every paper the application needs or was asked for, with what is there; pure.

    :param documents: the person's, newest first
    """
    wanted = needed(application.product, amount=application.amount, purpose=application.purpose)
    asked = [paper.kind for paper in request.papers.all()] if request is not None else []
    newest: dict[str, Document] = {}
    for document in documents:
        kept = newest.get(document.kind)
        if kept is None or (kept.status == Document.Status.REJECTED and document.status != Document.Status.REJECTED):
            newest[document.kind] = document
    labels = dict(Kind.choices)
    return [
        Line(kind, labels.get(kind, kind), kind in wanted, kind in asked, newest.get(kind)) for kind in dict.fromkeys([*wanted, *asked])
    ]


def open_request(application: Application) -> PaperRequest | None:
    """Return what the applicant is asked for now."""
    rows = PaperRequest.objects.filter(application=application, status=PaperRequest.Status.OPEN)
    return rows.select_related("asked_by").prefetch_related("papers").first()


def usual_day(application: Application, *, at: datetime) -> date:
    """Return the day by which papers are usually asked for."""
    today = local_day(application.legal_entity, at)
    return today + timedelta(days=int(rules.value(clocks.PAPERS_DAYS, on=today)))


@transaction.atomic
def ask(
    application: Application,
    *,
    kinds: Iterable[str],
    due_on: date,
    actor: User,
    at: datetime,
    words: str = "",
    version: int | None = None,
) -> PaperRequest:
    """Ask the applicant for papers until a day; the underwriter's clock stands still meanwhile.

    :raises NotDecidable: if it does not wait for a person
    :raises OwnApplication: if the actor entered it
    :raises Invalid: without a paper, with a kind that is none, or with a day that is past or more than 60 days off
    :raises MovedMeanwhile: if it changed since `version`
    """
    applications.check_decidable(application, actor=actor, version=version)
    wanted = list(dict.fromkeys(kinds))
    today = local_day(application.legal_entity, at)
    problems: dict[str, Any] = {}
    if not wanted or not set(Kind.values).issuperset(wanted):
        problems["kinds"] = _("Choose at least one paper.")
    if not today < due_on <= today + timedelta(days=LONGEST_DAYS):
        problems["due_on"] = _("Choose a day from tomorrow on, at most %(days)s days off.") % {"days": LONGEST_DAYS}
    if problems:
        raise Invalid(_("Some values cannot be; see the fields."), fields=problems)
    left = clocks.left(application, allowed=clocks.review_time(today), at=at)
    move(
        application, Status.WAITING, actor=actor, at=at, review_due_at=None, facts={"papers": wanted, "due_on": due_on}
    )  # fmt: skip
    request = PaperRequest(
        application=application, words=words.strip()[:1000] or None, due_on=due_on, asked_by=actor, asked_at=at,
        clock_left=int(left.total_seconds()),
    )  # fmt: skip
    request.save(force_insert=True)
    Paper.objects.bulk_create([Paper(request=request, kind=kind) for kind in wanted])
    log.record("credit.paperrequest.made", request, actor=actor, at=at, papers=wanted, due_on=due_on)
    return request


@transaction.atomic
def answer(request: PaperRequest, *, document: Document, actor: User, at: datetime) -> PaperRequest:
    """Take `document` as the answer to the paper of its kind; with the last one the application returns to the queue.

    A document of a kind nobody asked for, or one that answers already, changes nothing.

    :raises NotWaiting: if the request is no longer open
    :raises Invalid: if the document is another person's
    """
    application = request.application
    if document.customer_id != application.customer_id:
        raise Invalid(_("This paper is another person's."))
    exposure.lock(application.customer_id)
    fresh = PaperRequest.objects.select_for_update().get(pk=request.pk)
    if fresh.status != PaperRequest.Status.OPEN:
        raise NotWaiting(_("No papers are asked for at this moment."))
    papers = list(fresh.papers.select_for_update())
    for paper in papers:
        if paper.kind == document.kind and paper.document_id != document.pk:
            paper.document, paper.answered_at = document, at
            paper.save(update_fields=["document", "answered_at"])
            log.record("credit.paperrequest.paper_came", fresh, actor=actor, at=at, kind=paper.kind, document=document.public_id)
    if all(paper.document_id for paper in papers):
        _back(application, fresh, PaperRequest.Status.ANSWERED, event="credit.application.papers_came", actor=actor, at=at)
    return fresh


@transaction.atomic
def take_back(application: Application, *, actor: User, at: datetime, version: int | None = None) -> Application:
    """Go on without the papers that have not come: the application returns to the queue and the clock runs on.

    :raises NotWaiting: if no papers are asked for
    :raises MovedMeanwhile: if it changed since `version`
    """
    applications.check_version(application, version)
    request = open_request(application)
    if application.status != Status.WAITING or request is None:
        raise NotWaiting(_("No papers are asked for at this moment."))
    return _back(application, request, PaperRequest.Status.ENDED, event="credit.application.papers_waived", actor=actor, at=at)


def _back(application: Application, request: PaperRequest, to: str, *, event: str, actor: User, at: datetime) -> Application:
    move(request, to, actor=actor, at=at, ended_at=at)
    due = at + timedelta(seconds=request.clock_left)
    return move(application, Status.REFERRED, actor=actor, at=at, event=event, review_due_at=due)


@transaction.atomic
def remind(request: PaperRequest, *, at: datetime) -> bool:
    """Remind the applicant once, when the day has passed, and set the last day of all; return whether this call did it."""
    today = local_day(request.application.legal_entity, at)
    final = today + timedelta(days=int(rules.value(clocks.LAST_DAYS, on=today)))
    open_and_silent = PaperRequest.objects.filter(pk=request.pk, status=PaperRequest.Status.OPEN, reminded_at__isnull=True)
    if not open_and_silent.update(reminded_at=at, final_on=final):
        return False
    request.refresh_from_db()
    log.record("credit.paperrequest.reminded", request, actor=users.system(), at=at, final_on=final)
    return True


def overdue(*, entity_id: int, on: date) -> tuple[list[PaperRequest], list[PaperRequest]]:
    """Return the open requests whose first day has passed without a reminder, and those whose last day has passed."""
    rows = PaperRequest.objects.filter(status=PaperRequest.Status.OPEN, application__legal_entity=entity_id)
    rows = rows.select_related("application__legal_entity").order_by("pk")
    return list(rows.filter(due_on__lt=on, reminded_at__isnull=True)), list(rows.filter(final_on__lt=on))


def came(document: Document, *, actor: User, at: datetime) -> None:
    """Let a new document of a person answer what is asked of them, wherever it was put in. May run twice."""
    rows = PaperRequest.objects.filter(
        application__customer=document.customer_id, status=PaperRequest.Status.OPEN, papers__kind=document.kind
    ).select_related("application__legal_entity")
    for request in rows.distinct():
        try:
            answer(request, document=document, actor=actor, at=at)
        except (NotWaiting, MovedMeanwhile):
            continue  # somebody ended it this moment
