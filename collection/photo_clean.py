"""Photographs without what a camera writes beside the picture: place, time, device, thumbnails. Pure: bytes in, bytes out.

JPEG (ITU T.81) is a row of segments; those of applications and comments go, but for the two that say how colours are meant (APP0 of JFIF,
APP14 of Adobe). PNG (W3C, third edition) is a row of chunks; only those that make the picture stay. What follows the end of the picture goes.
"""

from collections.abc import Iterator

SOI, EOI, SOS = b"\xff\xd8", 0xD9, 0xDA
KEPT_APPS = (0xE0, 0xEE)
ALONE = (0x01, *range(0xD0, 0xD8))  # markers without a length
KEPT_CHUNKS = (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT")
SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Broken(ValueError):
    """The bytes are no whole picture."""


def jpeg(content: bytes) -> bytes:
    """Return a JPEG without metadata.

    :raises Broken: if it is not whole
    """
    if not content.startswith(SOI):
        raise Broken("no start")
    kept, at = [SOI], 2
    while at + 2 <= len(content):
        if content[at] != 0xFF:
            raise Broken("no marker")
        marker = content[at + 1]
        if marker == 0xFF:  # filling before a marker
            at += 1
            continue
        if marker == EOI:
            return b"".join([*kept, content[at : at + 2]])
        if marker in ALONE:
            kept.append(content[at : at + 2])
            at += 2
            continue
        ends = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        if ends > len(content) or ends < at + 4:
            raise Broken("cut off")
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE) or marker in KEPT_APPS:
            kept.append(content[at:ends])
        at = ends
        if marker == SOS:
            ends = _after_scan(content, at)
            kept.append(content[at:ends])
            at = ends
    raise Broken("no end")


def _after_scan(content: bytes, at: int) -> int:
    """Return where the marker after the coded picture begins: an 0xFF that is neither stuffed nor a restart."""
    while True:
        at = content.find(b"\xff", at)
        if at < 0 or at + 1 >= len(content):
            raise Broken("no end")
        if content[at + 1] != 0 and content[at + 1] not in ALONE:
            return at
        at += 2


def png(content: bytes) -> bytes:
    """Return a PNG without metadata.

    :raises Broken: if it is not whole
    """
    if not content.startswith(SIGNATURE):
        raise Broken("no start")
    kept, ended = [SIGNATURE], False
    for name, chunk in _chunks(content):
        if name in KEPT_CHUNKS:
            kept.append(chunk)
        elif name[:1].isupper():  # needed to read the picture, and not known here
            raise Broken("unknown")
        ended = name == b"IEND"
    if not ended:
        raise Broken("no end")
    return b"".join(kept)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at + 12 <= len(content):
        ends = at + 12 + int.from_bytes(content[at : at + 4], "big")
        if ends > len(content):
            raise Broken("cut off")
        name = content[at + 4 : at + 8]
        yield name, content[at:ends]
        if name == b"IEND":
            return
        at = ends
