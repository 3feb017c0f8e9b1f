"""Templates of messages: what may stand in them is declared in code, what they say is data by version."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from crm.lib.errors import DomainError, Invalid
from crm.lib.registry import Registry
from customers import contact_packs
from customers.models import MessageChannel, MessageTemplate
from governance.lifecycle import move
from governance.models import User
from ledger import log

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
LONGEST = {"sms": 300, "email": 5_000, "app": 1_000, "ivr": 400}
LONGEST_SUBJECT = 120
FILES = {"en": "en", "zh-hans": "zh"}


@dataclass(frozen=True)
class Kind:
    """A message the house knows: its name for staff, what may stand in it with a sample of each, and whether its text is a secret."""

    code: str
    label: Any
    purpose: str
    samples: Mapping[str, tuple[str, str]]
    secret: bool = False


KINDS: Registry[Kind] = Registry("message kind")


def declare(code: str, *, label: Any, purpose: str, samples: Mapping[str, tuple[str, str]], secret: bool = False) -> str:
    """Declare a kind of message; `samples` maps each placeholder to an example in English and Chinese. Returns the code."""
    KINDS.register(code, Kind(code, label, purpose, dict(samples), secret))
    return code


class NoTemplate(DomainError):
    """There are no live words for this message in this channel."""

    code = "no_template"


class CannotBeSaid(Invalid):
    """A template is empty, too long, or names what is not declared."""

    code = "template_invalid"


def label(code: str) -> Any:
    kind = KINDS.get(code)
    return kind.label if kind else code


def live(code: str, channel: str) -> MessageTemplate:
    """Return the live version.

    :raises NoTemplate: if there is none
    """
    found = MessageTemplate.objects.filter(code=code, channel=channel, status=MessageTemplate.Status.LIVE).first()
    if found is None:
        raise NoTemplate(_("There is no live template “%(code)s” for %(channel)s.") % {"code": code, "channel": channel})
    return found


def channels(code: str) -> list[str]:
    """Return the channels in which this message has live words."""
    written = set(MessageTemplate.objects.filter(code=code, status=MessageTemplate.Status.LIVE).values_list("channel", flat=True))
    return [channel for channel in MessageChannel.values if channel in written]


def checked(code: str, channel: str, words: Mapping[str, str]) -> dict[str, str]:
    """Return the trimmed words of a version (subject_en, subject_zh, body_en, body_zh).

    :raises CannotBeSaid: with one sentence per field that is wrong
    """
    kind = KINDS[code]
    cleaned = {name: words.get(name, "").strip() for name in ("subject_en", "subject_zh", "body_en", "body_zh")}
    if channel != "email":
        cleaned["subject_en"] = cleaned["subject_zh"] = ""
    problems: dict[str, str] = {}
    for name, text in cleaned.items():
        is_subject = name.startswith("subject")
        if is_subject and channel != "email":
            continue
        most = LONGEST_SUBJECT if is_subject else LONGEST[channel]
        unknown = sorted({found for found in PLACEHOLDER.findall(text) if found not in kind.samples})
        if not text:
            problems[name] = _("Write the text in both languages.")
        elif len(text) > most:
            problems[name] = _("Write at most %(most)s characters.") % {"most": most}
        elif is_subject and "\n" in text:
            problems[name] = _("Write the subject in one line.")
        elif unknown:
            allowed = ", ".join(f"{{{known}}}" for known in kind.samples)
            problems[name] = _("%(unknown)s is not declared for this message. Declared are: %(allowed)s.") % {
                "unknown": ", ".join(f"{{{one}}}" for one in unknown),
                "allowed": allowed,
            }
        elif re.search(r"[{}]", PLACEHOLDER.sub("", text)):
            problems[name] = _("A brace stands alone: write a placeholder as {name}.")
        elif costly := contact_packs.premium(text):
            problems[name] = _("%(number)s costs extra to call: name a number of the ordinary rate.") % {"number": costly}
    if problems:
        raise CannotBeSaid(_("The template cannot be used as it is; see the fields."), fields=problems)
    used = {name: set(PLACEHOLDER.findall(cleaned[name])) for name in ("body_en", "body_zh")}
    if missing := used["body_en"] ^ used["body_zh"]:
        sentence = _("Both languages have to say the same: %(names)s stands in one only.") % {
            "names": ", ".join(f"{{{name}}}" for name in sorted(missing))
        }
        raise CannotBeSaid(sentence, fields={"body_zh": sentence})
    return cleaned


@transaction.atomic
def publish(code: str, *, channel: str, words: Mapping[str, str], actor: User, at: datetime) -> MessageTemplate:
    """Make `words` the live version of a message in a channel; the version before retires and stays readable.

    :raises CannotBeSaid: if a text is empty, too long, or names what is not declared
    """
    if code not in KINDS or channel not in LONGEST:
        raise Invalid(_("There is no such message."))
    cleaned = checked(code, channel, words)
    versions = MessageTemplate.objects.select_for_update().filter(code=code, channel=channel).order_by("-version")
    before = next(iter(versions), None)
    current = next((version for version in versions if version.status == MessageTemplate.Status.LIVE), None)
    if current is not None:
        if all(getattr(current, name) == text for name, text in cleaned.items()):
            return current
        # `version` names the wording here and does not count edits: retiring leaves it
        move(current, MessageTemplate.Status.RETIRED, actor=actor, at=at, event="customers.template.retired", version=current.version)
    made = MessageTemplate.objects.create(
        code=code,
        channel=channel,
        version=before.version + 1 if before else 1,
        placeholders=sorted(KINDS[code].samples),
        created_at=at,
        **cleaned,
    )
    log.record("customers.template.published", made, actor=actor, at=at, code=code, channel=channel, version=made.version)
    return made


def rendered(text: str, values: Mapping[str, str]) -> str:
    """Return `text` with every placeholder filled in.

    :raises KeyError: if a value is missing: nothing half filled in is ever sent
    """
    return PLACEHOLDER.sub(lambda found: str(values[found[1]]), text)


def words_of(template: MessageTemplate, language: str, values: Mapping[str, str]) -> tuple[str, str]:
    """Return subject and text in a language ("zh-hans", anything else English)."""
    side = "zh" if language.startswith("zh") else "en"
    subject, body = getattr(template, f"subject_{side}"), getattr(template, f"body_{side}")
    return rendered(subject, values).replace("\n", " "), rendered(body, values)


def sample(template: MessageTemplate | Mapping[str, str], code: str) -> dict[str, dict[str, str]]:
    """Return how a version reads with the declared samples: {"en": {subject, body}, "zh": {…}}."""
    kind = KINDS[code]
    read = template.get if isinstance(template, Mapping) else lambda name: getattr(template, name)
    return {
        side: {
            part: rendered(read(f"{part}_{side}") or "", {name: pair[place] for name, pair in kind.samples.items()})
            for part in ("subject", "body")
        }
        for place, side in enumerate(("en", "zh"))
    }
