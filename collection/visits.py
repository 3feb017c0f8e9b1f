"""Doors of field visits: want, plan for two, begin at the door, join, end; their photographs, the address on the day.

The hours are those of the contact policy by the debtor's clock, narrowed by the house's own, without the hours the debtor asked to be left out.
The policy's verdict and its place among the counts are one step, taken when the visit begins. Nobody goes alone: the second person joins from
their own sign-in before anything is written down.
"""

import re
from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from collection import cases, contested, holds, photo_clean
from collection import contacts as case_contacts
from collection.holds import Name
from collection.judgement import Part
from collection.models import Case, Channel, FieldVisit, Outcome, VisitPhoto
from collection.models.visits import UNDER_WAY
from credit import books, exposure
from crm.lib.errors import DomainError, Invalid, NotAllowed
from customers import contact_gate, contact_policy, contacts, reveals
from governance import files, rules, users
from governance.lifecycle import move
from governance.models import LegalEntity, User
from ledger import log

HOURS = "collections.visit.hours"
CONSENT = "2026-11"  # raise it with every change of the words the two agree to
Status = FieldVisit.Status
QUARTER = timedelta(minutes=15)
DISTRICT = re.compile(r"^.{1,12}?[区县旗]|^.{1,8}?市|^.{1,8}?省")
STOPS: Sequence[tuple[Name, Any]] = (
    (Name.DECEASED, _("The customer has died: nobody goes there about the debt.")),
    (Name.VULNERABLE, _("The customer needs special care: nobody goes there unasked.")),
    (Name.COMPLAINT, _("A complaint is open: it is answered before anybody goes there.")),
    (Name.SETTLEMENT, _("A settlement is being paid: nobody goes there while it is kept.")),
)


class NoVisit(DomainError):
    """Something stands between the house and this door."""

    code = "no_visit"


class VisitUnderWay(DomainError):
    """One visit of a case at a time."""

    code = "visit_under_way"


class NotThen(Invalid):
    """The law, the house or the debtor's own wish closes these hours."""

    code = "visit_not_then"


class NotYours(NotAllowed):
    """Only the two who are sent may act on a visit."""

    code = "visit_not_yours"


class NotToday(DomainError):
    """A visit begins on its day, within its hours."""

    code = "visit_not_today"


class VisitAlone(DomainError):
    """Nobody visits alone."""

    code = "visit_alone"


def locked(visit: FieldVisit) -> FieldVisit:
    rows = FieldVisit.objects.select_for_update(of=("self",)).select_related("case__legal_entity", "case__customer__legal_entity")
    return rows.get(pk=visit.pk)


def facts(row: FieldVisit) -> dict[str, Any]:
    return {"customer_id": row.case.customer_id, "case": row.case.public_id}


def refuse_held(case: Case) -> None:
    """Go on only if nothing keeps people from this door.

    :raises CaseClosed: if the case is closed
    :raises CasePaused: if its work waits
    :raises NoVisit: by what stands
    """
    if not case.is_open:
        raise cases.CaseClosed(_("Case %(case)s is closed.") % {"case": case.public_id})
    case_contacts.in_work(case)
    standing = holds.standing([case.customer_id]).get(case.customer_id, {})
    for name, sentence in STOPS:
        if name in standing:
            raise NoVisit(sentence)


def area_of(address: str | None) -> str:
    """Return province, city and district of an address, nothing of the street; "" where it does not say."""
    found = DISTRICT.match("".join((address or "").split()))
    return found.group(0) if found else ""


@transaction.atomic
def want(case: Case, *, why: str, actor: User, at: datetime, source: str = FieldVisit.Source.PERSON) -> FieldVisit:
    """Ask for a visit; whoever plans visits gives it a day and two persons.

    :raises CaseClosed: if the case is closed
    :raises CasePaused: if its work waits
    :raises CaseFrozen: if a complaint keeps `actor` from it
    :raises NoVisit: by what keeps people from this door
    :raises VisitUnderWay: if one of the case is under way
    :raises Invalid: if it says no reason, or no address is on file
    """
    row = Case.objects.select_for_update(of=("self",)).select_related("legal_entity", "customer").get(pk=case.pk)
    contested.refuse_frozen(row, actor)
    refuse_held(row)
    if why not in FieldVisit.Why.values:
        raise Invalid(_("Choose what the visit is for."), fields={"why": _("Choose what the visit is for.")})
    if not row.customer.address:
        raise Invalid(
            _("No address is on file: there is no door to go to."), fields={"why": _("No address is on file: there is no door to go to.")}
        )
    try:
        with transaction.atomic():
            made = FieldVisit(case=row, why=why, source=source, area=area_of(row.customer.address), wanted_by=actor, wanted_at=at)
            made.save(force_insert=True)
    except IntegrityError as error:
        if "visit_one_under_way" not in str(error):
            raise
        raise VisitUnderWay(_("A visit of case %(case)s is under way.") % {"case": row.public_id}) from None
    log.record("collections.visit.wanted", made, actor=actor, at=at, why=why, source=source, **facts(made))
    return made


@transaction.atomic
@transaction.atomic
def want_for(case_ids: Collection[int], *, at: datetime) -> dict[int, str]:
    """Ask for a visit of each case that a step of treatment brought this far; return why not, by case, "" where it was.

    The same bars as of `want`, asked for all at once: a constant number of statements, however many cases there are.
    """
    rows = list(
        Case.objects.filter(pk__in=case_ids).select_for_update(of=("self",)).select_related("legal_entity", "customer").order_by("pk")
    )
    standing = holds.standing([row.customer_id for row in rows])
    busy = set(FieldVisit.objects.filter(case__in=case_ids, status__in=UNDER_WAY).values_list("case", flat=True))
    actor, found, made = users.system(), dict.fromkeys(case_ids, ""), []
    for row in rows:
        if not row.is_open:
            found[row.pk] = cases.CaseClosed.code
        elif row.status == Case.Status.PAUSED:
            found[row.pk] = cases.CasePaused.code
        elif any(name in standing.get(row.customer_id, {}) for name, _sentence in STOPS):
            found[row.pk] = NoVisit.code
        elif not row.customer.address:
            found[row.pk] = Invalid.code
        elif row.pk in busy:
            found[row.pk] = VisitUnderWay.code
        else:
            area = area_of(row.customer.address)
            made.append(
                FieldVisit(case=row, why=FieldVisit.Why.LOST, source=FieldVisit.Source.TREATMENT, area=area, wanted_by=actor, wanted_at=at)
            )
    FieldVisit.objects.bulk_create(made)
    told = {"why": str(FieldVisit.Why.LOST), "source": str(FieldVisit.Source.TREATMENT)}
    entries = [log.Row(FieldVisit._meta.label_lower, each.pk, each.case.customer_id, told | {"case": each.case.public_id}) for each in made]
    log.record_many("collections.visit.wanted", entries, actor=actor, at=at)
    return found


# --- planning ------------------------------------------------------------------------------------------------------
@transaction.atomic
def plan(visit: FieldVisit, *, on: date, opens: time, closes: time, first: User, second: User, actor: User, at: datetime) -> FieldVisit:
    """Give a visit its day, its hours by the debtor's clock, and two persons.

    :raises NotThen: if the law, the house or the debtor's own wish closes a part of these hours
    :raises Invalid: with a sentence per wrong value
    :raises NoVisit: by what keeps people from this door
    :raises IllegalMove: if it is planned already or over
    """
    row = locked(visit)
    contested.refuse_frozen(row.case, actor)
    refuse_held(row.case)
    problems = wrong(row, on=on, opens=opens, closes=closes, first=first, second=second, at=at)
    if problems:
        raise Invalid(_("Some values cannot be; see the fields."), fields=problems)
    refuse_hours(row, on=on, opens=opens, closes=closes, at=at)
    done = move(
        row, Status.PLANNED, event="collections.visit.planned", actor=actor, at=at,
        facts=facts(row) | {"on": on, "first": first.pk, "second": second.pk}, on=on, opens=opens, closes=closes, first=first, second=second,
        planned_by=actor,
    )  # fmt: skip
    Case.objects.open().filter(pk=row.case_id).update(next_action=Channel.VISIT, next_action_on=on)
    return done


def wrong(row: FieldVisit, *, on: date, opens: time, closes: time, first: User, second: User, at: datetime) -> dict[str, Any]:
    """Return a sentence per value that cannot be."""
    problems: dict[str, Any] = {}
    today = at.astimezone(contacts.zone_of(row.case.customer)).date()
    last = today + timedelta(days=int(rules.value("collections.next_action.days", on=today)))
    if not today <= on <= last:
        problems["on"] = _("The day must be from %(first)s to %(last)s.") % {"first": today.isoformat(), "last": last.isoformat()}
    if closes <= opens:
        problems["closes"] = _("The end has to be after the beginning; hours over midnight are entered as two.")
    if first.pk == second.pk:
        problems["second"] = _("Two different persons go: nobody visits alone.")
    for name, user in (("first", first), ("second", second)):
        if contested.is_frozen(row.case, user):
            problems[name] = _("A complaint about %(name)s stands on this case: choose another person.") % {"name": user}
        elif not cases.may_work(user, row.case):
            problems[name] = _("%(name)s cannot work this case: role or team does not reach it.") % {"name": user}
        elif busy(user, row, on=on, opens=opens, closes=closes):
            problems[name] = _("%(name)s is on another visit in these hours.") % {"name": user}
    return problems


def busy(user: User, row: FieldVisit, *, on: date, opens: time, closes: time) -> bool:
    """Return whether a person is sent elsewhere in hours that touch these."""
    rows = FieldVisit.objects.filter(status__in=[Status.PLANNED, Status.BEGUN], on=on, opens__lt=closes, closes__gt=opens).exclude(
        pk=row.pk
    )
    return bool(rows.filter(Q(first=user.pk) | Q(second=user.pk)).exists())


def refuse_hours(row: FieldVisit, *, on: date, opens: time, closes: time, at: datetime) -> None:
    """Go on only if every quarter of an hour of `[opens, closes)` is open by the rules and by the debtor's wish.

    :raises NotThen: naming what closes them
    """
    customer = row.case.customer
    zone = contacts.zone_of(customer)
    house = rules.value(HOURS, on=on)
    if not time.fromisoformat(house["opens"]) <= opens < closes <= time.fromisoformat(house["closes"]):
        sentence = _("The house visits from %(opens)s to %(closes)s by the debtor's clock.") % house
        raise NotThen(sentence, fields={"opens": sentence})
    begins = max(datetime.combine(on, opens, tzinfo=zone), at)
    asked = contacts.judged(customer, Channel.VISIT, begins)
    ends = datetime.combine(on, closes, tzinfo=zone)
    windows = contacts.windows_of([customer.pk], on=on).get(customer.pk, ())
    moment = begins
    checks = (contact_policy.party, contact_policy.bars, contact_policy.hours)
    while moment < ends:
        question = asked.question._replace(at=moment, windows=windows)
        found = contact_policy.once(question, asked.held.pack, checks)
        if not found.allowed:
            sentence = contacts.told(found, zone).reason
            raise NotThen(sentence, fields={"opens": sentence})
        moment += QUARTER


@transaction.atomic
def cancel(visit: FieldVisit, *, actor: User, at: datetime) -> FieldVisit:
    """Call a visit off before it begins.

    :raises IllegalMove: if it began or is over
    """
    row = locked(visit)
    contested.refuse_frozen(row.case, actor)
    return move(row, Status.CANCELLED, event="collections.visit.cancelled", actor=actor, at=at, facts=facts(row))


@transaction.atomic
def sweep(entity: LegalEntity, *, at: datetime) -> int:
    """Put visits whose day is over down as not carried out; return how many."""
    done = 0
    rows = FieldVisit.objects.filter(
        case__legal_entity=entity, status__in=[Status.PLANNED, Status.BEGUN], on__lt=books.local_day(entity, at)
    )
    for row in rows.select_related("case").select_for_update(of=("self",)).order_by("pk"):
        zone = ZoneInfo(row.case.customer.zone or entity.zone)
        if row.on is not None and row.on < at.astimezone(zone).date():
            move(row, Status.MISSED, event="collections.visit.missed", actor=users.system(), at=at, facts=facts(row))
            done += 1
    return done


# --- at the door ---------------------------------------------------------------------------------------------------
def refuse_others(row: FieldVisit, *, actor: User) -> None:
    if not row.sends(actor):
        raise NotYours(_("Only the two who are sent may do this."))
    contested.refuse_frozen(row.case, actor)


def is_its_day(row: FieldVisit, at: datetime) -> bool:
    return row.on == at.astimezone(contacts.zone_of(row.case.customer)).date()


@transaction.atomic
def begin(visit: FieldVisit, *, actor: User, at: datetime) -> FieldVisit:
    """Begin a visit at the door: the contact policy is asked and counts it in one step, and the case is held.

    :raises NotYours: if `actor` is not one of the two
    :raises NotToday: on another day, or outside its hours
    :raises NoVisit: by what keeps people from this door by now
    :raises NotNow: if the contact policy refuses
    :raises Taken: if another person holds the case
    :raises IllegalMove: if it is not planned
    """
    exposure.lock(visit.case.customer_id)  # first, as for every contact: two who wait for each other are both turned away
    row = locked(visit)
    refuse_others(row, actor=actor)
    refuse_held(row.case)
    clock = at.astimezone(contacts.zone_of(row.case.customer))
    if row.status == Status.PLANNED:
        assert row.opens is not None and row.closes is not None
        if not is_its_day(row, at) or not row.opens <= clock.time() < row.closes:
            words = {"day": row.on, "opens": f"{row.opens:%H:%M}", "closes": f"{row.closes:%H:%M}"}
            raise NotToday(_("This visit is for %(day)s, %(opens)s to %(closes)s by the debtor's clock.") % words)
        cases.claim(row.case, actor=actor, at=at)
        row.attempt = contact_gate.reserve(
            row.case.customer, channel=Channel.VISIT, key=f"visit:{row.public_id}", at=at, actor=actor, subject=row.case.public_id
        )
    return move(
        row, Status.BEGUN, event="collections.visit.begun", actor=actor, at=at, facts=facts(row), begun_by=actor, begun_at=at,
        attempt=row.attempt,
    )  # fmt: skip


@transaction.atomic
def join(visit: FieldVisit, *, actor: User, at: datetime) -> FieldVisit:
    """Say from one's own sign-in that one is there too.

    :raises NotYours: if `actor` is not the other of the two
    :raises NoVisit: if the visit is not under way
    """
    row = locked(visit)
    refuse_others(row, actor=actor)
    if row.status != Status.BEGUN:
        raise NoVisit(_("This visit is not under way."))
    if row.begun_by_id == actor.pk:
        raise NotYours(_("You began this visit: the other person joins it."))
    if row.joined_at is None:
        row.joined_at = at
        row.version += 1
        row.save(update_fields=["joined_at", "version"])
        log.record("collections.visit.joined", row, actor=actor, at=at, **facts(row))
    return row


@transaction.atomic
def finish(
    visit: FieldVisit,
    *,
    outcome: str,
    next_action: str,
    next_action_on: date | None,
    actor: User,
    at: datetime,
    note: str = "",
    promise: Sequence[Part] = (),
    location: str = "",
    consented: bool = False,
) -> FieldVisit:
    """Write down what came of a visit as a contact of the case, with its place if the two agreed that it is kept.

    An address that proved to be somebody else's is barred for visits and letters.

    :raises NotYours: if `actor` did not begin it
    :raises VisitAlone: if the second person never joined
    :raises Invalid: with a sentence per wrong value
    :raises NotHeld: if another person holds the case by now
    :raises IllegalMove: if it is not under way
    """
    exposure.lock(visit.case.customer_id)
    row = locked(visit)
    refuse_others(row, actor=actor)
    location = location.strip()
    if row.status == Status.BEGUN:
        if row.begun_by_id != actor.pk:
            raise NotYours(_("Who began the visit writes down what came of it."))
        if row.joined_at is None:
            raise VisitAlone(_("The second person has to join from their own sign-in first: nobody visits alone."))
        if location and not consented:
            sentence = _("Your place is kept only if you both agree; else leave it empty.")
            raise Invalid(sentence, fields={"consented": sentence})
        if len(location) > 120:
            raise Invalid(_("At most 120 characters."), fields={"location": _("At most 120 characters.")})
        if not row.case.is_held_by(actor, at):
            cases.claim(row.case, actor=actor, at=at)
        row.contact = case_contacts.log_contact(
            row.case, channel=Channel.VISIT, outcome=outcome, next_action=next_action, next_action_on=next_action_on, actor=actor, at=at,
            note=note, promise=promise, attempt=row.attempt,
        )  # fmt: skip
        row.location = location or None
        row.save(update_fields=["location"])
        if outcome == Outcome.WRONG_NUMBER:
            bar_address(row, actor=actor, at=at)
    return move(
        row, Status.DONE, event="collections.visit.done", actor=actor, at=at, facts=facts(row) | {"outcome": outcome}, outcome=outcome,
        contact=row.contact, ended_at=at, consent_text=CONSENT if location else "",
    )  # fmt: skip


def bar_address(row: FieldVisit, *, actor: User, at: datetime) -> None:
    """Bar an address that is somebody else's: for visits, and for letters, which would tell a stranger."""
    stopped = contacts.bars_of([row.case.customer_id]).get(row.case.customer_id, frozenset())
    for channel in (Channel.VISIT, Channel.LETTER):
        if channel not in stopped:
            contacts.bar(row.case.customer, channel=channel, reason="wrong_number", actor=actor, at=at)


def address_of(visit: FieldVisit, *, actor: User, at: datetime) -> str:
    """Return the address in clear to one of the two on the day; who opened it for what stands in the ledger first.

    :raises NotYours: to anybody else
    :raises NotToday: on another day
    """
    refuse_others(visit, actor=actor)
    if visit.status not in (Status.PLANNED, Status.BEGUN) or not is_its_day(visit, at):
        raise NotToday(_("The address opens on the day of the visit."))
    return reveals.reveal(visit.case.customer, field="address", purpose="collections", actor=actor, at=at, case=visit.case.public_id)


# --- photographs ---------------------------------------------------------------------------------------------------
def keep_photo(content: bytes) -> files.Stored:
    """Check a photograph, take out what the camera wrote beside the picture, seal and store it; outside transactions, before `add_photo`.

    :raises NotThisFile: if it is empty, above 10 MB, neither JPEG nor PNG by its first bytes, or not whole
    """
    kind = files.checked(content, allowed=(files.JPEG, files.PNG))
    try:
        clean = photo_clean.jpeg(content) if kind == files.JPEG else photo_clean.png(content)
    except photo_clean.Broken:
        sentence = _("This is no whole photograph: take it anew, as JPEG or PNG.")
        raise files.NotThisFile(sentence, fields={"file": sentence}) from None
    return files.keep(clean, label=VisitPhoto.FILE_LABEL, allowed=(files.JPEG, files.PNG))


@transaction.atomic
def add_photo(visit: FieldVisit, *, stored: files.Stored, kind: str, actor: User, at: datetime) -> VisitPhoto:
    """Put a stored photograph to a visit that is under way or done.

    :raises NotYours: if `actor` is not one of the two
    :raises NoVisit: if the visit has not begun
    :raises Invalid: if this very photograph is there, or its kind is unknown
    """
    row = locked(visit)
    refuse_others(row, actor=actor)
    if row.status not in (Status.BEGUN, Status.DONE):
        raise NoVisit(_("This visit is not under way."))
    if kind not in VisitPhoto.Kind.values:
        raise Invalid(_("Choose what the photograph shows."), fields={"kind": _("Choose what the photograph shows.")})
    if row.photos.filter(sha256=stored.sha256).exists():
        words = _("This very file is there already.")
        raise Invalid(words, fields={"file": words})
    photo = VisitPhoto(
        visit=row, kind=kind, seal_key=stored.seal_key, media_type=stored.media_type, size=stored.size, sha256=stored.sha256,
        storage_key=stored.storage_key, added_by=actor, added_at=at,
    )  # fmt: skip
    photo.save(force_insert=True)
    log.record("collections.visit.photo_added", photo, actor=actor, at=at, sha256=stored.sha256, **facts(row))
    return photo


def opened(photo: VisitPhoto, *, actor: User, at: datetime) -> bytes:
    """Return a photograph in clear; who opened it stands in the ledger first."""
    log.record("collections.visit.photo_opened", photo, actor=actor, at=at, **facts(photo.visit))
    return files.read(storage_key=photo.storage_key, seal_key=photo.seal_key, sha256=photo.sha256, label=VisitPhoto.FILE_LABEL)
