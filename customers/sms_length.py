"""How many parts a text message is sent and paid in. Pure: 3GPP TS 23.038 (the letters) and 23.040 (the parts)."""

from dataclasses import dataclass

GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
TWICE = frozenset("^{}\\[~]|€\f")  # behind an escape, so that they count as two


@dataclass(frozen=True, slots=True)
class Length:
    """Letters as they are counted, parts, and whether it needs the wide alphabet, in which a part holds 70 instead of 160."""

    letters: int
    parts: int
    wide: bool


def of(text: str) -> Length:
    """Return the length of a text; a text of several parts loses room in each for what puts them together."""
    if all(letter in GSM or letter in TWICE for letter in text):
        letters, one, each, wide = sum(2 if letter in TWICE else 1 for letter in text), 160, 153, False
    else:
        letters, one, each, wide = len(text.encode("utf-16-be")) // 2, 70, 67, True
    return Length(letters, (1 if letters <= one else -(-letters // each)) if letters else 0, wide)
