"""The right-party check: two answers, compared on the server, before anything of the debt is said or shown; of the debtor by their file, of who
answers beside them by their own.

Two of several questions, the person confirmed before any detail: UK FCA CONC 7.9.10R; the personal information of the debtor
kept from others: GB/T 45251-2025, 5.5. What was answered is never kept, nor are the right answers ever shown.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from collection import cases
from collection.models import Case, RightPartyCheck
from crm.lib.errors import DomainError, Invalid
from customers import reveals
from customers.identifiers import narrow
from customers.models import Customer, Relation
from customers.permissions import REVEAL
from governance import rules, uses
from governance.models import User
from ledger import log

NEEDED = 2
SHORTEST_WORD = 2
QUESTIONS = {
    "id_last4": _("Last four characters of the id number"),
    "birth_year": _("Year of birth"),
    "address": _("A word of the address"),
    "employer": _("A word of the employer's name"),
}
# Who has no file of their own: all that is kept of them.
OUTSIDE = {"name": _("Full name"), "mobile_last4": _("Last four digits of the mobile number")}
OPENED = (reveals.Field.NAME, reveals.Field.MOBILE)
Result = RightPartyCheck.Result


class NotConfirmed(DomainError):
    """Nothing of a debt is named, asked for or agreed on before the person is confirmed."""

    code = "person_not_confirmed"


class TooManyTries(DomainError):
    """Too many answers did not match today."""

    code = "too_many_tries"


def file_of(case: Case, relation: Relation | None) -> Customer | Relation:
    """Return the file the answers are compared with: the debtor's, the obligor's own, or, without one, what is kept of them."""
    return case.customer if relation is None else relation.other or relation


def questions(person: Customer | Relation) -> dict[str, object]:
    """Return what may be asked of this person: only what is on file."""
    if isinstance(person, Relation):
        return dict(OUTSIDE)
    missing = {name for name, value in (("address", person.address), ("employer", person.employer)) if not value}
    return {name: words for name, words in QUESTIONS.items() if name not in missing}


def matches(customer: Customer | Relation, question: str, answer: str) -> bool:
    """Return whether an answer is what is on file."""
    given = narrow(answer).upper()
    if isinstance(customer, Relation):
        known = customer.name if question == "name" else (customer.mobile or "")[-4:]
        return given == narrow(known or "").upper()
    if question == "id_last4":
        return given == customer.id_number[-4:].upper()
    if question == "birth_year":
        return given == str(customer.born_on.year)
    words = narrow(getattr(customer, question) or "").upper()
    return len(given) >= SHORTEST_WORD and given in words


@transaction.atomic
def confirm(case: Case, *, answers: Mapping[str, str], actor: User, at: datetime, relation: Relation | None = None) -> RightPartyCheck:
    """Compare two answers with the file and keep whether they match; the debtor's pass opens name and mobile, on the record.

    :param relation: who answers for the debt beside the debtor, if it is they: compared with their own file
    :raises NotHeld: if `actor` does not hold the case
    :raises Invalid: if fewer than two questions of the list are answered
    :raises TooManyTries: if too many tries failed today
    """
    row = cases.held(case, actor=actor, at=at)
    person = uses.reading(file_of(row, relation), "collections", actor=actor, at=at)
    asked = {name: text for name, text in answers.items() if name in questions(person) and text.strip()}
    if len(asked) < NEEDED:
        first = next(name for name in questions(person) if name not in asked)  # said once, where the next answer goes
        raise Invalid(_("Two answers are needed."), fields={first: _("Two answers are needed.")})
    refuse_guessing(row, at=at, relation=relation)
    passed = all(matches(person, name, text) for name, text in asked.items())
    if passed and relation is None and actor.has_perm(REVEAL):
        for field in OPENED:
            reveals.reveal(row.customer, field=field, purpose=reveals.RevealPurpose.COLLECTION, case=row.public_id, actor=actor, at=at)
    return keep(row, Result.PASSED if passed else Result.FAILED, asked=sorted(asked), actor=actor, at=at, relation=relation)


@transaction.atomic
def third_party(case: Case, *, actor: User, at: datetime) -> RightPartyCheck:
    """Keep that somebody else answered: nothing is shown, nothing may be said of a debt.

    :raises NotHeld: if `actor` does not hold the case
    """
    return keep(cases.held(case, actor=actor, at=at), Result.THIRD_PARTY, asked=[], actor=actor, at=at)


def keep(case: Case, result: str, *, asked: list[str], actor: User, at: datetime, relation: Relation | None = None) -> RightPartyCheck:
    minutes = int(rules.value("collections.check.minutes", on=localtime(at).date()))
    check = RightPartyCheck.objects.create(
        case=case,
        relation=relation,
        actor=actor,
        result=result,
        asked=asked,
        at=at,
        until=at + timedelta(minutes=minutes) if result == Result.PASSED else None,
    )
    log.record(
        "collections.check.made", check, actor=actor, at=at, customer_id=case.customer_id, case=case.public_id, result=result, asked=asked,
        **({"obligor": relation.public_id} if relation is not None else {}),
    )  # fmt: skip
    return check


def refuse_guessing(case: Case, *, at: datetime, relation: Relation | None = None) -> None:
    """Refuse another try when too many failed today for this person, whoever tried.

    :raises TooManyTries: if so
    """
    midnight = localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    most = int(rules.value("collections.check.tries", on=localtime(at).date()))
    failed = RightPartyCheck.objects.filter(case=case, relation=relation, result=Result.FAILED, at__gte=midnight).count()
    if failed >= most:
        raise TooManyTries(_("%(most)s tries did not match today. Say no more of the matter, and try again tomorrow.") % {"most": most})


def refuse_unconfirmed(case: Case, *, actor: User, at: datetime) -> None:
    """Go on only if `actor` has confirmed the debtor; who does not hold the case is told that by the door itself.

    :raises NotConfirmed: if not
    """
    if case.is_held_by(actor, at) and not confirmed(case, actor=actor, at=at):
        raise NotConfirmed(_("Confirm the person first: two answers to the check."))


def standing(case: Case, *, actor: User, at: datetime) -> RightPartyCheck | None:
    """Return the check that holds for `actor`, who holds the case: their last one since somebody was last in touch.

    A passed one holds for its while, also when the case had to be taken again; any other for this hold only.
    """
    if not case.is_held_by(actor, at) or case.claimed_at is None:
        return None
    since = Q(at__gt=case.last_contact_at) if case.last_contact_at else Q()
    last = RightPartyCheck.objects.filter(since, case=case, actor=actor).select_related("relation__other").order_by("-at", "-pk").first()
    if last is None:
        return None
    holds = last.until > at if last.until is not None else last.at >= case.claimed_at
    return last if holds else None


def confirmed(case: Case, *, actor: User, at: datetime, relation: Relation | None = None) -> bool:
    """Return whether `actor`, who holds the case, has confirmed the debtor, or the one of `relation`, as the person they speak with now."""
    found = standing(case, actor=actor, at=at)
    return found is not None and found.result == Result.PASSED and found.relation_id == (relation.pk if relation is not None else None)
