"""Whether two names may be one person's. Pure: spellings are compared by sound, letter by letter."""

import re
import unicodedata
from itertools import permutations

HAN = re.compile(r"[㐀-鿿]")
LETTERS = re.compile(r"[^\W\d_]+")
WORDS_TURNED = 3  # a name of more words is compared in its own order only


def letters(name: str) -> list[str]:
    """Return a name as words of plain letters: Chinese as one word of pinyin, other names without accents and case."""
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name)).casefold()
    text = "".join(letter for letter in text if not unicodedata.combining(letter))
    if HAN.search(text):
        from pypinyin import lazy_pinyin  # its table takes a moment and is needed when a file is opened only

        return ["".join(LETTERS.findall("".join(lazy_pinyin(text))))]
    return LETTERS.findall(text)


def spellings(name: str) -> set[str]:
    """Return how a name may be written in one line: in every order of its words."""
    words = letters(name)
    return {"".join(words)} if len(words) > WORDS_TURNED else {"".join(turned) for turned in permutations(words)}


def distance(one: str, other: str) -> int:
    """Return how many letters must be added, dropped or changed to make one word the other (Levenshtein 1966)."""
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one, start=1):
        before, row[0] = row[0], place
        for column, its in enumerate(other, start=1):
            before, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, before + (letter != its))
    return row[-1]


def alike(one: str, other: str) -> bool:
    """Return whether two names sound the same, or differ by one letter in six; the order of words does not matter."""
    mine, theirs = "".join(letters(one)), "".join(letters(other))
    return any(near(turned, theirs) for turned in spellings(one)) or any(near(turned, mine) for turned in spellings(other))


def near(word: str, other: str) -> bool:
    """Return whether two words are the same but for one letter in six."""
    most = min(len(word), len(other)) // 6
    if not word or abs(len(word) - len(other)) > most:
        return False
    return word == other or distance(word, other) <= most
