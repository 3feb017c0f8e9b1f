"""Overdue work: one case per customer, the loans it is about, and every contact that was made."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Case as Choose
from django.db.models import Exists, ExpressionWrapper, F, OuterRef, Q, SmallIntegerField, Value, When
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from credit.accrual import bucket_name
from credit.models import Loan
from credit.models.common import Belonging
from crm.lib.fields import MoneyField, PublicIdField
from crm.lib.policy import SUMMED, Policy
from customers.models import Customer
from governance.models import Team, User
from governance.models.identity import Scope
from governance.scope import ScopedQuerySet

ZERO = Decimal("0.00")
SMALL = SmallIntegerField()
ACTIVE = ("open", "worked", "paused")  # everything but closed
IN_WORK = ("open", "worked")
CLOSE_REASONS = ["cured", "settled", "restructured", "legal", "sold", "written_off", "deceased", "fraud"]
PAUSE_REASONS = [
    "dispute", "hardship", "complaint", "vulnerable", "settlement", "placed", "legal", "deceased", "disaster", "other",
]  # fmt: skip


class Channel(models.TextChoices):
    """How a contact was made."""

    CALL = "call", _("Call")
    INBOUND = "inbound", _("Inbound call")
    SMS = "sms", _("SMS")
    EMAIL = "email", pgettext_lazy("channel", "E-mail")
    LETTER = "letter", _("Letter")
    VISIT = "visit", _("Field visit")


class Outcome(models.TextChoices):
    """The disposition list: how a contact ended. Which of them a channel offers, and what follows, is data
    (`collection/data/dispositions.json`).
    """

    RIGHT_PARTY = "right_party", _("Right party reached")
    NO_ANSWER = "no_answer", _("No answer")
    BUSY = "busy", _("Busy")
    WRONG_NUMBER = "wrong_number", _("Wrong number")
    THIRD_PARTY = "third_party", _("Third party")
    REFUSED = "refused", _("Refused to pay")
    PROMISE = "promise", _("Promise to pay")
    DISPUTE = "dispute", _("Dispute")
    HARDSHIP = "hardship", _("Hardship")
    DECEASED = "deceased", _("Deceased")
    COMPLAINT = "complaint", _("Complaint")
    CALLBACK = "callback", _("Asked to be called back")
    SENT = "sent", pgettext_lazy("message", "Sent")
    RETURNED = "returned", _("Came back undelivered")
    NOT_MET = "not_met", _("Nobody met")
    OBLIGOR = "obligor", _("Co-borrower or guarantor reached")
    OBLIGOR_PAYS = "obligor_pays", _("Co-borrower or guarantor will pay")
    OBLIGOR_NO = "obligor_no", _("Co-borrower or guarantor refused to pay")


class Place(models.IntegerChoices):
    """Why a case stands where it stands in the queue, the weightiest first. Kept with the case, by `collection.places`."""

    BROKEN = 1, _("A promise was broken")
    PLANNED = 2, _("A planned action is due")
    MOVED = 3, _("It moved to a graver bucket")
    SILENT = 4, _("Nobody has been in touch for a while")
    WEIGHT = 5, _("What a contact is expected to bring")
    LATER = 9, _("Its next action lies ahead")
    SMALL = 10, _("Only a small remainder is overdue")


class CaseQuerySet(ScopedQuerySet["Case"]):
    """Scope: the claimed, assigned or brought cases of a person, or those of the branch and below."""

    scope_owner = "claimed_by"
    scope_team = "branch"

    def reached_by(self, user: Any) -> Self:
        """Narrow to what a role reaches; with scope *own* that is what they hold, are assigned or brought in."""
        if user.scope == Scope.OWN:
            return self.filter(Q(claimed_by=user.pk) | Q(assigned_to=user.pk) | Q(owner=user.pk))
        rows = super().reached_by(user)
        return rows.filter(Q(claimed_by=user.pk) | Q(assigned_to=user.pk)) if user.role and user.role.own_cases else rows

    def for_list(self) -> Self:
        """Join what a list row shows."""
        return self.select_related("customer", "branch", "claimed_by", "assigned_to", "team")

    def open(self) -> Self:
        """Narrow to cases that are not closed: fresh, worked or paused ones."""
        return self.filter(status__in=ACTIVE)

    def in_work(self) -> Self:
        """Narrow to cases whose work goes on: open and not paused."""
        return self.filter(status__in=IN_WORK)

    def held_by(self, user: Any, *, at: datetime) -> Self:
        """Narrow to the cases `user` holds a running claim on."""
        return self.open().filter(claimed_by=user.pk, claimed_until__gt=at)

    def queue(self, user: Any, *, at: datetime, on: date) -> Self:
        """Narrow to what `user` may work next, in the order of the desk.

        What a supervisor gave to them comes first, then what was given to their team, then the pool; within each by `place`, then by
        what a contact is expected to bring. Left out are cases another person holds, is assigned or skipped for now, and those
        whose next action lies after the business date `on`.
        """
        free = Q(claimed_by__isnull=True) | Q(claimed_until__lte=at)
        given = Choose(
            When(assigned_to=user.pk, then=Value(0)), When(team__isnull=False, then=Value(1)), default=Value(2), output_field=SMALL
        )
        rows = self.waiting(user, at=at, on=on).filter(free, given_to(user))
        return rows.annotate(given=given).order_by("given", *ORDER)

    def waiting(self, user: Any, *, at: datetime, on: date) -> Self:
        """Narrow to what is in work, within the reach of `user`, due on a day, not skipped by them, and which no complaint keeps them from.

        For a small remainder nobody is called: see `collection.small_balances`.

        Who is only reminded, to measure against, is not called unasked: such a case comes when somebody agreed on a next step with them.
        """
        from collection.contested import bars_of  # these build on this module
        from collection.models.treatments import HOLDOUT, TreatmentEntry

        due = Q(next_action_on__isnull=True) | Q(next_action_on__lte=on)
        skipped = Skip.objects.filter(case=OuterRef("pk"), actor=user.pk, until__gt=at)
        # The condition on the case stands inside: joined by OR the database would gather the whole arm for each claim.
        reminded = TreatmentEntry.objects.annotate(agreed=ExpressionWrapper(OuterRef("next_action"), models.CharField())).filter(
            agreed="", case=OuterRef("pk"), status=TreatmentEntry.Status.RUNNING, arm=HOLDOUT
        )
        return self.in_work().visible_to(user).filter(due, Q(place__lt=Place.SMALL), ~Exists(skipped), ~bars_of(user), ~Exists(reminded))

    def lying(self, user: Any, where: str) -> Self:
        """Narrow to what lies free in one of the queues of `user`: their own, their team's, or the pool. The index of the queue reads it in order."""
        # The team is named in the order too: that it is NULL does not tell the planner that it is one value, and all free cases would be sorted.
        first = () if where == "own" else ("team_id",)
        return self.filter(LYING[where](user), claimed_by__isnull=True).order_by(*first, *ORDER)


# Whose queue a case lies in: that of one person, of a team, or of everybody.
LYING: dict[str, Callable[[Any], Q]] = {
    "own": lambda user: Q(assigned_to=user.pk),
    "team": lambda user: Q(assigned_to__isnull=True, team=user.team_id) if user.team_id else Q(pk__in=[]),
    "pool": lambda user: Q(assigned_to__isnull=True, team__isnull=True),
}
ORDER = ("place", "-expected_recovery", "-id")


def given_to(user: Any) -> Q:
    """Return what lies in any of the queues of `user`."""
    return LYING["own"](user) | LYING["team"](user) | LYING["pool"](user)


class Case(Belonging):
    """All overdue work of one customer.

    Bucket, days past due and amount are what the last refresh read from the loans; `debts` has them one by one.
    A claim is a hold for a while (`claimed_until`), so that two collectors never call the same person.
    """

    POLICY = Policy(
        owner="collections",
        meaning=_("overdue work of a customer"),
        retention=_("5y after it closed"),
        level=3,
        kind="C2",
        purposes=("collections", "compliance"),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "close_reason": _("Why it was closed"),
            "pause_reason": _("Why the work waits"),
            "paused_until": _("Day from which the work goes on"),
            "overdue_amount": _("What is overdue, CNY"),
            "place": _("Why it stands where it stands in the queue"),
            "expected_recovery": _("What a contact is expected to bring, CNY"),
            "last_outcome": _("How the last contact came out"),
            "moved_on": _("Day it last changed bucket"),
            "broken_on": _("Day a promise was last broken"),
            "opened_on": _("Day it was opened"),
            "opened_amount": _("What was overdue when it was opened, CNY"),
            "opened_bucket": _("Bucket in which it was opened"),
        },
    )

    class Status(models.TextChoices):
        OPEN = "open", pgettext_lazy("case", "Open")
        WORKED = "worked", pgettext_lazy("case", "In work")
        PAUSED = "paused", pgettext_lazy("case", "Paused")
        CLOSED = "closed", pgettext_lazy("case", "Closed")

    class PauseReason(models.TextChoices):
        """Why the work on a case waits; each has its own pause, the longest one shows here."""

        DISPUTE = "dispute", _("Dispute")
        HARDSHIP = "hardship", _("Hardship")
        COMPLAINT = "complaint", _("Complaint")
        VULNERABLE = "vulnerable", _("Vulnerable customer")
        SETTLEMENT = "settlement", _("Settlement under way")
        PLACED = "placed", _("Placed with an agency")
        LEGAL = "legal", _("Legal steps under way")
        DECEASED = "deceased", _("Death is being verified")
        DISASTER = "disaster", _("Disaster")
        OTHER = "other", pgettext_lazy("pause", "Another matter of the house")

    class CloseReason(models.TextChoices):
        CURED = "cured", _("Cured")
        SETTLED = "settled", _("Settled")
        RESTRUCTURED = "restructured", _("Restructured")
        LEGAL = "legal", _("Gone to court")
        SOLD = "sold", pgettext_lazy("case", "Sold")
        WRITTEN_OFF = "written_off", pgettext_lazy("case", "Written off")
        DECEASED = "deceased", _("Deceased")
        FRAUD = "fraud", pgettext_lazy("case", "Fraud")

    class ReopenReason(models.TextChoices):
        """Why a closed case goes on; told by the ledger."""

        RETURNED = "returned", _("It had gone elsewhere")
        SETTLEMENT = "settlement", _("Money of its settlement was taken back")

    # Who closed a case with money still owed took the matter elsewhere: it may come back.
    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.OPEN: {Status.WORKED, Status.PAUSED, Status.CLOSED},
        Status.WORKED: {Status.PAUSED, Status.CLOSED},
        Status.PAUSED: {Status.OPEN, Status.WORKED, Status.CLOSED},
        Status.CLOSED: {Status.OPEN},
    }
    TONES: ClassVar[dict[str, str]] = {"worked": "info", "paused": "special"}
    ELSEWHERE = (CloseReason.LEGAL, CloseReason.DECEASED, CloseReason.FRAUD)

    public_id = PublicIdField(prefix="K")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="cases", db_index=False)
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN)
    close_reason = models.CharField(max_length=12, choices=CloseReason, blank=True, default="")
    pause_reason = models.CharField(max_length=10, choices=PauseReason, blank=True, default="", db_default="")
    paused_until = models.DateField(null=True, blank=True, help_text="the day the work goes on; the latest of its pauses")

    bucket = models.PositiveSmallIntegerField(default=0)
    dpd = models.PositiveIntegerField(default=0, help_text="regulatory days past due of the latest loan")
    overdue_amount = MoneyField(default=ZERO)

    place = models.PositiveSmallIntegerField(default=Place.SILENT, db_default=Place.SILENT.value, choices=Place)
    expected_recovery = MoneyField(default=ZERO, db_default=ZERO, help_text="what a contact is expected to bring, `collection.priority`")

    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    assigned_to = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    claimed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    claimed_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)

    next_action = models.CharField(max_length=8, choices=Channel, blank=True, default="")
    next_action_on = models.DateField(null=True, blank=True)
    last_contact_at = models.DateTimeField(null=True, blank=True)
    last_outcome = models.CharField(max_length=12, choices=Outcome, blank=True, default="")

    last_contact_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    moved_on = models.DateField(null=True, blank=True, help_text="moved to a graver bucket; none once somebody was in touch")
    broken_on = models.DateField(null=True, blank=True, help_text="a promise was broken; none once somebody was in touch")

    opened_on = models.DateField()
    opened_amount = MoneyField(
        default=ZERO, db_default=ZERO, help_text="what was overdue when it opened: what recovery is measured against"
    )
    opened_bucket = models.PositiveSmallIntegerField(default=0, db_default=0)
    closed_on = models.DateField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = CaseQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="case_one_open_per_customer", fields=["customer"], condition=Q(status__in=ACTIVE)),
            models.CheckConstraint(name="case_status_known", condition=Q(status__in=[*ACTIVE, "closed"])),
            models.CheckConstraint(
                name="case_closed_says_why",
                condition=Q(status__in=ACTIVE, close_reason="", closed_on__isnull=True)
                | Q(status="closed", close_reason__in=CLOSE_REASONS, closed_on__isnull=False),
            ),
            models.CheckConstraint(
                name="case_paused_says_why",
                condition=Q(status="paused", pause_reason__in=PAUSE_REASONS, paused_until__isnull=False)
                | Q(status__in=["open", "worked", "closed"], pause_reason="", paused_until__isnull=True),
            ),
            models.CheckConstraint(
                name="case_claim_is_whole",
                condition=Q(claimed_by__isnull=True, claimed_at__isnull=True, claimed_until__isnull=True)
                | Q(claimed_by__isnull=False, claimed_at__isnull=False, claimed_until__isnull=False),
            ),
            models.CheckConstraint(name="case_closed_is_free", condition=~Q(status="closed") | Q(claimed_by__isnull=True)),
            models.CheckConstraint(name="case_bucket_known", condition=Q(bucket__gte=0, bucket__lte=7)),
            models.CheckConstraint(name="case_place_known", condition=Q(place__in=[1, 2, 3, 4, 5, 9, 10])),
            models.CheckConstraint(name="case_expects_no_less_than_nothing", condition=Q(expected_recovery__gte=0)),
            models.CheckConstraint(name="case_amount_not_negative", condition=Q(overdue_amount__gte=0)),
        ]
        indexes = [
            # the desk orders the open cases of a subtree by reasons that change with the day, and the board sums them up:
            # there are far fewer open cases than loans, this finds them
            models.Index(fields=["branch"], name="case_open_of_branch", condition=Q(status__in=ACTIVE)),
            # a person's own work, first in their queue
            models.Index(fields=["assigned_to"], name="case_assigned", condition=Q(status__in=ACTIVE)),
            # what lies free for a team or for everybody, in the order of the desk: the next one is the first of it. Who holds a case takes
            # it out, so that those in front who are held cost nothing; what is planned for later stands behind
            models.Index(
                F("team"),
                F("place"),
                F("expected_recovery").desc(),
                F("id").desc(),
                name="case_queue",
                condition=Q(status__in=IN_WORK, claimed_by__isnull=True, assigned_to__isnull=True),
            ),
            # whose day has come: read every few minutes
            models.Index(fields=["next_action_on"], name="case_later", condition=Q(place=9)),
            # "what do I hold", and the sweeper's "which claims have run out"
            models.Index(fields=["claimed_by"], name="case_held", condition=Q(claimed_by__isnull=False)),
            models.Index(fields=["claimed_until"], name="case_claim_ends", condition=Q(claimed_by__isnull=False)),
            # the customer's page: all their cases, newest first
            models.Index(fields=["customer", "-id"], name="case_of_customer"),
            # a team's list, newest first
            models.Index(fields=["branch", "-id"], name="case_of_branch"),
            # which pauses are over this morning
            models.Index(fields=["paused_until"], name="case_paused", condition=Q(status="paused")),
            # "not worked since": what a collector was in touch about, for collected money by person
            models.Index(fields=["last_contact_by"], name="case_contacted_by", condition=Q(status__in=ACTIVE)),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_open(self) -> bool:
        """Whether it is not closed: fresh, worked or paused."""
        return self.status in ACTIVE

    @property
    def bucket_label(self) -> str:
        return bucket_name(self.bucket)

    def holder(self, at: datetime) -> User | None:
        """Return who holds a running claim at `at`, None when nobody does."""
        running = self.claimed_until is not None and self.claimed_until > at
        return self.claimed_by if running else None

    def is_held_by(self, user: Any, at: datetime) -> bool:
        """Return whether `user` holds a running claim at `at`."""
        return self.claimed_by_id == user.pk and self.claimed_until is not None and self.claimed_until > at


class CaseDebt(models.Model):
    """One loan of a case with what of it was overdue at the last refresh; 0.00 once it is cured."""

    POLICY = Policy(
        owner="collections",
        meaning=_("loans a case is about"),
        retention=_("with the case"),
        level=3,
        kind="C2",
        purposes=("collections",),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "overdue_amount": _("What is overdue, CNY"),
        },
    )

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="debts", db_index=False)
    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, related_name="+")
    overdue_amount = MoneyField(default=ZERO)
    dpd = models.PositiveIntegerField(default=0)
    bucket = models.PositiveSmallIntegerField(default=0)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="case_debt_once", fields=["case", "loan"]),
            models.CheckConstraint(name="case_debt_not_negative", condition=Q(overdue_amount__gte=0)),
            models.CheckConstraint(name="case_debt_bucket_known", condition=Q(bucket__gte=0, bucket__lte=7)),
        ]

    def __str__(self) -> str:
        return f"{self.case_id}/{self.loan_id}"

    @property
    def bucket_label(self) -> str:
        return bucket_name(self.bucket)


class Skip(models.Model):
    """A case a collector left for another, with the reason; it comes back to them after `until`. Insert-only."""

    POLICY = Policy(
        owner="collections",
        meaning=_("cases left aside by a collector, and why"),
        retention=_("with the case"),
        level=2,
        kind="C1",
        purposes=("collections",),
        basis="contract",
        columns={
            "reason": _("Why it was left aside"),
        },
    )

    class Reason(models.TextChoices):
        HOURS = "hours", _("Not a good time to call")
        LANGUAGE = "language", _("Needs another language")
        KNOWN = "known", _("I know this person")
        WAITING = "waiting", _("Waits for somebody else in the house")
        ANOTHER = "another", _("A more urgent case came up")

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="skips", db_index=False)
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    reason = models.CharField(max_length=8, choices=Reason)
    at = models.DateTimeField()
    until = models.DateTimeField()

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="skip_reason_known", condition=Q(reason__in=["hours", "language", "known", "waiting", "another"])),
            models.CheckConstraint(name="skip_ends", condition=Q(until__gt=F("at"))),
        ]
        indexes = [models.Index(fields=["actor", "case", "until"], name="skip_of_actor")]  # the queue leaves these out

    def __str__(self) -> str:
        return f"{self.case_id} {self.reason}"
