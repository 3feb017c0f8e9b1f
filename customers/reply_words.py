"""What an answer says, read by the words of the rule book: a stop above all, then that the number is somebody else's, then that it was paid."""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from django.db.models import Q

from customers.models import Reply
from governance import rules
from governance.models import Rule

FILE = Path(__file__).parent / "data" / "reply_words.json"
LANGUAGES = ("zh", "en")
CONFIRM = "reply.confirm_stop"
SHORT = 3  # letters of a word that has to be the whole answer: a T begins many sentences
FEW = 3  # words of an answer that may still begin with a stop and be one: "stop please", "STOP ALL"
Kind = Reply.Kind


@cache
def shipped() -> list[dict[str, Any]]:
    """Return the shipped rows."""
    found: list[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))["rules"]
    return found


def seed() -> None:
    """Write the shipped words into the rule book; rows that stand are left as they are. Idempotent."""
    for row in shipped():
        rules.put(
            row["code"],
            value=row["value"],
            unit=rules.TEXT,
            meaning_en=row["meaning_en"],
            meaning_zh=row["meaning_zh"],
            citation=row["citation"],
            verification=row["verification"],
            effective_from=date.fromisoformat(row["from"]),
        )


def on(day: date) -> dict[str, list[str]]:
    """Return the words that hold on a day, by rule; one query."""
    lasting = Q(effective_to__isnull=True) | Q(effective_to__gt=day)
    rows = Rule.objects.filter(lasting, code__startswith="reply.", effective_from__lte=day)
    return {row.code: list(row.value) for row in rows}


def plain(text: str) -> str:
    """Return a text as it is compared: half width, without case and punctuation, one space between words."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("'", "").replace("’", "")
    return " ".join(re.sub(r"[^\w]+|_", " ", folded).split())


def kind_of(text: str, *, channel: str, words: Mapping[str, list[str]]) -> str:
    """Return what an answer says, one of `Reply.Kind`; a stop wins over everything else that is said in it."""
    said = plain(first_lines(text)) if channel == "email" else plain(text)

    def every(*codes: str) -> list[str]:
        return [plain(word) for code in codes for language in LANGUAGES for word in words.get(f"{code}.{language}", [])]

    if is_whole(said, every(f"reply.stop_whole.{channel}")) or is_within(said, every(f"reply.stop_within.{channel}")):
        return Kind.STOP
    if is_within(said, every("reply.wrong_within")):
        return Kind.WRONG
    if is_whole(said, every("reply.start_whole")):
        return Kind.START
    return Kind.PAID if is_within(said, every("reply.paid_within")) else Kind.OTHER


def first_lines(text: str) -> str:
    """Return what a mail says above the letter it quotes."""
    kept = []
    for line in text.splitlines():
        if line.lstrip().startswith(">") or re.match(r"^\s*(-{2,}|_{5,}|On .+ wrote:|在.+写道[：:]|发件人[：:]|From:)", line):
            break
        kept.append(line)
    return "\n".join(kept)


def is_whole(said: str, words: Iterable[str]) -> bool:
    """Return whether the answer is one of the words; a longer word may be followed by a little more."""
    few, bare = len(said.split()) <= FEW and len(said) <= 24, said.replace(" ", "")
    return any(bare == word.replace(" ", "") or (few and len(word) > SHORT and said.startswith(f"{word} ")) for word in words if word)


def is_within(said: str, words: Iterable[str]) -> bool:
    """Return whether one of the words stands in the answer; a Latin word as a word of its own."""
    return any(f" {word} " in f" {said} " if word.isascii() else word.replace(" ", "") in said.replace(" ", "") for word in words if word)
