"""The catalogue of translations, kept by pure Python: extract with Babel, update and check with polib.

gettext's own tools are not on every machine that runs this house. English is the language of the sources; the
Simplified Chinese catalogue must hold every sentence, once, with the same placeholders.
"""

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polib
from babel.messages.extract import extract
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent.parent
CATALOGUE = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
SKIPPED = {
    "node_modules", "var", "tests", "benchmarks", "docs", "frontend", "static_built", "locale", "migrations", "sandbox", "__pycache__",
}  # fmt: skip
KEYWORDS = {
    "_": None, "gettext": None, "gettext_lazy": None, "gettext_noop": None,
    "ngettext": (1, 2), "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2), "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3), "npgettext_lazy": ((1, "c"), 2, 3),
}  # fmt: skip
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|%[sd]|\{(\w+)\}")
CONTEXT = "\x04"
HEADER = {
    "Project-Id-Version": "collection",
    "Language": "zh_Hans",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
    "Plural-Forms": "nplurals=1; plural=0;",
}


@dataclass(frozen=True)
class Sentence:
    """What a translator sees: the English sentence, its plural, its context and the files it stands in."""

    text: str
    plural: str
    context: str
    files: tuple[str, ...]

    @property
    def key(self) -> str:
        return f"{self.context}{CONTEXT}{self.text}" if self.context else self.text


def sources(root: Path = ROOT) -> Iterator[Path]:
    """Yield every Python and template file whose words people read."""
    for path in sorted(root.iterdir()):
        if path.name.startswith(".") or path.name in SKIPPED or not path.is_dir():
            continue
        for found in sorted(path.rglob("*")):
            if found.suffix in (".py", ".html", ".txt") and not SKIPPED & set(found.relative_to(root).parts):
                if found.suffix == ".py" or path.name == "templates":
                    yield found


def extracted(root: Path = ROOT) -> dict[str, Sentence]:
    """Return every sentence of code and templates by its key, in the order of the files."""
    found: dict[str, tuple[str, str, str, list[str]]] = {}
    for path in sources(root):
        text = path.read_text(encoding="utf-8")
        if path.suffix != ".py":
            # what is left of a template is tokens without the indentation that Python's tokenizer insists on
            text = "\n".join(line.lstrip() for line in templatize(text, origin=str(path)).splitlines())
        name = path.relative_to(root).as_posix()
        for _line, message, _comments, context in extract("python", io.BytesIO(text.encode()), keywords=KEYWORDS):
            single, plural = (message[0], message[1]) if isinstance(message, tuple) else (message, "")
            if not single:
                continue
            key = f"{context}{CONTEXT}{single}" if context else single
            entry = found.setdefault(key, (single, plural or "", context or "", []))
            if plural and not entry[1]:
                entry = found[key] = (single, plural, context or "", entry[3])
            if name not in entry[3]:
                entry[3].append(name)
    return {key: Sentence(text, plural, context, tuple(files)) for key, (text, plural, context, files) in found.items()}


def key_of(entry: polib.POEntry) -> str:
    return f"{entry.msgctxt}{CONTEXT}{entry.msgid}" if entry.msgctxt else entry.msgid


def update(path: Path = CATALOGUE, root: Path = ROOT, translations: dict[str, str | list[str]] | None = None) -> polib.POFile:
    """Write the catalogue anew: what the sources say now, with the translations known so far and the given ones."""
    known: dict[str, str] = {}
    if path.exists():
        for entry in polib.pofile(str(path)):
            known[key_of(entry)] = entry.msgstr_plural.get(0, "") if entry.msgid_plural else entry.msgstr
    for key, value in (translations or {}).items():
        known[key] = value if isinstance(value, str) else (value[0] if value else "")
    catalogue = polib.POFile(wrapwidth=120)
    catalogue.metadata = HEADER
    for sentence in sorted(extracted(root).values(), key=lambda s: (s.files[0], s.text, s.context)):
        entry = polib.POEntry(msgid=sentence.text, msgctxt=sentence.context or None, occurrences=[(name, "") for name in sentence.files])
        translation = known.get(sentence.key, "")
        if sentence.plural:
            entry.msgid_plural = sentence.plural
            entry.msgstr_plural = {0: translation}
        else:
            entry.msgstr = translation
        if re.search(r"%\(\w+\)[sd]|%[sd]", sentence.text + sentence.plural):
            entry.flags.append("python-format")
        catalogue.append(entry)
    path.parent.mkdir(parents=True, exist_ok=True)
    catalogue.save(str(path))
    return catalogue


def problems(path: Path = CATALOGUE, root: Path = ROOT) -> list[str]:
    """Return one line for each sentence that is missing, fuzzy, empty, stale or has other placeholders."""
    wanted = extracted(root)
    if not path.exists():
        return [f"{path.name} does not exist"]
    lines = []
    held = {}
    for entry in polib.pofile(str(path)):
        key = key_of(entry)
        held[key] = entry
        text = entry.msgstr_plural.get(0, "") if entry.msgid_plural else entry.msgstr
        if entry.obsolete or key not in wanted:
            lines.append(f"stale: {entry.msgid}")
        elif entry.fuzzy:
            lines.append(f"fuzzy: {entry.msgid}")
        elif not text.strip():
            lines.append(f"not translated: {entry.msgid} ({wanted[key].files[0]})")
        elif placeholders(text) - placeholders(entry.msgid + (entry.msgid_plural or "")) or (
            placeholders(entry.msgid_plural or entry.msgid) - placeholders(text)
        ):
            lines.append(f"other placeholders: {entry.msgid}")
        elif bool(entry.msgid_plural) != bool(wanted[key].plural):
            lines.append(f"plural differs: {entry.msgid}")
    lines += [f"missing: {sentence.text} ({sentence.files[0]})" for key, sentence in wanted.items() if key not in held]
    return lines


def placeholders(text: str) -> set[str]:
    return {match.group(0) for match in PLACEHOLDER.finditer(text)}


def compile_all(root: Path = ROOT) -> list[Path]:
    """Write the binary catalogues Django reads; return those that were older than their source."""
    written = []
    for source in sorted((root / "locale").glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            polib.pofile(str(source)).save_as_mofile(str(target))
            written.append(target)
    return written


def read_translations(path: Path) -> dict[str, str | list[str]]:
    """Return {English: Chinese} from a JSON file; a context stands before the sentence, parted by U+0004."""
    found: dict[str, str | list[str]] = json.loads(path.read_text(encoding="utf-8"))
    return found
