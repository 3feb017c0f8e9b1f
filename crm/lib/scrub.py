"""Last stop before a line of log is written: what looks like a person's number or address leaves as what it was, never as itself.

No line should carry one; this is for the day one does, in a message of a library or in the text of an exception. It works on the
finished line, so that no processor before it can be forgotten. Names have no form that could be told from words: they are kept out of
logs by never being put there, and `manage.py prove_encryption` reads the logs for the long ones.
"""

import re
from typing import Any

# GB 11643-1999: 17 digits and a check character; checked by form only, a mistyped one is a person's too.
ID = r"(?P<id>[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx])"
CARD = r"(?P<card>\d{15,19})"  # ISO/IEC 7812; shorter ones are mostly moments in milliseconds
MOBILE = r"(?P<mobile>(?:\+?86[ -]?)?1[3-9]\d(?:[ -]?\d{4}){2})"
MAIL = r"(?P<mail>[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)"
FORMS = re.compile(rf"(?<!\d)(?:{ID}|{MOBILE}|{CARD})(?!\d)|{MAIL}")
FEWEST_DIGITS = re.compile(r"\d[\d -]{9,}\d|@")  # most lines have none: one cheap look


def scrub(text: str) -> str:
    """Return `text` with each identity number, card, mobile and e-mail address replaced by its kind: `[mobile]`."""
    return FORMS.sub(_kind, text) if FEWEST_DIGITS.search(text) else text


def cause(text: str, *, most: int) -> str:
    """Return what may be kept of the words of an exception: its first line, scrubbed; on the others a database quotes the row."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return scrub(first)[:most]


def _kind(found: re.Match[str]) -> str:
    kind = found.lastgroup or ""
    if kind == "card" and not _luhn(found.group()):
        return found.group()
    return f"[{kind}]"


def _luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B: every second digit from the right doubled, its digits added, the sum divisible by ten."""
    total = sum(int(digit) if place % 2 == 0 else sum(divmod(2 * int(digit), 10)) for place, digit in enumerate(reversed(digits)))
    return total % 10 == 0


def lines(_logger: Any, _name: str, line: str) -> str:
    """structlog: the processor after the renderer."""
    return scrub(line)
