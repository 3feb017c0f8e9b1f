"""The API is doors over HTTP: a `needs` table on every view, one kind of paging, problem documents."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers, viewsets
from rest_framework.pagination import CursorPagination
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from crm.lib.permissions import ALL


class Needs(BasePermission):
    """Refuse every action that the view's `needs` table does not name; ask for permission and OAuth scope.

    One is made for each request, so that it may carry the sentence that says what is missing.
    """

    message: str | None = None

    def has_permission(self, request: Request, view: APIView) -> bool:
        code = needed(view, request)
        if code is None or not request.user or not request.user.is_authenticated:
            return False
        permission = ALL.get(code)
        if not request.user.has_perm(code):
            label = permission.label if permission else code
            self.message = _("It needs the permission “%(permission)s” (%(code)s).") % {"permission": label, "code": code}
            return False
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


def needed(view: APIView, request: Request | HttpRequest) -> str | None:
    """Return the permission the current action needs, None when the table does not name it."""
    table: Mapping[str, str] = getattr(view, "needs", {})
    return table.get(getattr(view, "action", None) or (request.method or "").lower())


class DoorViewSet(viewsets.ReadOnlyModelViewSet):
    """Reads by public id; each door is one `@action` or one of `create`, `update`."""

    lookup_field = "public_id"
    lookup_value_regex = r"[A-Z]-[0-9A-Z]+"
    needs: Mapping[str, str] = {}


class Cursor(CursorPagination):
    """Keyset paging: stable while rows are added, the same speed on every page."""

    ordering = "-pk"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200


class Problem(serializers.Serializer):
    """RFC 9457 problem details."""

    type = serializers.CharField(default="about:blank")
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="stable name of the refusal, for programs")
    detail = serializers.CharField(help_text="a sentence in the caller's language")
    request_id = serializers.CharField(required=False)
    errors = serializers.DictField(required=False, help_text="per input: list of sentences")


PROBLEMS = {
    400: "The request could not be read",
    401: "No or an expired token",
    403: "A permission or scope is missing",
    404: "Unknown, or not the caller's to see",
    409: "The state forbids it or has moved; or the key was used for another request",
    415: "Only application/json is read",
    422: "A value cannot be",
    429: "Too many requests",
}


class Schema(AutoSchema):
    """Declare the problem documents on every operation, and the idempotency header on every POST."""

    def get_override_parameters(self) -> list[Any]:
        from drf_spectacular.utils import OpenApiParameter

        if self.method != "POST":
            return []
        required = self.view_action() in getattr(self.view, "key_required", ())
        return [
            OpenApiParameter(
                "Idempotency-Key",
                str,
                OpenApiParameter.HEADER,
                required=required,
                description="A name of your choice for this request, at most 128 characters. Sending it again returns"
                " the first answer; the same key with another body is refused with 409.",
            )
        ]

    def view_action(self) -> str:
        return getattr(self.view, "action", "") or self.method.lower()

    def _get_response_bodies(self, direction: str = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        for code, title in PROBLEMS.items():
            if str(code) not in bodies:
                bodies[str(code)] = self._get_response_for_code(Problem, str(code), ["application/problem+json"])
                bodies[str(code)]["description"] = title
        return bodies




def checked(serializer_class: type[serializers.Serializer], request: Request) -> dict[str, Any]:
    """Return the validated body of `request`.

    :raises serializers.ValidationError: with a sentence per wrong input
    """
    body = serializer_class(data=request.data, context={"request": request})
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)
