"""Files of many rows: more than one person takes alone wait for a second one, who reads what would leave, why, and how much of it."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _

from crm.lib import pages
from crm.lib.errors import Invalid, NotAllowed
from crm.lib.lists import LISTS, Column, List
from governance import changes, exports, notices, permissions, rules
from governance.changes import Kind, Line
from governance.models import ChangeRequest, DataPurpose, Export, User
from governance.saved_views import kept

KIND = "governance.export"
ALONE = "governance.export.alone_rows"


def alone(*, at: datetime) -> int:
    """Return how many rows one person takes without a second one."""
    return int(rules.value(ALONE, on=localdate(at)))


def order(
    spec: List, *, query: str, columns: Sequence[Column], purpose: str, reason: str, actor: User, at: datetime, language: str, use: str
) -> Export | ChangeRequest:
    """Order a file of a list at once, or propose it where it holds more rows than one person takes alone.

    :raises NotAllowed: without the list's export permission
    :raises uses.UnlawfulUse: if a column may not be read for the purpose
    """
    if not spec.export_permission or not actor.has_perm(spec.export_permission):
        raise NotAllowed(_("You may not export this list."))
    rows = spec.narrowed(QueryDict(query), SimpleNamespace(user=actor), localdate(at))
    number, more = pages.capped(rows, exports.MOST)
    if number <= alone(at=at):
        return exports.ask(
            spec, query=query, columns=columns, purpose=purpose, reason=reason, actor=actor, at=at, language=language, use=use
        )
    use = exports.lawful_use(spec, columns, use or exports.STANDS_FOR.get(purpose, ""), actor=actor, at=at)
    after = {
        "list": spec.name, "query": kept(query), "columns": [column.key for column in columns], "purpose": purpose, "use": use,
        "language": language, "rows": number, "more": more, "by": actor.public_id,
    }  # fmt: skip
    made = changes.propose(KIND, secrets.token_hex(8), after=after, reason=reason, actor=actor, at=at)
    if made.alone:  # nobody else could confirm it: it is being written
        return Export.objects.filter(actor=actor).select_related("job").latest("pk")
    return made


def _standing(subject: str) -> dict[str, Any]:
    """Nothing: a file that left is no state of anything."""
    return {}


def _validate(subject: str, after: dict[str, Any]) -> None:
    if after["list"] not in LISTS:
        raise Invalid(_("There is no such list."))


def _lines(before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    spec = LISTS.get(after["list"])
    labels = {column.key: column.label for column in spec.columns} if spec else {}
    use = DataPurpose.objects.filter(code=after["use"]).first()
    rows = f"{after['rows']:,}{'+' if after['more'] else ''}"
    return [
        Line(_("List"), "", spec.title if spec else after["list"]),
        Line(_("Rows"), "", rows),
        Line(_("Columns"), added=tuple(labels.get(key, key) for key in after["columns"])),
        Line(_("Filter"), "", after["query"]),
        Line(_("What it is for"), "", dict(Export.Purpose.choices).get(after["purpose"], after["purpose"])),
        *([Line(_("Personal columns are read to"), "", str(use))] if use else []),
    ]


def _make(subject: str, after: dict[str, Any], *, actor: User, at: datetime) -> Export:
    change = ChangeRequest.objects.get(kind=KIND, subject=subject)
    spec, maker = LISTS[after["list"]], User.objects.select_related("role", "team").get(public_id=after["by"])
    columns = [column for column in spec.columns if column.key in after["columns"]]
    made = exports.ask(
        spec, query=after["query"], columns=columns, purpose=after["purpose"], reason=change.reason or "", actor=maker, at=at,
        language=after["language"], use=after["use"],
    )  # fmt: skip
    url = reverse("list-job", args=[made.work.public_id])
    notices.tell([maker], code="export.begun", key=f"export.begun:{made.public_id}", url=url, at=at, actor=actor)
    return made


def _name(subject: str, after: dict[str, Any]) -> Any:
    spec = LISTS.get(after["list"])
    return spec.title if spec else after["list"]


@notices.words("export.begun", icon="export", tone="good")
def _begun(notice: Any) -> Any:
    return _("A second person confirmed your file; it is being written.")


changes.KINDS.register(
    KIND,
    Kind(
        label=_("File of many rows"), check=permissions.CHECK_EXPORT, standing=_standing, validate=_validate, lines=_lines, make=_make,
        name=_name, url=lambda subject: "",
    ),
)  # fmt: skip
