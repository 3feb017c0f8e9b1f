"""`{% load crm %}`: figures, days, states and masks as ux.md section 3 writes them, in the reader's language."""

from collections.abc import Hashable
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext, ngettext

from crm.lib import tones

register = template.Library()
MINUS = "−"
AGO_SECONDS = 7 * 86_400  # older moments are written out


def _chinese() -> bool:
    return (get_language() or "").startswith("zh")


@register.simple_tag
def icon(name: str, size: int = 16, label: str = "") -> SafeString:
    """`{% icon "loan" %}`: decoration; with `label` it is read aloud."""
    return _drawn(name, size) if not label else _icon(name, size, format_html('role="img" aria-label="{}"', label))


@lru_cache(1_024)
def _drawn(name: str, size: int) -> SafeString:
    # A page draws the same few decorations a hundred times.
    return _icon(name, size, mark_safe('aria-hidden="true"'))


def _icon(name: str, size: int, shown: SafeString) -> SafeString:
    return format_html('<svg class="icon{}" {}><use href="{}#{}"/></svg>', f" icon-{size}" if size != 16 else "", shown, _sprite(), name)


_SPRITE: dict[str, str] = {}


def _sprite() -> str:
    # The address does not change while the process lives, and a list page asks for it two hundred times.
    if "url" not in _SPRITE:
        _SPRITE["url"] = static("icons.svg")
    return _SPRITE["url"]


# --- figures -------------------------------------------------------------------------------------------------------
def grouped(amount: Decimal, places: int = 2) -> str:
    text = f"{abs(amount):,.{places}f}"
    return f"{MINUS}{text}" if amount < 0 and Decimal(text.replace(",", "")) else text


@register.filter
def money(amount: Any) -> str | SafeString:
    """`12,345.67` in a cell whose head names the currency; a grey dash for what is not recorded."""
    return absent() if amount in (None, "") else grouped(Decimal(amount))


@register.filter
def amount(value: Any) -> str | SafeString:
    """An amount in running text: `CNY 12,345.67`, `¥12,345.67`."""
    if value in (None, ""):
        return absent()
    return spoken(Decimal(value))


def spoken(value: Decimal) -> str:
    """Return an amount with its currency, as plain text."""
    if settings.CURRENCY == "CNY" and _chinese():
        return f"{MINUS if value < 0 else ''}¥{abs(value):,.2f}"
    return f"{settings.CURRENCY} {grouped(value)}"


@register.filter
def tile_money(value: Any) -> str | SafeString:
    """A large amount on a tile: `CNY 12.35m`, `1,234.6万元`; the exact one in the tooltip."""
    if value in (None, ""):
        return absent()
    value = Decimal(value)
    size = abs(value)
    if _chinese() and settings.CURRENCY == "CNY":
        short = f"{value / 10_000:,.1f}万元" if size >= 10_000 else f"{value:,.2f}元"
    elif size >= 1_000_000:
        short = f"{settings.CURRENCY} {value / 1_000_000:,.2f}m"
    elif size >= 10_000:
        short = f"{settings.CURRENCY} {value / 1_000:,.1f}k"
    else:
        short = f"{settings.CURRENCY} {value:,.2f}"
    return format_html('<span title="{}">{}</span>', spoken(value), short.replace("-", MINUS))


@register.filter
def rate(value: Any, basis: str = "") -> str | SafeString:
    """An annual rate with its basis: `{{ 0.2391|rate:"irr" }}` → `23.91% a year (IRR, nominal)`."""
    if value in (None, ""):
        return absent()
    percent_ = f"{Decimal(value) * 100:.2f}"
    sentences = {
        "": gettext("%(percent)s%% a year"),
        "irr": gettext("%(percent)s%% a year (IRR, nominal)"),
        "effective": gettext("%(percent)s%% a year (effective)"),
    }
    return sentences[basis] % {"percent": percent_}


@register.filter
def percent(value: Any, places: int = 1) -> str | SafeString:
    """A share: `61.0%`."""
    return absent() if value in (None, "") else f"{Decimal(str(value)) * 100:.{places}f}%".replace("-", MINUS)


@register.filter
def count(value: Any) -> str:
    """`1,204`."""
    return f"{int(value or 0):,}"


# --- days and moments ----------------------------------------------------------------------------------------------
@register.filter
def day(value: date | None) -> str | SafeString:
    """A day in a cell: `2026-11-22`."""
    return absent() if not value else value.strftime("%Y-%m-%d")


@register.filter
def long_day(value: date | None) -> str | SafeString:
    """A day in a sentence: `22 Nov 2026`, `2026年11月22日`."""
    if not value:
        return absent()
    if _chinese():
        return f"{value.year}年{value.month}月{value.day}日"
    return f"{value.day} {value:%b %Y}"


@register.filter
def moment(value: datetime | None) -> str | SafeString:
    """A moment in the installation's zone; the zone on hover."""
    if not value:
        return absent()
    local = timezone.localtime(value)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', value.isoformat(), f"{local:%Y-%m-%d %H:%M:%S %Z}", f"{local:%Y-%m-%d %H:%M}"
    )


@register.filter
def ago(value: datetime | None) -> str | SafeString:
    """How long ago, up to seven days; then the moment itself."""
    if not value:
        return absent()
    seconds = (timezone.now() - value).total_seconds()
    if not 0 <= seconds < AGO_SECONDS:
        return moment(value)
    local = timezone.localtime(value)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', value.isoformat(), f"{local:%Y-%m-%d %H:%M:%S %Z}", in_words(int(seconds))
    )


def in_words(seconds: int) -> str:
    """Return how long ago that was, in the largest whole unit: `5 min ago`."""
    if seconds < 60:
        return gettext("just now")
    if seconds < 3600:
        n = seconds // 60
        return ngettext("%(n)s min ago", "%(n)s min ago", n) % {"n": n}
    if seconds < 86_400:
        n = seconds // 3600
        return ngettext("%(n)s h ago", "%(n)s h ago", n) % {"n": n}
    n = seconds // 86_400
    return ngettext("%(n)s d ago", "%(n)s d ago", n) % {"n": n}


def _left(seconds: int) -> str:
    late, size = seconds < 0, abs(seconds)
    if size < 3600:
        n, left, over = size // 60, gettext("%(n)s min left"), gettext("%(n)s min late")
    elif size < 2 * 86_400:
        n, left, over = size // 3600, gettext("%(n)s h left"), gettext("%(n)s h late")
    else:
        n, left, over = size // 86_400, gettext("%(n)s d left"), gettext("%(n)s d late")
    return (over if late else left) % {"n": n}


@register.inclusion_tag("parts/_clock.html")
def clock(deadline: datetime | None, since: datetime | None = None) -> dict[str, Any]:
    """A deadline that counts down; its tone is the share of time left since `since`."""
    if not deadline:
        return {"deadline": None}
    now = timezone.now()
    left = (deadline - now).total_seconds()
    share = left / (deadline - since).total_seconds() if since and deadline > since else 1
    tone = "bad" if left < 0 else "warn" if share < 0.2 else "caution" if share < 0.5 else "neutral"
    return {"deadline": deadline, "since": since, "tone": tone, "left": _left(int(left))}


# --- states --------------------------------------------------------------------------------------------------------
@register.simple_tag
def absent(kind: str = "not_recorded") -> SafeString:
    """What is not there: `not_recorded` a dash, `not_applicable` a word, `hidden` a lock."""
    if kind == "not_applicable":
        return format_html('<span class="absent">{}</span>', gettext("n/a"))
    if kind == "hidden":
        return format_html('<span class="absent">{} {}</span>', icon("lock"), gettext("hidden"))
    word = gettext("not recorded")
    return format_html(
        '<span class="absent" title="{}"><span aria-hidden="true">–</span><span class="visually-hidden">{}</span></span>', word, word
    )


@register.filter
def or_absent(value: Any) -> Any:
    """The value, or a grey dash."""
    return absent() if value in (None, "") else value


@register.simple_tag
def badge(tone: str, label: Any) -> SafeString:
    """A status in words with its shape and colour: `{% badge "good" _("Approved") %}`."""
    return format_html('<span class="c-badge tone-{}">{}{}</span>', tone, icon(f"tone-{tone}"), label)


@register.simple_tag
def status(obj: Any, name: str = "status") -> SafeString:
    """The badge of `obj.status`; a model may carry its own `TONES`."""
    value = getattr(obj, name)
    words = words_of(cast(Hashable, type(obj)), name)
    return badge(tones.of(value, getattr(obj, "TONES", None)), words.get(value, value))


@lru_cache(maxsize=256)
def words_of(model: Any, name: str) -> dict[Any, Any]:
    """Return a field's choices, value to lazy words: `get_…_display` makes this dictionary anew for each row of a list."""
    fields = {one.name: one for one in model._meta.concrete_fields} if hasattr(model, "_meta") else {}
    return dict(fields[name].flatchoices) if name in fields else {}


@register.simple_tag
def word(value: str, label: Any) -> SafeString:
    """The badge of a bare status value with its label."""
    return badge(tones.of(value), label)


@register.simple_tag
def grade(letter: str | None, big: bool = False) -> SafeString:
    """A risk grade A to E in its square; a dashed one without a grade."""
    size = " grade-big" if big else ""
    if not letter:
        return format_html('<span class="grade grade-none{}" role="img" aria-label="{}">–</span>', size, gettext("no grade"))
    return format_html(
        '<span class="grade grade-{}{}" role="img" aria-label="{}">{}</span>',
        letter,
        size,
        gettext("grade %(letter)s") % {"letter": letter},
        letter,
    )


@register.simple_tag
def bucket(name: Any, dpd: int | None = None) -> SafeString:
    """A bucket with its block: `47 dpd · M2`; `name` is M0 … M7+ or its number."""
    number = min(7, name if isinstance(name, int) else int("".join(filter(str.isdigit, str(name))) or 0))
    text = f"M{number}+" if number == 7 else f"M{number}"
    shown = text if dpd is None else gettext("%(days)s dpd · %(bucket)s") % {"days": dpd, "bucket": text}
    return format_html('<span class="bucket bucket-{}">{}</span>', number, shown)


@register.inclusion_tag("parts/_masked.html")
def masked(value: Any, label: Any = "", reveal_url: str = "", missing: str = "", key: str = "") -> dict[str, Any]:
    """A masked personal value; `reveal_url` opens the dialog, `missing` names why it cannot open."""
    return {"value": value, "label": label, "reveal_url": reveal_url, "missing": missing, "key": key}


@register.inclusion_tag("parts/_sort.html")
def sort(page: Any, key: str, label: Any, target: str = "#list") -> dict[str, Any]:
    """The head of a sortable column: a link in `<th>`; `{% sort page "amount" _("Amount (CNY)") %}`."""
    current = page.sort_key == key
    new = f"-{key}" if current and not page.descending else key
    kept = "&".join(part for part in page.query.lstrip("?").split("&") if part and not part.startswith("sort="))
    return {"url": f"?{kept}{'&' if kept else ''}sort={new}", "label": label, "current": current, "down": page.descending, "target": target}


@register.simple_tag
def aria_sort(page: Any, key: str) -> SafeString:
    """`aria-sort`, only on the sorted column."""
    if page.sort_key != key:
        return SafeString("")
    return mark_safe(f'aria-sort="{"descending" if page.descending else "ascending"}"')  # noqa: S308


@register.inclusion_tag("parts/_field.html")
def field(bound: Any, hint: Any = "") -> dict[str, Any]:
    """One field of a form: label, hint, widget, message."""
    return {"field": bound, "hint": hint or bound.help_text}


@register.filter
def is_money(bound: Any) -> bool:
    return bool(getattr(bound.field.widget, "money", False))


@register.filter
def is_check(bound: Any) -> bool:
    return getattr(bound.field.widget, "input_type", "") == "checkbox" and not getattr(bound.field.widget, "allow_multiple_selected", False)


@register.filter
def is_group(bound: Any) -> bool:
    """Radio buttons and lists of check boxes need a fieldset with a legend."""
    return bool(getattr(bound.field.widget, "use_fieldset", False))


@register.simple_tag
def spark(values: Any, label: str = "") -> SafeString:
    """A small line drawn on the server, for tiles."""
    figures = [float(value) for value in values]  # pixels, not money
    if len(figures) < 2:
        return SafeString("")
    low, high = min(figures), max(figures)
    span = (high - low) or 1
    step = 100 / (len(figures) - 1)
    points = " ".join(f"{'M' if i == 0 else 'L'}{i * step:.1f} {30 - (value - low) / span * 28:.1f}" for i, value in enumerate(figures))
    return format_html(
        '<svg class="spark" viewBox="0 0 100 32" preserveAspectRatio="none" role="img" aria-label="{}"><path d="{}"/></svg>', label, points
    )


@register.filter
def control(bound: Any) -> SafeString:
    """A widget of a form that is not ours (sign-in), with our look."""
    check = getattr(bound.field.widget, "input_type", "") == "checkbox"
    return bound.as_widget(attrs={"class": "form-check-input" if check else "form-control", "placeholder": ""})


@register.simple_tag
def age_band(person: Any, on: date) -> str | SafeString:
    """The five-year band of life of a customer; the birth date itself is never shown."""
    return person.age_band(on)
