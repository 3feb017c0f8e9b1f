"""Requests for credit, what is held for them, what is offered."""

import uuid
from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from credit.models.common import Belonging, CreditQuerySet
from credit.models.products import Product
from crm.lib.fields import MoneyField, PublicIdField, RateField
from crm.lib.policy import SUMMED, Column, Policy
from customers.models import Customer
from governance.fields import SealedTextField
from governance.models import User
from risk.models import Decision


class ApplicationQuerySet(CreditQuerySet["Application"]):
    scope_product = "product__code"

    def for_page(self) -> Self:
        """Join what the page of one application shows."""
        return self.select_related("customer", "product", "decision", "branch", "owner")

    def for_list(self, *, reasons: bool = False) -> Self:
        """Join what a list row shows, without the JSON and sealed text that cost more to read than all the rest of it.

        With `reasons` the row tells why in sentences, whose figures stand among the decision's facts.
        """
        heavy = ["stated", "note", "decision__trace", "decision__sources", "decision__reasons", "product__fees", "product__rates_by_grade"]
        return self.for_page().defer(*heavy, *([] if reasons else ["decision__facts", "decision__figures"]))

    def for_api(self) -> Self:
        """Join what an answer of the API names, and of the joined records no more than that."""
        own = [field.name for field in Application._meta.concrete_fields if field.name != "note"]
        named = ("customer__public_id", "product__code", "loan__public_id", "loan__application")
        decided = ("public_id", "strategy_version", "scorecard_version", "facts", "figures")  # the last two for the reasons
        only = (*own, *named, *(f"decision__{name}" for name in decided))
        return self.select_related("customer", "product", "decision", "loan").only(*only)

    def open(self) -> Self:
        """Narrow to applications that have not ended."""
        return self.filter(status__in=Application.OPEN)

    def referred(self) -> Self:
        """Narrow to those that wait for a person."""
        return self.filter(status=Application.Status.REFERRED)


class Application(Belonging):
    """A request for credit, from draft to booked or ended."""

    POLICY = Policy(
        owner="credit",
        meaning=_("requests for credit and how they were decided"),
        retention=_("5y after the end of the loan or the decision"),
        personal={"stated": "C1", "note": "C2"},
        level=3,
        kind="C2",
        purposes=("underwriting", "servicing", "compliance"),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "purpose": _("What the applicant wants the money for"),
            "stated": Column(_("What the applicant stated, without identifiers"), mask="none"),
            "approved_amount": _("Amount that was approved, CNY"),
            "approved_term": _("Term that was approved, in months"),
            "approved_rate": _("Rate that was approved, as a fraction"),
            "reason_codes": _("Codes of the reasons of the decision"),
            "note": Column(_("What the decider wrote"), mask="text"),
        },
    )

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SUBMITTED = "submitted", _("Submitted")
        EVALUATING = "evaluating", _("Evaluating")
        REFERRED = "referred", _("Referred")
        WAITING = "waiting", _("Waiting for papers")
        PROPOSED = "proposed", _("Waiting for a second person")
        COUNTERED = "countered", _("Counter-offered")
        APPROVED = "approved", _("Approved")
        DECLINED = "declined", _("Declined")
        OFFERED = "offered", _("Offered")
        ACCEPTED = "accepted", _("Accepted")
        BOOKED = "booked", _("Booked")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        EXPIRED = "expired", _("Expired")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.DRAFT: {Status.SUBMITTED, Status.WITHDRAWN, Status.EXPIRED},
        Status.SUBMITTED: {Status.EVALUATING, Status.WITHDRAWN},
        Status.EVALUATING: {Status.APPROVED, Status.REFERRED, Status.DECLINED, Status.WITHDRAWN},
        Status.REFERRED: {
            Status.APPROVED,
            Status.DECLINED,
            Status.WAITING,
            Status.PROPOSED,
            Status.COUNTERED,
            Status.WITHDRAWN,
            Status.EXPIRED,
        },
        Status.WAITING: {Status.REFERRED, Status.WITHDRAWN, Status.EXPIRED},
        Status.PROPOSED: {Status.REFERRED, Status.APPROVED, Status.COUNTERED, Status.WITHDRAWN, Status.EXPIRED},
        Status.COUNTERED: {Status.REFERRED, Status.APPROVED, Status.WITHDRAWN, Status.EXPIRED},
        Status.APPROVED: {Status.OFFERED, Status.WITHDRAWN, Status.EXPIRED},
        Status.OFFERED: {Status.ACCEPTED, Status.WITHDRAWN, Status.EXPIRED},
        Status.ACCEPTED: {Status.BOOKED},
        Status.BOOKED: set(),
        Status.DECLINED: set(),
        Status.WITHDRAWN: set(),
        Status.EXPIRED: set(),
    }
    OPEN: ClassVar[tuple[str, ...]] = (
        "draft", "submitted", "evaluating", "referred", "waiting", "proposed", "countered", "approved", "offered", "accepted",
    )  # fmt: skip
    # In a person's hands: referred, and what a person began and did not end.
    IN_REVIEW: ClassVar[tuple[str, ...]] = ("referred", "waiting", "proposed", "countered")
    TONES: ClassVar[dict[str, str]] = {"waiting": "warn", "proposed": "info", "countered": "info"}
    APPROVED_ON: ClassVar[tuple[str, ...]] = ("approved", "offered", "accepted", "booked")

    public_id = PublicIdField(prefix="A")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="applications")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="applications")
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    amount = MoneyField(help_text="asked for")
    term = models.PositiveSmallIntegerField(help_text="months asked for")
    purpose = models.CharField(max_length=40)
    stated = models.JSONField(default=dict, help_text="what the applicant stated, by the names of the risk facts")
    reference = models.CharField(max_length=60, blank=True, default="", help_text="the sender's own number")
    decision = models.ForeignKey(Decision, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    approved_amount = MoneyField(null=True, blank=True)
    approved_term = models.PositiveSmallIntegerField(null=True, blank=True)
    approved_rate = RateField(null=True, blank=True)
    reason_codes = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    seal_key = models.UUIDField(default=uuid.uuid4, editable=False)
    note = SealedTextField(
        "credit.application.note", null=True, blank=True, help_text="the underwriter's words: people write names into them"
    )
    entered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, blank=True)
    evaluation_started_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    review_due_at = models.DateTimeField(
        null=True, blank=True, help_text="when the underwriter's clock runs out; empty: counted from submission, see credit/clocks.py"
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                name="application_one_open_per_customer_product",
                fields=["customer", "product"],
                condition=Q(
                    status__in=[
                        "draft",
                        "submitted",
                        "evaluating",
                        "referred",
                        "waiting",
                        "proposed",
                        "countered",
                        "approved",
                        "offered",
                        "accepted",
                    ]
                ),
            ),
            models.UniqueConstraint(name="application_reference_once", fields=["legal_entity", "reference"], condition=~Q(reference="")),
            models.CheckConstraint(
                name="application_status_known",
                condition=Q(
                    status__in=[
                        "draft",
                        "submitted",
                        "evaluating",
                        "referred",
                        "waiting",
                        "proposed",
                        "countered",
                        "approved",
                        "declined",
                        "offered",
                        "accepted",
                        "booked",
                        "withdrawn",
                        "expired",
                    ]
                ),
            ),
            models.CheckConstraint(name="application_asks_for_something", condition=Q(amount__gt=0, term__gt=0)),
            models.CheckConstraint(
                name="application_approved_has_terms",
                condition=~Q(status__in=["approved", "offered", "accepted", "booked"])
                | Q(
                    approved_amount__isnull=False,
                    approved_amount__gt=0,
                    approved_term__isnull=False,
                    approved_term__gt=0,
                    approved_rate__isnull=False,
                    approved_rate__gte=0,
                    decided_at__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="application_declined_has_reasons",
                condition=~Q(status="declined") | Q(reason_codes__len__gt=0, decided_at__isnull=False),
            ),
            models.CheckConstraint(
                name="application_submitted_has_moment",
                condition=Q(status__in=["draft", "withdrawn", "expired"]) | Q(submitted_at__isnull=False),
            ),
            models.CheckConstraint(
                name="application_not_decided_by_who_entered", condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("entered_by"))
            ),
        ]
        indexes = [
            # the referral queue, oldest first
            models.Index(fields=["submitted_at", "id"], name="application_referred", condition=Q(status="referred")),
            # what a person began and did not end: papers asked for, second persons, counter-offers
            models.Index(
                fields=["status", "submitted_at", "id"],
                name="application_begun",
                condition=Q(status__in=["waiting", "proposed", "countered"]),
            ),
            # the board: open applications by stage, the oldest first; few of a book are open
            models.Index(
                fields=["status", "id"],
                name="application_stage",
                condition=Q(
                    status__in=[
                        "draft",
                        "submitted",
                        "evaluating",
                        "referred",
                        "waiting",
                        "proposed",
                        "countered",
                        "approved",
                        "offered",
                        "accepted",
                    ]
                ),
            ),
            # what the sweepers look for: evaluations that did not finish
            models.Index(fields=["id"], name="application_unfinished", condition=Q(status__in=["submitted", "evaluating"])),
            # lists by branch and by responsible user, newest first
            models.Index(fields=["branch", "-id"], name="application_of_branch"),
            models.Index(fields=["owner", "-id"], name="application_of_owner"),
            # approval rates and the funnel count a few months of years, from the index alone
            models.Index(
                fields=["decided_at"],
                include=["legal_entity", "branch", "owner", "status", "approved_amount"],
                name="application_decided",
                condition=Q(decided_at__isnull=False),
            ),
            models.Index(
                fields=["submitted_at"],
                include=["legal_entity", "branch", "owner", "status", "approved_amount"],
                name="application_submitted",
                condition=Q(submitted_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN


class Reservation(models.Model):
    """A part of the person's exposure held for one application from approval until it is booked or ends."""

    POLICY = Policy(
        owner="credit",
        meaning=_("exposure held for an application"),
        retention=_("5y after the application"),
        level=3,
        kind="C2",
        purposes=("underwriting",),
        basis="contract",
        lies_open=SUMMED,
    )

    class Status(models.TextChoices):
        LIVE = "live", _("Live")
        USED = "used", _("Used")
        RELEASED = "released", _("Released")

    application = models.OneToOneField(Application, on_delete=models.PROTECT, related_name="reservation")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    amount = MoneyField()
    status = models.CharField(max_length=8, choices=Status, default=Status.LIVE)
    reserved_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = models.Manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="reservation_of_something", condition=Q(amount__gt=0)),
            models.CheckConstraint(name="reservation_status_known", condition=Q(status__in=["live", "used", "released"])),
            models.CheckConstraint(name="reservation_ended_has_moment", condition=Q(status="live") | Q(ended_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.amount} ({self.status})"


class OfferQuerySet(CreditQuerySet["Offer"]):
    scope_owner = "application__owner"
    scope_team = "application__branch"
    scope_product = "application__product__code"
    scope_customer = "application__customer"

    def of_entity(self, user: Any) -> Self:
        return self.filter(application__legal_entity=user.team.legal_entity_id) if user.team_id else self

    def for_list(self) -> Self:
        return self.select_related("application", "application__customer", "application__product")


class Offer(models.Model):
    """Terms offered until a date, with the schedule and the cost table the borrower sees before signing."""

    POLICY = Policy(
        owner="credit",
        meaning=_("terms offered, and the borrower's confirmation of their cost"),
        retention=_("5y after the loan"),
        level=3,
        kind="C2",
        purposes=("underwriting", "servicing"),
        basis="contract",
        lies_open=SUMMED,
        columns={
            "nominal_rate": _("Nominal rate a year after all costs, as a fraction"),
            "effective_rate": _("Effective rate a year after all costs, as a fraction"),
            "schedule": _("Instalments as offered"),
            "cost_table": _("All costs, as shown to the borrower"),
            "disclosure_seconds": _("How long the borrower had the costs before them, in seconds"),
            "disclosure_hash": _("Hash of what the borrower confirmed"),
            "disclosure_channel": _("How the borrower confirmed: by link, by machine, at the till or signed at the counter"),
            "disclosure_witness": _("Who saw the borrower sign"),
            "quote": _("The document of these terms, with its hash"),
        },
    )

    class Status(models.TextChoices):
        MADE = "made", pgettext_lazy("offer", "Made")
        ACCEPTED = "accepted", _("Accepted")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        EXPIRED = "expired", _("Expired")

    MOVES: ClassVar[dict[str, set[str]]] = {
        Status.MADE: {Status.ACCEPTED, Status.WITHDRAWN, Status.EXPIRED},
        Status.ACCEPTED: set(),
        Status.WITHDRAWN: set(),
        Status.EXPIRED: set(),
    }
    TONES: ClassVar[dict[str, str]] = {"made": "info"}

    class Disclosed(models.TextChoices):
        LINK = "link", _("Online, by the borrower")
        API = "api", _("In the sender's own system")
        SHOP = "shop", _("On the order-payment page of a shop")
        COUNTER = "counter", _("At a counter, signed")

    public_id = PublicIdField(prefix="O")
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="offers")
    status = models.CharField(max_length=9, choices=Status, default=Status.MADE)
    amount = MoneyField()
    term = models.PositiveSmallIntegerField(help_text="months")
    annual_rate = RateField()
    penalty_rate = RateField()
    nominal_rate = RateField(help_text="annualised total cost, monthly IRR × 12")
    effective_rate = RateField(help_text="annualised total cost, compounded")
    starts_on = models.DateField(help_text="the day the schedule counts from")
    schedule = models.JSONField(help_text="rows: seq, from_on, due_on, principal, interest, fee, payment, balance")
    cost_table = models.JSONField()
    cost_hash = models.CharField(max_length=64)
    expires_on = models.DateField(help_text="the last day it can be accepted")
    made_at = models.DateTimeField()
    disclosure_confirmed_at = models.DateTimeField(null=True, blank=True)
    disclosure_confirmed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    disclosure_seconds = models.PositiveIntegerField(null=True, blank=True, help_text="how long the table was on the screen")
    disclosure_hash = models.CharField(max_length=64, blank=True, default="", help_text="hash of the table that was confirmed")
    disclosure_channel = models.CharField(max_length=7, choices=Disclosed, blank=True, default="", db_default="")
    disclosure_witness = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    quote = models.ForeignKey("credit.Quote", null=True, blank=True, on_delete=models.PROTECT, related_name="offers")
    accepted_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = OfferQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="offer_one_standing", fields=["application"], condition=Q(status__in=["made", "accepted"])),
            models.CheckConstraint(name="offer_status_known", condition=Q(status__in=["made", "accepted", "withdrawn", "expired"])),
            models.CheckConstraint(
                name="offer_of_something", condition=Q(amount__gt=0, term__gt=0, annual_rate__gte=0, penalty_rate__gte=0)
            ),
            models.CheckConstraint(
                name="offer_disclosure_channel_known", condition=Q(disclosure_channel__in=["", "link", "api", "shop", "counter"])
            ),
            models.CheckConstraint(
                name="offer_accepted_only_after_disclosure",
                condition=~Q(status="accepted")
                | Q(accepted_at__isnull=False, disclosure_confirmed_at__isnull=False, disclosure_hash=F("cost_hash")),
            ),
        ]
        indexes = [
            # the daily expiry
            models.Index(fields=["expires_on"], name="offer_open_expiry", condition=Q(status="made")),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def customer_id(self) -> int:
        return self.application.customer_id

    @property
    def is_confirmed(self) -> bool:
        """Whether the table as it stands was confirmed."""
        return self.disclosure_confirmed_at is not None and self.disclosure_hash == self.cost_hash
