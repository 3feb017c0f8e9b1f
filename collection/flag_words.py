"""Words that raise a flag: found in notes and transcripts, Chinese anywhere in the text, English as whole words. Pure."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Lists = Mapping[str, Mapping[str, Sequence[str]]]  # kind -> language -> words


@dataclass(frozen=True, slots=True)
class Hit:
    """A word of a kind and where it stands, `[start, end)` in characters."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text; `kind` is empty where it is no word of a list."""

    text: str
    kind: str


def _pattern(words: Sequence[str], *, whole: bool) -> re.Pattern[str]:
    inside = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"\b(?:{inside})\b" if whole else f"(?:{inside})", re.IGNORECASE)


def same_length(text: str) -> str:
    """Return the text with full-width letters as plain ones, each character still in its place."""
    return "".join(plain if len(plain := unicodedata.normalize("NFKC", each)) == 1 else each for each in text)


def find(text: str, lists: Lists) -> list[Hit]:
    """Return every word of the lists that stands in `text`, in its order; where two overlap the longer one counts."""
    plain, found = same_length(text), list[Hit]()
    for kind, languages in lists.items():
        for language, words in languages.items():
            if words:
                pattern = _pattern(words, whole=language != "zh")
                found += [Hit(kind, match.start(), match.end()) for match in pattern.finditer(plain)]
    kept: list[Hit] = []
    for hit in sorted(found, key=lambda each: (each.start, -each.end, each.kind)):
        if not kept or hit.start >= kept[-1].end:
            kept.append(hit)
    return kept


def marked(text: str, lists: Lists) -> list[Piece]:
    """Return the text in pieces, the words of the lists apart; joined they are the text again."""
    pieces, place = list[Piece](), 0
    for hit in find(text, lists):
        if hit.start > place:
            pieces.append(Piece(text[place : hit.start], ""))
        pieces.append(Piece(text[hit.start : hit.end], hit.kind))
        place = hit.end
    return [*pieces, Piece(text[place:], "")] if place < len(text) else pieces
