"""Whether two names may be one person's. Pure: spellings are compared by sound, letter by letter."""

import re
import unicodedata
from itertools import permutations

HAN = re.compile(r"[㐀-鿿]")
LETTERS = re.compile(r"[^\W\d_]+")
TOKENS_TURNED = 4  # more words than these are compared in their order only


def sounds(name: str) -> set[str]:
    """Return how a name may be written in plain letters: Chinese by its pinyin, other names in every order of their words."""
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name)).casefold()
    text = "".join(letter for letter in text if not unicodedata.combining(letter))
    if HAN.search(text):
        from pypinyin import lazy_pinyin  # its table takes a moment and is needed when a file is opened only

        return {"".join(LETTERS.findall("".join(lazy_pinyin(text))))}
    words = LETTERS.findall(text)
    if len(words) > TOKENS_TURNED:
        return {"".join(words)}
    return {"".join(turned) for turned in permutations(words)}


def distance(one: str, other: str) -> int:
    """Return how many letters must be added, dropped or changed to make one word the other (Levenshtein 1966)."""
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one, start=1):
        before, row[0] = row[0], place
        for column, its in enumerate(other, start=1):
            before, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, before + (letter != its))
    return row[-1]


def alike(one: str, other: str) -> bool:
    """Return whether two names sound the same, or differ by one letter in six."""
    mine, theirs = sounds(one), sounds(other)
    if mine & theirs - {""}:
        return True
    return any(
        distance(first, second) <= min(len(first), len(second)) // 6
        for first in mine
        for second in theirs
        if abs(len(first) - len(second)) <= 2
    )
