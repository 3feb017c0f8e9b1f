"""Every sentence a person can read is there in both languages."""

from pathlib import Path

import polib

from crm.lib import messages


def test_every_sentence_has_its_translation() -> None:
    assert messages.problems() == []


def test_an_update_changes_nothing(tmp_path: Path) -> None:
    copy = tmp_path / "django.po"
    copy.write_bytes(messages.CATALOGUE.read_bytes())
    messages.update(copy)
    assert [(e.msgid, e.msgstr) for e in polib.pofile(str(copy))] == [(e.msgid, e.msgstr) for e in polib.pofile(str(messages.CATALOGUE))]


def house(tmp_path: Path, code: str = "", template: str = "") -> Path:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "views.py").write_text(code)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text(template)
    return tmp_path


def test_sentences_are_found_in_code_and_templates(tmp_path: Path) -> None:
    root = house(
        tmp_path,
        code='from x import gettext_lazy as _\nA = _("Loan")\nB = ngettext("%(n)s day", "%(n)s days", 2)\n',
        template='{% load i18n %}{% translate "Light" context "theme" %}{% blocktranslate with a=b trimmed %}\n  Due {{ a }}\n{% endblocktranslate %}',
    )
    found = messages.extracted(root)
    assert set(found) == {"Loan", "%(n)s day", "theme\x04Light", "Due %(a)s"}
    assert found["%(n)s day"].plural == "%(n)s days"


def test_gaps_are_named(tmp_path: Path) -> None:
    root = house(tmp_path, code='_("New")\n_("Loan %(id)s")\n_("Kept")\n')
    path = tmp_path / "django.po"
    catalogue = polib.POFile()
    catalogue.append(polib.POEntry(msgid="Loan %(id)s", msgstr="贷款"))
    catalogue.append(polib.POEntry(msgid="Kept", msgstr="保留", flags=["fuzzy"]))
    catalogue.append(polib.POEntry(msgid="Gone", msgstr="没有"))
    catalogue.save(str(path))
    assert sorted(line.split(":")[0] for line in messages.problems(path, root)) == ["fuzzy", "missing", "other placeholders", "stale"]
