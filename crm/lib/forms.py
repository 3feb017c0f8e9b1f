"""Forms: one look for every field, a summary that names what to change, refusals of doors at their fields."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django import forms
from django.forms.renderers import DjangoTemplates
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.utils.translation import gettext_lazy as _

from crm.lib import htmx, money
from crm.lib.errors import DomainError


class Renderer(DjangoTemplates):
    """Our templates for form and field, Django's own for widgets."""

    form_template_name = "parts/_form.html"
    field_template_name = "parts/_field.html"

    def get_template(self, template_name: str) -> Any:
        if template_name.startswith("parts/"):
            return loader.get_template(template_name)
        return super().get_template(template_name)


class Form(forms.Form):
    """A form of the house. `form_key` lets a second submit return the first result."""

    default_renderer = Renderer()
    required_css_class = ""
    form_key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        self.fields["form_key"].initial = str(uuid4())
        dress(self)

    @property
    def summary(self) -> list[tuple[str, str]]:
        """Return (id to go to, sentence) for each answer that needs a change, in the order of the form."""
        lines = []
        for name, errors in self.errors.items():
            target = "" if name == "__all__" else self[name].id_for_label or self[name].auto_id
            lines += [(target, str(error)) for error in errors]
        return lines

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """Run a door; what it refuses because of a value (422) stands at the field, anything else goes on."""
        try:
            yield
        except DomainError as error:
            if error.status != 422:
                raise
            known = {name: text for name, text in error.fields.items() if name in self.fields}
            for name, text in known.items():
                self.add_error(name, forms.ValidationError(text))
            if not known:
                self.add_error(None, forms.ValidationError(error.message))

    def page(self, request: HttpRequest, template: str, context: dict[str, Any], *, part: str = "") -> HttpResponse:
        """Render the form: 200 when it is asked for, 422 with what was typed when an answer needs a change."""
        status = 422 if self.is_bound and self.errors else 200
        target = request.headers.get("HX-Target")
        if target in ("dialog", "drawer"):  # the page beneath has fields of its own, whose ids these must not repeat
            self.auto_id = f"{target}_%s"
        return htmx.render(request, template, part or template, {"form": self} | context, status=status)


class VersionedForm(Form):
    """A form that edits a record: `version` finds out whether somebody else saved meanwhile."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)


CLASSES: list[tuple[type, str]] = [
    (forms.CheckboxSelectMultiple, "form-check-input"),
    (forms.RadioSelect, "form-check-input"),
    (forms.CheckboxInput, "form-check-input"),
    (forms.Select, "form-select"),
    (forms.FileInput, "form-control"),
    (forms.Textarea, "form-control"),
    (forms.TextInput, "form-control"),
    (forms.NumberInput, "form-control"),
    (forms.EmailInput, "form-control"),
    (forms.PasswordInput, "form-control"),
    (forms.DateInput, "form-control"),
    (forms.DateTimeInput, "form-control"),
]


def dress(form: forms.Form) -> None:
    """Give every widget its class and every missing answer a sentence that names the field."""
    for field in form.fields.values():
        widget: Any = field.widget
        if isinstance(widget, forms.HiddenInput):
            continue
        if isinstance(widget, forms.DateInput) and not isinstance(widget, DateInput):
            widget.input_type, widget.format = "date", "%Y-%m-%d"
        for part in getattr(widget, "widgets", [widget]):  # a period is two inputs in one
            css = next((css for kind, css in CLASSES if isinstance(part, kind)), "")
            if css not in part.attrs.get("class", ""):
                part.attrs["class"] = f"{css} {part.attrs.get('class', '')}".strip()
        if isinstance(widget, forms.Textarea):
            widget.attrs["rows"] = 3 if widget.attrs.get("rows") == "10" else widget.attrs.get("rows", 3)  # Django's 10 fill a screen
        if isinstance(field, forms.DateField):
            field.error_messages["invalid"] = _("%(label)s must be a day such as 2026-11-22.") % {"label": field.label or ""}
        if str(field.error_messages.get("required")) == str(forms.Field.default_error_messages["required"]):
            field.error_messages["required"] = _("%(label)s is needed.") % {"label": field.label or ""}
        if not isinstance(field, forms.MultiValueField):
            name_limits(field)


def name_limits(field: forms.Field) -> None:
    """Let what a value breaks name its field: Django's own sentences make no sense in a summary. What a form says itself stays."""
    # Django puts the limit and what was typed into these; a label may hold a per cent sign of its own.
    words = {"label": str(field.label or "").replace("%", "%%"), "limit": "%(limit_value)s", "typed": "%(show_value)s"}
    said: dict[str, Any] = {
        "min_value": _("%(label)s must be at least %(limit)s."),
        "max_value": _("%(label)s must be at most %(limit)s."),
        "min_length": _("%(label)s needs at least %(limit)s characters; it has %(typed)s."),
        "max_length": _("%(label)s may have at most %(limit)s characters; it has %(typed)s."),
    }
    for code, sentence in said.items():
        field.error_messages.setdefault(code, sentence % words)
    if isinstance(field, forms.DecimalField):
        words = words | {"digits": "%(max)s"}
        for code in ("max_digits", "max_whole_digits"):
            field.error_messages.setdefault(code, _("%(label)s is too large: at most %(digits)s digits.") % words)
        field.error_messages.setdefault("max_decimal_places", _("%(label)s may have at most %(digits)s digits after the point.") % words)
    if isinstance(field, forms.IntegerField) and field.error_messages.get("invalid") == field.default_error_messages["invalid"]:
        kind = _("%(label)s must be a number.") if isinstance(field, forms.DecimalField) else _("%(label)s must be a whole number.")
        field.error_messages["invalid"] = kind % {"label": field.label or ""}


class DateInput(forms.DateInput):
    """A day, in ISO form on the wire, shown by the browser in the reader's way."""

    input_type = "date"

    def __init__(self, attrs: Any = None) -> None:
        super().__init__(attrs={"class": "short"} | (attrs or {}), format="%Y-%m-%d")


class MoneyInput(forms.TextInput):
    """An amount as text, because a number field would hide `1.2万` and round."""

    money = True

    def __init__(self, attrs: Any = None) -> None:
        super().__init__(attrs={"inputmode": "decimal", "autocomplete": "off", "class": "short"} | (attrs or {}))

    def format_value(self, value: Any) -> Any:
        return f"{value:,.2f}" if isinstance(value, Decimal) else value


class MoneyField(forms.Field):
    """An amount of money as a person writes it: 12,000 or 12000.50 or 1.2万; never rounded by itself."""

    widget = MoneyInput
    default_error_messages = {
        "unread": _("%(label)s must be an amount such as 12,000 or 12000.50."),
        "low": _("%(label)s must be %(bound)s or more."),
        "high": _("%(label)s must be %(bound)s or less."),
    }

    def __init__(self, *, min_value: Decimal | None = Decimal("0.01"), max_value: Decimal | None = None, **kwargs: Any) -> None:
        self.min_value, self.max_value = min_value, max_value
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> Decimal | None:
        if value in self.empty_values:
            return None
        try:
            return money.parse(str(value))
        except ValueError:
            raise forms.ValidationError(self.error_messages["unread"] % {"label": self.label}, code="unread") from None

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value is None:
            return
        for bound, code, broken in (
            (self.min_value, "low", self.min_value is not None and value < self.min_value),
            (self.max_value, "high", self.max_value is not None and value > self.max_value),
        ):
            if broken:
                text = self.error_messages[code] % {"label": self.label, "bound": f"{bound:,.2f}"}
                raise forms.ValidationError(text, code=code)
