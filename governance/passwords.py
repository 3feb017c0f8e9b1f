"""The password policy for Django's validators: the length is a rule, and so data."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.timezone import localdate
from django.utils.translation import ngettext

from governance import sign_in_policy


class LongEnough:
    """Refuse a password with fewer characters than the rule `sign_in.password_length` says."""

    def validate(self, password: str, user: Any = None) -> None:
        least = _least()
        if len(password) < least:
            raise ValidationError(self.get_help_text(), code="password_too_short", params={"n": least})

    def get_help_text(self) -> str:
        least = _least()
        return ngettext("A password has at least %(n)s character.", "A password has at least %(n)s characters.", least) % {"n": least}


def _least() -> int:
    return int(sign_in_policy.value("sign_in.password_length", on=localdate()))
