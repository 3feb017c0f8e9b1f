"""Forms of second factors: allauth's own checks, in the house's look, and no code twice."""

import struct
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core import context
from allauth.mfa.adapter import get_adapter as get_factors
from allauth.mfa.base import forms as codes
from allauth.mfa.totp import forms as totp
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY
from allauth.mfa.webauthn import forms as webauthn
from cryptography.exceptions import InvalidSignature
from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from crm.lib.forms import Form
from governance import factors
from governance.models import User
from governance.vault import CannotOpen

CODE = forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "text", "class": "short", "maxlength": 20})


class _Once:
    """Refuse a code that was used a moment ago: the library forgets it after 30 s, and it holds for 90."""

    user: Any

    def clean_code(self) -> str:
        code = super().clean_code()  # type: ignore[misc]
        if not factors.first_use(self.user, code):
            raise get_factors().validation_error("incorrect_code")
        return str(code)


class CodeForm(_Once, codes.AuthenticateForm, Form):  # type: ignore[misc]
    """The code asked for at sign-in: of the app, or a recovery code."""

    code = forms.CharField(label=_("Code of your app, or a recovery code"), widget=CODE, max_length=20)


class FreshCodeForm(_Once, codes.ReauthenticateForm):  # type: ignore[misc]
    """A code that proves again who somebody is."""


class TotpForm(totp.ActivateTOTPForm, Form):  # type: ignore[misc]
    """The first code of an app that was just set up; it does not open a sign-in afterwards."""

    code = forms.CharField(label=_("Code that the app shows"), widget=CODE, max_length=20)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Keep the secret sealed in the session: the library lays it there in clear until the first code came."""
        session = context.request.session
        if kept := session.get(SECRET_SESSION_KEY):
            try:
                session[SECRET_SESSION_KEY] = get_factors().decrypt(kept)
            except (CannotOpen, ValueError):
                del session[SECRET_SESSION_KEY]
        super().__init__(*args, **kwargs)
        session[SECRET_SESSION_KEY] = get_factors().encrypt(self.secret)

    def clean_code(self) -> str:
        code = str(super().clean_code())
        factors.first_use(self.user, code)
        return code


# What the library lets through when a browser, or somebody who is none, sends nonsense.
BROKEN = (ValueError, TypeError, KeyError, AttributeError, IndexError, struct.error, InvalidSignature)


class _Whole:
    """Refuse a passkey's answer that cannot be read or does not prove anything, in place of an error page."""

    def clean_credential(self) -> Any:
        try:
            cleaned = getattr(super(), "clean_credential", None)
            return cleaned() if cleaned else self.cleaned_data["credential"]  # type: ignore[attr-defined]
        except BROKEN:
            raise get_factors().validation_error("incorrect_code") from None

    def clean(self) -> Any:
        try:
            return super().clean()  # type: ignore[misc]
        except BROKEN:
            raise get_factors().validation_error("incorrect_code") from None


class SecondPasskeyForm(_Whole, webauthn.AuthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey as the second step of a sign-in."""


class LoginPasskeyForm(_Whole, webauthn.LoginWebAuthnForm):  # type: ignore[misc]
    """A passkey in place of name and password."""


class FreshPasskeyForm(_Whole, webauthn.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey that proves again who somebody is."""


class PasskeyForm(_Whole, webauthn.AddWebAuthnForm, Form):  # type: ignore[misc]
    """A passkey, which the browser makes."""

    name = forms.CharField(label=_("Name of the passkey"), max_length=60, required=False, help_text=_("Such as “work laptop”."))
    credential = forms.JSONField(widget=forms.HiddenInput, error_messages={"required": _("The browser made no passkey. Try again.")})
    passwordless = None  # type: ignore[assignment]  # every passkey of ours also signs in without a password


class ConfirmForm(Form):
    """Who one is, once more: password, code or passkey, whichever is at hand."""

    step_password = forms.CharField(
        label=_("Your password"), required=False, max_length=200, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    step_code = forms.CharField(label=_("Or the code of your app"), required=False, max_length=20, widget=CODE)
    step_passkey = forms.JSONField(required=False, widget=forms.HiddenInput)

    def __init__(self, request: HttpRequest, user: User, data: Any = None) -> None:
        self.request, self.user = request, user
        super().__init__(data, auto_id="confirm_%s")
        del self.fields["form_key"]
        self.has = factors.of(user)
        if not user.has_usable_password():
            del self.fields["step_password"]
        if not self.has["totp"]:
            del self.fields["step_code"]
        if not self.has["passkeys"]:
            del self.fields["step_passkey"]
        if len(self.fields) == 1:
            next(iter(self.fields.values())).required = True

    def clean(self) -> dict[str, Any]:
        """Check the one that was given, and note in the session that the person just proved who they are.

        :raises ValidationError: if none was given, or it is not right
        """
        given = self.cleaned_data
        if passkey := given.get("step_passkey"):
            self._note(FreshPasskeyForm(user=self.user, data={"credential": self.data["step_passkey"]}), passkey)
        elif code := given.get("step_code"):
            self._note(FreshCodeForm(user=self.user, data={"code": code}), code)
        elif password := given.get("step_password"):
            from allauth.account.internal.flows.reauthentication import reauthenticate_by_password

            if not get_adapter(self.request).reauthenticate(self.user, password):
                raise get_adapter().validation_error("incorrect_password")
            reauthenticate_by_password(self.request)
        elif not self.errors:
            raise ValidationError(_("Enter your password or a code, or use a passkey."))
        return given

    def _note(self, form: Any, _given: Any) -> None:
        if not form.is_valid():
            raise ValidationError([error for errors in form.errors.values() for error in errors])
        form.save()
