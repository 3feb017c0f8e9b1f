"""The house's own rules of contact: a draft, its proposal, and the second person who puts it in force as rows of the rule book.

A draft holds the house's caps and the choice of a rule pack; the rows of the packs themselves are law and are not drafted. Of a pack and the
house the stricter limit holds, so that no draft can break a law of the pack in force.
"""

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _

from collection.models import PolicyDraft
from collection.permissions import CHECK_POLICY
from crm.lib.errors import Invalid
from customers import contact_packs
from governance import changes, rules
from governance.changes import Kind, Line
from governance.lifecycle import move
from governance.models import ChangeRequest, Rule, User
from governance.models.identity import chinese
from ledger import log

KIND, SUBJECT = "collections.contact_policy", "contact"
MOST = 10_000
LONGEST_TITLE = 80
Status = PolicyDraft.Status


def drafted() -> list[dict[str, Any]]:
    """Return the shipped rows that a draft may change: the house's own, in their order."""
    return list(contact_packs.shipped()[contact_packs.HOUSE]["rules"])


def word(row: Mapping[str, Any]) -> str:
    """Return a rule's name in the reader's language."""
    return str(row["meaning_zh"] if chinese() else row["meaning_en"])


def pack_name(code: str) -> str:
    pack = contact_packs.shipped().get(code)
    return code if pack is None else str(pack["name_zh"] if chinese() else pack["name_en"])


def said(code: str, value: Any) -> str:
    """Return a value as a person reads it."""
    if code == contact_packs.CHOSEN:
        return pack_name(value)
    return f"{value['opens']}–{value['closes']}" if isinstance(value, dict) else str(value)


def newest() -> dict[str, Rule]:
    """Return the last row of each rule that a draft may change, those to come too."""
    rows = Rule.objects.filter(code__in=[row["code"] for row in drafted()]).order_by("code", "effective_from")
    return {row.code: row for row in rows}


def standing() -> dict[str, Any]:
    """Return the values that stand, by code."""
    return {code: row.value for code, row in newest().items()}


def problems(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a sentence per value that cannot be, by the rule's code."""
    found: dict[str, Any] = {}
    for row in drafted():
        code = row["code"]
        value = values.get(code)
        if code == contact_packs.CHOSEN:
            if value not in contact_packs.laws():
                found[code] = _("Choose a rule pack.")
        elif row["part"] == "hours":
            if not good_hours(value):
                found[code] = _("The hours have to begin before they end.")
        elif not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST:
            found[code] = _("Enter a whole number from 0 to %(n)s.") % {"n": MOST}
    return found


def good_hours(value: Any) -> bool:
    try:
        return time.fromisoformat(value["opens"]) < time.fromisoformat(value["closes"])
    except (KeyError, TypeError, ValueError):
        return False


@transaction.atomic
def draft(*, title: str, values: Mapping[str, Any], since: date, actor: User, at: datetime) -> PolicyDraft:
    """Save a draft; nothing is in force by it.

    :raises Invalid: with a sentence per wrong value, named by the rule's code
    """
    found = problems(values)
    if not 0 < len(title.strip()) <= LONGEST_TITLE:
        found["title"] = _("One to 80 characters.")
    if since <= localdate(at):
        found["since"] = _("Choose a day from tomorrow on: what was judged today stays judged.")
    if found:
        raise Invalid(_("Some values cannot be; see the fields."), fields=found)
    kept = {row["code"]: values[row["code"]] for row in drafted()}
    made = PolicyDraft.objects.create(title=title.strip(), values=kept, since=since, made_by=actor, made_at=at)
    log.record("collections.policy.drafted", made, actor=actor, at=at, changed=len(differences(made)))
    return made


def differences(row: PolicyDraft) -> list[Line]:
    """Return what a draft would change of what stands."""
    return lines_between(standing(), row.values)


def lines_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Line]:
    return [
        Line(word(row), said(row["code"], before[row["code"]]) if row["code"] in before else "", said(row["code"], after[row["code"]]))
        for row in drafted()
        if before.get(row["code"]) != after[row["code"]]
    ]


@transaction.atomic
def propose(row: PolicyDraft, *, reason: str, actor: User, at: datetime) -> ChangeRequest:
    """Put a draft before a second person.

    :raises IllegalMove: if it is proposed, in force or dropped already
    :raises Invalid: if it cannot be, or begins too early
    """
    held = PolicyDraft.objects.select_for_update().get(pk=row.pk)
    move(held, Status.PROPOSED, actor=actor, at=at, event="collections.policy.proposed")
    after = {"values": held.values, "since": held.since.isoformat(), "draft": held.public_id}
    return changes.propose(KIND, SUBJECT, after=after, reason=reason, actor=actor, at=at)


@transaction.atomic
def drop(row: PolicyDraft, *, actor: User, at: datetime) -> PolicyDraft:
    """Give a draft up.

    :raises IllegalMove: if it is proposed or in force
    """
    return move(row, Status.DROPPED, actor=actor, at=at, event="collections.policy.dropped")


@transaction.atomic
def give_back(public_id: str, *, actor: User, at: datetime) -> None:
    """Make a draft of what the second person did not put in force; one that moved on is left as it is."""
    row = PolicyDraft.objects.select_for_update().filter(public_id=public_id, status=Status.PROPOSED).first()
    if row is not None:
        move(row, Status.DRAFT, actor=actor, at=at, event="collections.policy.given_back")


def waiting() -> ChangeRequest | None:
    rows = ChangeRequest.objects.filter(kind=KIND, subject=SUBJECT, status=ChangeRequest.Status.OPEN)
    return rows.select_related("made_by").first()


# --- what the second person is asked, and what their word does ------------------------------------------------------------
def _standing(subject: str) -> dict[str, Any]:
    return {"values": standing()}


def _validate(subject: str, after: dict[str, Any]) -> None:
    found = problems(after["values"])
    rows, since = newest(), date.fromisoformat(after["since"])
    missing = [code for code in after["values"] if code not in rows]
    if missing:
        raise Invalid(_("The rule book lacks %(code)s: load the rules first.") % {"code": missing[0]})
    latest = max(row.effective_from for row in rows.values())
    if since <= latest:
        found["since"] = _("The rule that stands holds from %(day)s: choose a later day.") % {"day": latest.isoformat()}
    if not lines_between(standing(), after["values"]):
        raise Invalid(_("Nothing differs from what stands now."))
    if found:
        raise Invalid(_("This cannot be the rule."), fields=found)


def _lines(before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    return [Line(_("From"), "", after["since"]), *lines_between(before["values"], after["values"])]


def _make(subject: str, after: dict[str, Any], *, actor: User, at: datetime) -> PolicyDraft:
    _validate(subject, after)
    since, rows = date.fromisoformat(after["since"]), newest()
    for code, value in after["values"].items():
        was = rows[code]
        if was.value == value:
            continue
        Rule.objects.filter(pk=was.pk).update(effective_to=since)
        rules.put(
            code, value=value, unit=was.unit, meaning_en=was.meaning_en, meaning_zh=was.meaning_zh, citation=was.citation,
            verification=Rule.Verification.POLICY, effective_from=since,
        )  # fmt: skip
    row = PolicyDraft.objects.select_for_update().get(public_id=after["draft"])
    return move(row, Status.LIVE, actor=actor, at=at, event="collections.policy.released", facts={"since": since})


changes.KINDS.register(
    KIND,
    Kind(
        label=_("Contact policy"),
        check=CHECK_POLICY,
        standing=_standing,
        validate=_validate,
        lines=_lines,
        make=_make,
        name=lambda subject, after: _("Contact policy"),
        url=lambda subject: reverse("contact-policy"),
    ),
)
