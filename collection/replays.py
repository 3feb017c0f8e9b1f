"""Replay: the contacts of a span of days held against a draft of the policy, and what came after those it would have refused.

The rules of time and count are replayed, person by person and in order; a contact that the draft refuses is not made, so it does not count
against those after it. Stops, holds and the parties are as they were: a draft does not change them.

Cash is called delayed where a payment came within `AFTER` of a refused contact and no contact that stays came within those days: without it
the money might have come later. That is what the data can say; what would have happened nobody knows. A complaint is called avoided where it
was made in a refused contact, or within the same days after refused contacts only.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Max, Min
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from collection import cash, gate
from collection.contact_rules import problems
from collection.models import Complaint, Contact, Outcome, PolicyDraft, PolicyReplay
from credit import books
from credit.models import Transaction
from crm.lib.errors import DomainError, Invalid
from customers import contact_packs, contacts
from customers.contact_policy import INBOUND, Attempt, Pack, Question, Window, check, points
from customers.models import AgreedWindow, ContactAttempt, Customer
from governance import jobs
from governance.models import Job, LegalEntity, User
from ledger import log

JOB_KIND = "collections.replay"
SILENT = timedelta(minutes=5)  # a worker reports after each range of customers
TITLE = gettext_noop("Replay of contacts under a draft")
QUARTER, LONGEST = 91, 366  # days
AFTER = timedelta(days=7)
CHUNK = 500  # people in one step
ZERO = Decimal("0.00")


@dataclass
class Result:
    """What a replay found; sums and counts only."""

    attempts: int = 0
    refused: int = 0
    later: int = 0
    talks_refused: int = 0
    people: int = 0
    people_touched: int = 0
    paid: Decimal = ZERO
    delayed: Decimal = ZERO
    complaints: int = 0
    avoided: int = 0
    points: int = 0
    points_refused: int = 0
    wait_hours: Decimal = ZERO
    by_rule: Counter[str] = field(default_factory=Counter)
    by_channel: Counter[str] = field(default_factory=Counter)
    made_by_channel: Counter[str] = field(default_factory=Counter)
    weeks: dict[str, dict[str, Any]] = field(default_factory=dict)

    def week(self, day: date) -> dict[str, Any]:
        monday = (day - timedelta(days=day.weekday())).isoformat()
        return self.weeks.setdefault(monday, {"stays": 0, "refused": 0, "delayed": ZERO})

    def plain(self) -> dict[str, Any]:
        """Return it as JSON keeps it: amounts as text."""
        weeks = [{"week": week, **row, "delayed": str(row["delayed"])} for week, row in sorted(self.weeks.items())]
        amounts = {name: str(getattr(self, name)) for name in ("paid", "delayed", "wait_hours")}
        counters = {name: dict(getattr(self, name)) for name in ("by_rule", "by_channel", "made_by_channel")}
        return dict(vars(self)) | amounts | counters | {"weeks": weeks}


@dataclass(frozen=True, slots=True)
class Agreed:
    """Hours of a person's own, and the days on which they held: the last one None while they run, `ended_at` where they were ended early."""

    window: Window
    since: date
    until: date | None = None
    ended_at: datetime | None = None

    def held(self, at: datetime, zone: ZoneInfo) -> bool:
        day = at.astimezone(zone).date()
        return self.since <= day and (self.until is None or day <= self.until) and (self.ended_at is None or at < self.ended_at)


@dataclass(frozen=True, slots=True)
class Made:
    """One attempt as it was made."""

    pk: int
    attempt: Attempt
    purpose: str


# --- one person, pure ------------------------------------------------------------------------------------------------------
def replayed(
    made: list[Made], limits: Pack, *, since: datetime, zone: ZoneInfo, windows: Sequence[Agreed] = (), began: Sequence[datetime] = ()
) -> dict[int, tuple[str, Any]]:
    """Return the attempts from `since` on that `limits` refuse: their rule, and when they would have been allowed.

    :param made: the attempts of one person in the order of time, from 31 days before `since` on
    :param windows: hours agreed with them; of each attempt those count that held at its moment
    :param began: when they called in by themselves and were spoken with; no draft changes that
    """
    kept: list[Attempt] = []
    talks = tuple(Attempt(INBOUND, moment, True) for moment in began)
    refused: dict[int, tuple[str, Any]] = {}
    for one in made:
        at = one.attempt.at
        if at >= since:
            recent = tuple(each for each in kept if each.at > at - contacts.LOOK_BACK)
            hours = tuple(each.window for each in windows if each.held(at, zone))
            question = Question(one.attempt.channel, at, zone, purpose=one.purpose, attempts=(*recent, *talks), windows=hours)
            verdict = check(question, limits)
            if not verdict.allowed:
                refused[one.pk] = (verdict.rule, verdict.opens_at)
                continue
        kept.append(one.attempt)
    return refused


def after_refused_only(moment: datetime, stays: list[datetime], gone: list[datetime]) -> bool:
    """Return whether the days before a moment saw refused contacts and no other."""
    from_on = moment - AFTER
    return any(from_on <= at <= moment for at in gone) and not any(from_on <= at <= moment for at in stays)


# --- the work ---------------------------------------------------------------------------------------------------------------
@transaction.atomic
def start(draft: PolicyDraft, *, entity: LegalEntity, since: date, until: date, actor: User, at: datetime) -> PolicyReplay:
    """Order a replay; a worker does it, and the page may be left.

    :raises Invalid: for days that lie ahead, the wrong way round, or more than a year apart
    """
    wrong: dict[str, Any] = {}
    if until > books.local_day(entity, at):
        wrong["until"] = _("The last day cannot lie ahead.")
    if since > until:
        wrong["since"] = _("The first day cannot lie after the last.")
    elif (until - since).days > LONGEST:
        wrong["since"] = _("At most a year at once.")
    if found := problems(draft.values):
        wrong["since"] = next(iter(found.values()))
    if wrong:
        raise Invalid(_("Some values cannot be; see the fields."), fields=wrong)
    job = jobs.start(kind=JOB_KIND, title=TITLE, actor=actor, at=at)
    made = PolicyReplay.objects.create(
        draft=draft, legal_entity=entity, job=job, since=since, until=until, values=draft.values, made_by=actor, made_at=at
    )
    log.record("collections.replay.ordered", made, actor=actor, at=at, since=since, until=until)
    return made


def run(replay_id: int, *, clock: Callable[[], datetime]) -> None:
    """Do a replay that waits; one that another worker has, or that is over, is left to it."""
    replay = PolicyReplay.objects.select_related("job", "legal_entity", "draft").get(pk=replay_id)
    job = jobs.claim(replay.job_id, at=clock())
    if job is None:
        return
    try:
        result = worked_out(replay, job=job, clock=clock)
    except DomainError as refused:  # a rule of the rule book is missing
        jobs.fail(job, str(refused), at=clock())
        return
    with transaction.atomic():
        at = clock()
        PolicyReplay.objects.filter(pk=replay.pk).update(result=result.plain(), finished_at=at)
        jobs.finish(job, at=at, refused=result.refused, attempts=result.attempts)
        log.record(
            "collections.replay.done", replay, actor=replay.made_by, at=at, attempts=result.attempts, refused=result.refused,
            delayed=result.delayed, avoided=result.avoided,
        )  # fmt: skip


def unfinished(*, at: datetime) -> list[int]:
    """Return the replays nobody works at: the broker lost their start, or their worker died; a dead one's begins anew."""
    left = PolicyReplay.objects.filter(finished_at__isnull=True, made_at__lt=at - SILENT)
    jobs.put_back(left.values_list("job_id", flat=True), silent_since=at - SILENT)
    return list(left.filter(job__status=Job.Status.WAITING).order_by("pk").values_list("pk", flat=True))


def worked_out(replay: PolicyReplay, *, job: Job | None, clock: Callable[[], datetime]) -> Result:
    """Return what the draft would have done, over one range of people after the other."""
    entity, home = replay.legal_entity, ZoneInfo(replay.legal_entity.zone)
    since = datetime.combine(replay.since, time.min, tzinfo=home)
    until = datetime.combine(replay.until + timedelta(days=1), time.min, tzinfo=home)
    held = contact_packs.made(contact_packs.values_on(clock().date()) | replay.values, on=replay.since)
    result = Result()
    for ids in ranges(entity, since=since, until=until):
        one_range(ids, result, limits=held.pack, home=home, since=since, until=until)
        if job is not None:
            jobs.progress(job, at=clock(), done=len(ids))
    return result


def ranges(entity: LegalEntity, *, since: datetime, until: datetime) -> Iterator[list[int]]:
    """Return the people who were contacted in the span, some at a time."""
    rows = ContactAttempt.objects.filter(at__gte=since, at__lt=until, customer__legal_entity=entity)
    ends = rows.aggregate(first=Min("customer_id"), last=Max("customer_id"))
    if ends["first"] is None:
        return
    after: int = ends["first"] - 1
    while ids := list(rows.filter(customer_id__gt=after).order_by("customer_id").values_list("customer_id", flat=True).distinct()[:CHUNK]):
        yield ids
        after = ids[-1]


def one_range(ids: list[int], result: Result, *, limits: Pack, home: ZoneInfo, since: datetime, until: datetime) -> None:
    """Replay some people and add what it found; six queries however many they are."""
    made: dict[tuple[int, int | None], list[Made]] = defaultdict(list)
    rows = ContactAttempt.objects.filter(customer_id__in=ids, at__gte=since - contacts.LOOK_BACK, at__lt=until).order_by("at", "pk")
    for pk, who, beside, channel, at, connected, untold, purpose in rows.values_list(
        "pk", "customer_id", "relation_id", "channel", "at", "connected", "open_until", "purpose"
    ):
        made[who, beside].append(Made(pk, Attempt(channel, at, connected, untold), purpose))
    began: dict[tuple[int, int | None], list[datetime]] = defaultdict(list)
    for whose, relation_id, moment in gate.began(ids, since - contacts.LOOK_BACK, until=until):
        began[whose, relation_id].append(moment)
    zones = {pk: ZoneInfo(zone) if zone else home for pk, zone in Customer.objects.filter(pk__in=ids).values_list("pk", "zone")}
    windows = agreed(ids, since=since.date(), until=until.date())
    payments = paid(ids, since=since.date(), until=until.date())
    moaned = complaints(ids, since=since, until=until)
    stays: dict[int, list[datetime]] = defaultdict(list)
    gone: dict[int, list[datetime]] = defaultdict(list)
    all_refused: set[int] = set()
    for (customer_id, relation_id), rows_of in made.items():
        zone = zones.get(customer_id, home)
        own = windows.get(customer_id, ()) if relation_id is None else ()
        refused = replayed(rows_of, limits, since=since, zone=zone, windows=own, began=began.get((customer_id, relation_id), []))
        for one in rows_of:
            if one.attempt.at >= since:
                count(one, refused.get(one.pk), result, zone)
                (gone if one.pk in refused else stays)[customer_id].append(one.attempt.at)
        all_refused.update(refused)
    result.people += len(ids)
    result.people_touched += len(gone)
    follow(result, payments=payments, stays=stays, gone=gone, home=home)
    for customer_id, moment, attempt_id in moaned:
        result.complaints += 1
        if attempt_id in all_refused or after_refused_only(moment, stays.get(customer_id, []), gone.get(customer_id, [])):
            result.avoided += 1


def count(one: Made, refusal: tuple[str, Any] | None, result: Result, zone: ZoneInfo) -> None:
    """Add one attempt to the figures."""
    weight, week = points(one.attempt, zone), result.week(one.attempt.at.astimezone(zone).date())
    result.attempts += 1
    result.points += weight
    result.made_by_channel[one.attempt.channel] += 1
    if refusal is None:
        week["stays"] += 1
        return
    rule, opens_at = refusal
    week["refused"] += 1
    result.refused += 1
    result.points_refused += weight
    result.talks_refused += one.attempt.connected
    result.by_rule[rule] += 1
    result.by_channel[one.attempt.channel] += 1
    if opens_at is not None:
        result.later += 1
        result.wait_hours += Decimal(int((opens_at - one.attempt.at).total_seconds()) // 60) / 60


def follow(
    result: Result,
    *,
    payments: list[tuple[int, date, Decimal]],
    stays: Mapping[int, list[datetime]],
    gone: Mapping[int, list[datetime]],
    home: ZoneInfo,
) -> None:
    """Add the payments that came after."""
    for customer_id, day, amount in payments:
        evening = datetime.combine(day, time.max, tzinfo=home)
        result.paid += amount
        if after_refused_only(evening, stays.get(customer_id, []), gone.get(customer_id, [])):
            result.delayed += amount
            result.week(day)["delayed"] += amount


def agreed(ids: list[int], *, since: date, until: date) -> dict[int, list[Agreed]]:
    """Return the hours agreed with each person at any time of the span, with the days on which they held."""
    found: dict[int, list[Agreed]] = defaultdict(list)
    rows = AgreedWindow.objects.filter(customer_id__in=ids, since__lte=until).exclude(until__lt=since)
    for row in rows:
        window = Window(row.opens, row.closes, row.kind == AgreedWindow.Kind.AGREED)
        found[row.customer_id].append(Agreed(window, row.since, row.until, row.ended_at))
    return found


def paid(ids: list[int], *, since: date, until: date) -> list[tuple[int, date, Decimal]]:
    """Return what these people paid in the span and was not taken back."""
    rows = Transaction.objects.filter(
        loan__customer_id__in=ids, kind__in=cash.BRINGS, value_on__gte=since, value_on__lt=until, reversal__isnull=True
    )
    return list(rows.values_list("loan__customer_id", "value_on", "amount"))


def complaints(ids: list[int], *, since: datetime, until: datetime) -> list[tuple[int, datetime, int | None]]:
    """Return the complaints of these customers: whose, when, and the attempt it was made in, if one was counted.

    One told in a contact and filed on the same day is one.
    """
    rows = Contact.objects.filter(case__customer_id__in=ids, outcome=Outcome.COMPLAINT, at__gte=since, at__lt=until)
    told = list(rows.values_list("case__customer_id", "at", "attempt_id"))
    days = {(customer, localdate(at)) for customer, at, _attempt in told}
    filed = Complaint.objects.filter(case__customer__in=ids, opened_at__gte=since, opened_at__lt=until).values_list(
        "case__customer", "opened_at"
    )
    return told + [(customer, at, None) for customer, at in filed if (customer, localdate(at)) not in days]
