"""What `REST_FRAMEWORK` in the settings names. Apart from `crm.lib.api`, because REST framework reads these while its own views load."""

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.utils.timezone import now
from django.utils.translation import gettext as _
from rest_framework.exceptions import MethodNotAllowed, NotFound, ParseError
from rest_framework.pagination import CursorPagination
from rest_framework.parsers import JSONParser
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from crm.lib.permissions import ALL, outside

if TYPE_CHECKING:
    from rest_framework.views import APIView


class Needs(BasePermission):
    """Refuse every action that the view's `needs` table does not name; ask for permission and OAuth scope.

    One is made for each request, so that it may carry the sentence that says what is missing.
    """

    message: str | None = None

    def has_permission(self, request: Request, view: "APIView") -> bool:
        code = needed(view, request)
        if not request.user or not request.user.is_authenticated:
            return False
        if code is None:
            # Told to those alone whom this address lets in by another method: to everybody else it is as closed as any.
            if any(self.allows(each, request) for each in offered(view, request)):
                raise MethodNotAllowed(request.method or "")
            self.message = None
            return False
        return self.allows(code, request)

    def allows(self, code: str, request: Request) -> bool:
        """Return whether the caller holds a permission and, if it is a machine, the scope; else say in `message` what is missing."""
        permission, user = ALL.get(code), request.user
        if not user.is_authenticated:
            return False
        if not user.has_perm(code):
            label = permission.label if permission else code
            self.message = _("It needs the permission “%(permission)s” (%(code)s).") % {"permission": label, "code": code}
            return False
        if hours := user.closed_at(now()):
            self.message = outside(hours)
            return False
        user.asked = code
        token = request.auth
        if token is None or not hasattr(token, "allow_scopes"):
            return True  # a person's own session
        if permission and permission.scope and token.allow_scopes([permission.scope]):
            return True
        self.message = (
            _("The token lacks the scope “%(scope)s”.") % {"scope": permission.scope}
            if permission and permission.scope
            else _("This is not open to API clients.")
        )
        return False


def offered(view: "APIView", request: Request) -> list[str]:
    """Return the permissions of what the address takes by other methods; none for a method that is no act on it, as OPTIONS."""
    if getattr(view, "action", None) is not None:
        return []
    table: Mapping[str, str] = getattr(view, "needs", {})
    return [table[name] for name in sorted(set(getattr(view, "action_map", {}).values())) if name in table]


def needed(view: "APIView", request: Request | HttpRequest) -> str | None:
    """Return the permission the current action needs, None when the table does not name it."""
    table: Mapping[str, str] = getattr(view, "needs", {})
    return table.get(getattr(view, "action", None) or (request.method or "").lower())


class Json(JSONParser):
    """JSON that can be kept: half a surrogate pair is no character, and nesting without end is no document."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            data = super().parse(stream, media_type, parser_context)
            json.dumps(data, ensure_ascii=False).encode()
        except (UnicodeEncodeError, RecursionError):
            raise ParseError from None
        return data


class Cursor(CursorPagination):
    """Keyset paging: stable while rows are added, the same speed on every page."""

    ordering = "-pk"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200

    def decode_cursor(self, request: Request) -> Any:
        """Return the place a cursor names; one that somebody made up is 404, as the library's own check of it is."""
        cursor = super().decode_cursor(request)
        if cursor and cursor.position is not None and not re.fullmatch("[0-9]{1,18}", str(cursor.position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor
