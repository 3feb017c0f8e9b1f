"""The life of a template: one person drafts the words, a second puts them live; what waits changes nothing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import DomainError, Invalid
from customers import templates
from customers.models import Message, MessageChannel, MessageTemplate
from customers.permissions import CHECK_TEMPLATE
from governance import changes
from governance.changes import Kind, Line
from governance.lifecycle import move
from governance.models import ChangeRequest, User
from ledger import log

KIND = "customers.template"
FIELDS: Mapping[str, Any] = {
    "subject_en": _("Subject in English"), "subject_zh": _("Subject in Chinese"), "body_en": _("Text in English"), "body_zh": _("Text in Chinese"),
}  # fmt: skip
LOOKED_AT = 5  # of the newest messages, for one whose amounts still hold
Status = MessageTemplate.Status


class UnderWay(DomainError):
    """Words of this message wait for a second person."""

    code = "template_waits"


def live(code: str, channel: str) -> MessageTemplate | None:
    return MessageTemplate.objects.filter(code=code, channel=channel, status=Status.LIVE).first()


def under_way(code: str, channel: str) -> MessageTemplate | None:
    """Return the version that is written or waits."""
    return MessageTemplate.objects.filter(code=code, channel=channel, status__in=MessageTemplate.UNDER_WAY).first()


def words_of(row: MessageTemplate | None) -> dict[str, str]:
    return {name: getattr(row, name) for name in FIELDS} if row else {}


@transaction.atomic
def draft(code: str, *, channel: str, words: Mapping[str, str], actor: User, at: datetime) -> MessageTemplate:
    """Save the words as the draft of the next version; the draft there is gets them. Nothing is sent with it.

    :raises CannotBeSaid: if a text is empty, too long, or names what is not declared
    :raises Invalid: if they are the words that are live, or there is no such message
    :raises UnderWay: if a version waits for a second person
    """
    if code not in templates.KINDS or channel not in MessageChannel.values:
        raise Invalid(_("There is no such message."))
    cleaned = templates.checked(code, channel, words)
    rows = list(MessageTemplate.objects.select_for_update().filter(code=code, channel=channel).order_by("-version"))
    if any(row.status == Status.PROPOSED for row in rows):
        raise UnderWay(_("A version waits for a second person. It is answered or taken back first."))
    if any(row.status == Status.LIVE and words_of(row) == cleaned for row in rows):
        raise Invalid(_("Nothing differs from what stands now."))
    own = next((row for row in rows if row.status == Status.DRAFT), None)
    if own is not None:
        # the draft is this one's now, and somebody else than them puts it live
        MessageTemplate.objects.filter(pk=own.pk).update(**cleaned, made_by=actor, created_at=at)
        own.refresh_from_db()
        made = own
    else:
        made = MessageTemplate.objects.create(
            code=code, channel=channel, version=rows[0].version + 1 if rows else 1, status=Status.DRAFT,
            placeholders=sorted(templates.KINDS[code].samples), created_at=at, made_by=actor, **cleaned,
        )  # fmt: skip
    log.record("customers.template.drafted", made, actor=actor, at=at, code=code, channel=channel, version=made.version)
    return made


@transaction.atomic
def propose(row: MessageTemplate, *, reason: str, actor: User, at: datetime) -> ChangeRequest:
    """Put a draft before a second person.

    :raises IllegalMove: if it is no draft any more
    """
    held = MessageTemplate.objects.select_for_update().get(pk=row.pk)
    # `version` names the wording here and does not count edits: a move leaves it
    move(held, Status.PROPOSED, actor=actor, at=at, event="customers.template.proposed", version=held.version)
    after = {"words": words_of(held), "draft": held.public_id}
    return changes.propose(KIND, f"{held.code}:{held.channel}", after=after, reason=reason, actor=actor, at=at)


@transaction.atomic
def drop(row: MessageTemplate, *, actor: User, at: datetime) -> MessageTemplate:
    """Give a draft up.

    :raises IllegalMove: if it is proposed or was live
    """
    return move(row, Status.DROPPED, actor=actor, at=at, event="customers.template.dropped", version=row.version)


@transaction.atomic
def give_back(public_id: str, *, actor: User, at: datetime) -> None:
    """Make a draft of what the second person did not put live; one that moved on is left as it is."""
    row = MessageTemplate.objects.select_for_update().filter(public_id=public_id, status=Status.PROPOSED).first()
    if row is not None:
        move(row, Status.DRAFT, actor=actor, at=at, event="customers.template.given_back", version=row.version)


def waiting(row: MessageTemplate) -> ChangeRequest | None:
    """Return the proposal a version waits with."""
    rows = ChangeRequest.objects.filter(kind=KIND, subject=f"{row.code}:{row.channel}", status=ChangeRequest.Status.OPEN)
    return rows.select_related("made_by").first()


def of_the_books(row: MessageTemplate, *, at: datetime) -> dict[str, Any] | None:
    """Return how a version reads with the amounts of a real case: of a message of this kind, as it would say them now; None without one.

    Amounts, days and dates only: a template names nobody, so that nothing of a person is shown.
    """
    from customers import messages

    kind = templates.KINDS[row.code]
    source = messages.SOURCES.get(kind.purpose)
    if source is None:
        return None
    newest = list(
        Message.objects.filter(template__code=row.code, purpose=kind.purpose)
        .select_related("customer__legal_entity")
        .order_by("-pk")[:LOOKED_AT]
    )
    found = source(newest, at) if newest else {}
    values = next((each for each in found.values() if each is not None and set(kind.samples) <= set(each)), None)
    return None if values is None else {"en": templates.words_of(row, "en", values)[1], "zh": templates.words_of(row, "zh-hans", values)[1]}


# --- what the second person is asked, and what their word does ------------------------------------------------------------
def _split(subject: str) -> tuple[str, str]:
    code, _colon, channel = subject.rpartition(":")
    return code, channel


def _standing(subject: str) -> dict[str, Any]:
    return {"words": words_of(live(*_split(subject)))}


def _validate(subject: str, after: dict[str, Any]) -> None:
    templates.checked(*_split(subject), after["words"])


def _lines(before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    return [
        Line(label, before["words"].get(name, ""), after["words"].get(name, ""))
        for name, label in FIELDS.items()
        if before["words"].get(name, "") != after["words"].get(name, "")
    ]


def _make(subject: str, after: dict[str, Any], *, actor: User, at: datetime) -> MessageTemplate:
    code, channel = _split(subject)
    rows = list(MessageTemplate.objects.select_for_update().filter(code=code, channel=channel))
    row = next(each for each in rows if each.public_id == after["draft"])
    for before in rows:
        if before.status == Status.LIVE:
            move(before, Status.RETIRED, actor=actor, at=at, event="customers.template.retired", version=before.version)
    return move(
        row, Status.LIVE, actor=actor, at=at, event="customers.template.published", facts={"code": code, "channel": channel, "version": row.version},
        version=row.version, approved_by=actor, approved_at=at,
    )  # fmt: skip


def _name(subject: str, after: dict[str, Any]) -> Any:
    code, channel = _split(subject)
    return f"{templates.label(code)} · {dict(MessageChannel.choices).get(channel, channel)}"


changes.KINDS.register(
    KIND,
    Kind(
        label=_("Message template"),
        check=CHECK_TEMPLATE,
        standing=_standing,
        validate=_validate,
        lines=_lines,
        make=_make,
        name=_name,
        url=lambda subject: reverse("template", args=list(_split(subject))),
    ),
)
