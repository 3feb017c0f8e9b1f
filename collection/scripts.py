"""Doors of scripts: which one holds for a talk, the lines that were said, and a new version by two persons.

A script never speaks of a debt before the person is confirmed: what names an amount, or the debt, is refused in those that come before, and
in those for somebody else (GB/T 45251-2025, 5.5: nothing of the debt to a third party; 6.3: who calls says who they are and for whom).
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from collection import cases, gate
from collection.models import CallScript, Case, Channel, Contact, LineSaid, RightPartyCheck
from collection.permissions import CHECK_POLICY
from crm.lib.errors import Invalid
from customers import messages
from customers.models import Relation
from governance import changes
from governance.changes import Kind, Line
from governance.lifecycle import move
from governance.models import ChangeRequest, User
from ledger import log

FILE = Path(__file__).parent / "data" / "scripts.json"
KIND = "collections.script"
MOST_LINES, LONGEST_LINE = 12, 300
SPOKEN = (Channel.CALL, Channel.INBOUND)
PLACEHOLDERS = {"lender": False, "collector": False, "amount": True, "days": True}  # whether it speaks of the debt
WORDS_OF_DEBT = re.compile(r"debt|overdue|\bowe|\bloan|repay|欠款|逾期|贷款|借款|还款|债务|欠", re.IGNORECASE)
BRACES = re.compile(r"\{([^{}]*)\}")
Party, Stage, Language, Status = CallScript.Party, CallScript.Stage, CallScript.Language, CallScript.Status
TELLING = (Party.CONFIRMED, Party.OBLIGOR)  # who may hear of the debt


class LinesNotSaid(Invalid):
    """Lines that must be said were not, and the talk is one with the debtor."""

    code = "lines_not_said"


@dataclass(frozen=True)
class Step:
    """A line of the script in a talk: its words filled in, whether it must be said, when it was."""

    script: CallScript
    code: str
    text: str
    must: bool
    said_at: datetime | None


@dataclass(frozen=True)
class Reading:
    """The scripts of a talk so far. `next` is the first line that must be said and was not."""

    parts: list[tuple[CallScript, list[Step]]]
    language: str

    @property
    def next(self) -> Step | None:
        return next((step for _script, steps in self.parts for step in steps if step.must and step.said_at is None), None)

    @property
    def left(self) -> int:
        return sum(step.must and step.said_at is None for _script, steps in self.parts for step in steps)


def stage_of(case: Case) -> str:
    """Return the stage of a case by its bucket: M1, M2 and M3, or graver."""
    return str(Stage.EARLY if case.bucket <= 1 else Stage.MIDDLE if case.bucket <= 3 else Stage.LATE)


def language_of(case: Case, relation: Relation | None = None) -> str:
    """Return the language the customer is spoken to in, or who answers beside them: theirs, if they have a file of their own."""
    person = case.customer if relation is None or relation.other is None else relation.other
    return str(Language.ZH if messages.language_of(person).startswith("zh") else Language.EN)


def party_of(relation: Relation | None) -> str:
    """Return which script is for whom, once they are confirmed."""
    return str(Party.CONFIRMED if relation is None else Party.OBLIGOR)


def live(case: Case, parties: Sequence[str], *, relation: Relation | None = None) -> list[CallScript]:
    """Return the live scripts of a case for these parties, in their order; one query.

    :param relation: whom one speaks with beside the debtor
    """
    rows = CallScript.objects.filter(stage=stage_of(case), language=language_of(case, relation), party__in=parties, status=Status.LIVE)
    found = {row.party: row for row in rows}
    return [found[party] for party in parties if party in found]


def since(case: Case, at: datetime) -> datetime:
    """Return since when a line said belongs to the talk of now: the last contact of the case."""
    earliest = at - gate.LOGGED_WITHIN
    return max(case.last_contact_at + timedelta(microseconds=1), earliest) if case.last_contact_at else earliest


def reading(case: Case, *, actor: User, at: datetime, check: RightPartyCheck | None, values: Mapping[str, str]) -> Reading:
    """Return what is said in this talk: before the person is confirmed nothing that speaks of the debt.

    :param values: what stands for the placeholders
    """
    relation, after = check.relation if check is not None else None, ""
    if check is not None and check.result == check.Result.PASSED:
        after = party_of(relation)
    elif check is not None and check.result == check.Result.THIRD_PARTY:
        after = Party.THIRD
    scripts = live(case, [Party.UNKNOWN, *([after] if after else [])], relation=relation)
    said = {
        (script, code): moment
        for script, code, moment in LineSaid.objects.of(case, actor, since(case, at)).values_list("script_id", "code", "at")
    }
    parts = [
        (
            script,
            [
                Step(script, line["code"], filled(line["text"], values), line["must"], said.get((script.pk, line["code"])))
                for line in script.lines
            ],
        )
        for script in scripts
    ]
    return Reading(parts, language_of(case, relation))


def filled(text: str, values: Mapping[str, str]) -> str:
    return BRACES.sub(lambda found: values.get(found[1], "…"), text)


@transaction.atomic
def say(case: Case, *, script: CallScript, code: str, actor: User, at: datetime) -> None:
    """Note that a line was said; said again in the same talk it stays as it was.

    :raises NotHeld: if `actor` does not hold the case
    :raises Invalid: if the script has no such line
    """
    row = cases.held(case, actor=actor, at=at)
    if code not in {line["code"] for line in script.lines}:
        raise Invalid(_("The script has no such line."))
    if not LineSaid.objects.of(row, actor, since(row, at)).filter(script=script, code=code).exists():
        LineSaid.objects.create(case=row, actor=actor, script=script, code=code, at=at)


def demand_said(case: Case, *, channel: str, actor: User, at: datetime, relation: Relation | None = None) -> None:
    """Go on only if every line that must be said to the debtor, or to who answers beside them, was said in this talk.

    :raises LinesNotSaid: if not
    """
    if channel not in SPOKEN:
        return
    needed = [(script, code) for script in live(case, [Party.UNKNOWN, party_of(relation)], relation=relation) for code in script.must]
    said = set(LineSaid.objects.of(case, actor, since(case, at)).values_list("script__party", "code"))
    missing = [code for script, code in needed if (script.party, code) not in said]
    if missing:
        sentence = ngettext(
            "Say the lines that must be said first: %(n)s is left. Press t for it.", "Say the lines that must be said first: %(n)s are left. Press t for each.",
            len(missing),
        ) % {"n": len(missing)}  # fmt: skip
        raise LinesNotSaid(sentence, fields={"outcome": sentence})


def file_with(contact: Contact) -> int:
    """Tie what was said in a talk to its contact; return how many lines."""
    rows = LineSaid.objects.filter(
        case=contact.case_id, actor=contact.actor_id, contact__isnull=True, at__gt=contact.at - gate.LOGGED_WITHIN
    )
    return rows.update(contact=contact)


# --- a new version, by two persons ---------------------------------------------------------------------------------
def subject(stage: str, party: str, language: str) -> str:
    return f"{stage}:{party}:{language}"


def named(key: str) -> tuple[str, str, str]:
    """Return stage, party and language of a subject.

    :raises Invalid: if it names no script
    """
    stage, _sep, rest = key.partition(":")
    party, _sep, language = rest.partition(":")
    if stage not in Stage.values or party not in Party.values or language not in Language.values:
        raise Invalid(_("There is no such script."))
    return stage, party, language


def standing(key: str) -> CallScript | None:
    stage, party, language = named(key)
    return CallScript.objects.filter(stage=stage, party=party, language=language, status=Status.LIVE).first()


def problems(lines: Any, *, party: str) -> str | None:
    """Return the sentence that says why these lines cannot be a script; None for good ones."""
    if not isinstance(lines, list) or not 1 <= len(lines) <= MOST_LINES:
        return str(_("Write 1 to %(n)s lines.") % {"n": MOST_LINES})
    for line in lines:
        text = str(line.get("text", "")) if isinstance(line, dict) else ""
        if not 0 < len(text) <= LONGEST_LINE or not isinstance(line.get("must"), bool) or not line.get("code"):
            return str(_("Each line has 1 to %(n)s characters.") % {"n": LONGEST_LINE})
        unknown = [name for name in BRACES.findall(text) if name not in PLACEHOLDERS]
        if unknown:
            return str(_("“%(name)s” is none of the placeholders: {lender}, {collector}, {amount}, {days}.") % {"name": unknown[0]})
        told = any(PLACEHOLDERS[name] for name in BRACES.findall(text)) or WORDS_OF_DEBT.search(text)
        if party not in TELLING and told:
            return str(_("“%(text)s” speaks of the debt: only who answers for it, confirmed, may hear that.") % {"text": text[:40]})
    if party != Party.THIRD and not any(line["must"] for line in lines):
        return str(_("At least one line must be said."))
    return None


def propose(key: str, *, lines: list[dict[str, Any]], reason: str, actor: User, at: datetime) -> ChangeRequest:
    """Put new lines before a second person.

    :raises Invalid: if they cannot be a script, or nothing differs
    :raises AlreadyProposed: if a change of this script waits
    """
    return changes.propose(KIND, key, after={"lines": lines}, reason=reason, actor=actor, at=at)


def _standing(key: str) -> dict[str, Any]:
    row = standing(key)
    return {"lines": row.lines} if row is not None else {}


def _validate(key: str, after: dict[str, Any]) -> None:
    _stage, party, _language = named(key)
    sentence = problems(after.get("lines"), party=party)
    if sentence:
        raise Invalid(sentence, fields={"line_1": sentence})


def shown(line: Mapping[str, Any]) -> str:
    return f"{'* ' if line['must'] else ''}{line['text']}"


def _lines(before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    was, now = before.get("lines", []), after["lines"]
    pairs = [(was[n] if n < len(was) else None, now[n] if n < len(now) else None) for n in range(max(len(was), len(now)))]
    return [
        Line(_("Line %(n)s") % {"n": n}, shown(one) if one else "", shown(other) if other else "")
        for n, (one, other) in enumerate(pairs, 1)
        if one is None or other is None or (one["text"], one["must"]) != (other["text"], other["must"])
    ]


@transaction.atomic
def _make(key: str, after: dict[str, Any], *, actor: User, at: datetime) -> CallScript:
    _validate(key, after)
    stage, party, language = named(key)
    rows = list(CallScript.objects.select_for_update().filter(stage=stage, party=party, language=language).order_by("-version"))
    for row in rows:
        if row.status == Status.LIVE:
            move(row, Status.RETIRED, actor=actor, at=at, event="collections.script.retired", version=row.version)
    made = CallScript.objects.create(
        stage=stage,
        party=party,
        language=language,
        version=rows[0].version + 1 if rows else 1,
        lines=after["lines"],
        since=at,
        made_by=actor,
    )
    log.record("collections.script.released", made, actor=actor, at=at, script=key, version=made.version)
    return made


def called(key: str, _after: dict[str, Any] | None = None) -> str:
    """Return a script's name in words."""
    stage, party, language = named(key)
    return f"{Stage(stage).label} · {Party(party).label} · {Language(language).label}"


changes.KINDS.register(
    KIND,
    Kind(
        label=_("Script"),
        check=CHECK_POLICY,
        standing=_standing,
        validate=_validate,
        lines=_lines,
        make=_make,
        name=called,
        url=lambda key: reverse("script", args=[key]),
    ),
)


def seed(*, at: datetime) -> None:
    """Write the first version of each script; what staff wrote stays."""
    known = set(CallScript.objects.values_list("stage", "party", "language"))
    content = json.loads(FILE.read_text())
    made = [
        CallScript(
            stage=stage, party=party, language=language, version=1, since=at,
            lines=[{"code": f"l{n}", "text": text.removeprefix("* "), "must": text.startswith("* ")} for n, text in enumerate(texts, 1)],
        )
        for language, parties in content.items() if language != "_about"
        for party, by_stage in parties.items()
        for stage in Stage.values
        for texts in [[*by_stage.get("all", []), *by_stage.get(stage, [])]]
        if (stage, party, language) not in known
    ]  # fmt: skip
    CallScript.objects.bulk_create(made)
