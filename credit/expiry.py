"""What time ends: offers past their last day, approvals and drafts nobody took further."""

from datetime import datetime, timedelta

from django.db.models import Q

from credit import applications, offers, papers
from credit.books import local_day, value_day
from credit.models import Application, CounterOffer, Offer
from governance import rules, users
from governance.lifecycle import IllegalMove, MovedMeanwhile
from governance.models import LegalEntity

DRAFT_DAYS = "application.draft_days"


def expire(entity: LegalEntity, *, at: datetime) -> int:
    """End offers and applications of `entity` whose time is over, and count schedules anew where waiting changes amounts.

    Return how many applications ended. One that somebody moves at the same moment is left to them.
    """
    today = value_day(entity, at)
    unused = at - timedelta(days=int(rules.value(DRAFT_DAYS, on=today)))
    lapsed = Q(status=Application.Status.OFFERED, offers__status=Offer.Status.MADE, offers__expires_on__lt=today)
    begun = [Application.Status.DRAFT, *Application.IN_REVIEW, Application.Status.APPROVED]
    idle = Q(status__in=begun, created_at__lt=unused)
    # the calendar's day, not the books': a counter-offer and papers are promised to a person by date
    on = local_day(entity, at)
    unanswered = Q(status=Application.Status.COUNTERED, counter_offers__status=CounterOffer.Status.OPEN, counter_offers__due_on__lt=on)
    silent, lost = papers.overdue(entity_id=entity.pk, on=on)
    for request in silent:
        papers.remind(request, at=at)
    asked = Q(status=Application.Status.WAITING, pk__in=[request.application_id for request in lost])
    ended = 0
    for application in Application.objects.filter(lapsed | idle | unanswered | asked, legal_entity=entity).distinct().order_by("pk"):
        try:
            applications.expire(application, at=at)
        except (IllegalMove, MovedMeanwhile):
            continue
        ended += 1
    _renew(entity, at=at)
    return ended


def _renew(entity: LegalEntity, *, at: datetime) -> None:
    """Where interest follows actual days, a later start changes amounts: show the table of the day it can be accepted on."""
    today = value_day(entity, at)
    standing = Offer.objects.filter(application__legal_entity=entity, status=Offer.Status.MADE, starts_on__lt=today)
    for offer in standing.exclude(application__product__day_count="30/360").order_by("pk"):
        try:
            offers.renew(offer, actor=users.system(), at=at)
        except (offers.OfferLapsed, offers.OverRateCap):
            continue
