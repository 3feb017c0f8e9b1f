"""The API document: problem answers on every operation, the idempotency header on every POST."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers


class Problem(serializers.Serializer):
    """RFC 9457 problem details."""

    type = serializers.CharField(default="about:blank")
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="stable name of the refusal, for programs")
    detail = serializers.CharField(help_text="a sentence in the caller's language")
    request_id = serializers.CharField(required=False)
    errors = serializers.DictField(  # type: ignore[assignment]
        required=False, help_text="per input: list of sentences"
    )


PROBLEMS = {
    400: "The request could not be read",
    401: "No or an expired token",
    403: "A permission or scope is missing",
    404: "Unknown, or not the caller's to see",
    406: "Only application/json is answered",
    409: "The state forbids it or has moved; or the key was used for another request",
    415: "Only application/json is read",
    422: "A value cannot be",
    429: "Too many requests",
}


class Schema(AutoSchema):
    """Declare the problem documents on every operation, and the idempotency header on every POST."""

    def get_override_parameters(self) -> list[Any]:
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

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        for code, title in PROBLEMS.items():
            if str(code) not in bodies:
                bodies[str(code)] = self._get_response_for_code(  # type: ignore[no-untyped-call]
                    Problem, str(code), ["application/problem+json"]
                )
                bodies[str(code)]["description"] = title
        return bodies
