"""Classification of the demonstration: months that three people stood for, the last one open, an override of each state, a pause that runs."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from credit import class_batches, class_marks, pauses
from credit.models import ClassBatch, ClassMark, CloseRun, Loan, LoanSnapshot
from governance.models import LegalEntity, User


def fill(entity: LegalEntity, *, today: date) -> None:
    """Let people answer for the month-ends the play closed, once; every step through a door."""
    staff = {user.username: user for user in User.objects.filter(team__legal_entity=entity)}
    if not {"operations", "risk", "compliance"} <= staff.keys() or ClassMark.objects.filter(loan__legal_entity=entity).exists():
        return
    at = datetime.combine(today, time(9, 30), tzinfo=ZoneInfo(entity.zone))
    closed = CloseRun.objects.filter(legal_entity=entity).order_by("business_date").values_list("business_date", flat=True)[:1]
    months = sorted(set(LoanSnapshot.objects.filter(legal_entity=entity, month__gte=closed).values_list("month", flat=True)))
    batches = [class_batches.after_close(entity, month, at=at) for month in months]
    for place, batch in enumerate(each for each in batches if each is not None):
        answered(batch, staff, months_left=len(months) - place, at=at)
    overridden(entity, staff, at=at)
    late = Loan.objects.overdue().filter(legal_entity=entity, dpd__gte=10).select_related("legal_entity").order_by("pk")[3:4]
    for loan in late:
        opened = loan.legal_entity.business_date
        pauses.pause(loan, from_on=opened, until_on=opened + timedelta(days=21), reason="illness", actor=staff["operations"], at=at)


def answered(batch: ClassBatch, staff: dict[str, User], *, months_left: int, at: datetime) -> None:
    """Take a batch as far as its age: the last one waits for its check, the one before for its approval."""
    if batch.status != ClassBatch.Status.MADE or months_left <= 1:
        return
    batch = class_batches.check(batch, actor=staff["operations"], at=at)
    batch = class_batches.decide(batch, actor=staff["risk"], at=at)
    if months_left > 2:
        class_batches.approve(batch, actor=staff["compliance"], at=at)


def overridden(entity: LegalEntity, staff: dict[str, User], *, at: datetime) -> None:
    """Propose overrides on late loans, and take them different ways."""
    loans = Loan.objects.overdue().filter(legal_entity=entity, risk_class__lt=4).select_related("legal_entity").order_by("-dpd", "pk")[:3]
    words = (
        ("insolvent", "Court lists two judgments against the borrower."),
        ("income", "Employer closed; confirmed by telephone."),
        ("elsewhere", "Bureau shows a loan elsewhere more than 90 days late."),
    )
    for place, (loan, (reason, note)) in enumerate(zip(loans, words, strict=False)):
        mark = class_marks.propose(loan, risk_class=loan.risk_class + 1, reason=reason, note=note, actor=staff["operations"], at=at)
        if place < 2:
            mark = class_marks.decide(mark, actor=staff["risk"], at=at)
        if place < 1:
            class_marks.approve(mark, actor=staff["compliance"], at=at)
