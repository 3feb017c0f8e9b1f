"""`{% load lists %}`: heads and rows of a declared list; made in Python, because a page of them holds 500 cells."""

from datetime import datetime
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.html import conditional_escape, format_html, format_html_join, strip_tags
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime

from crm.lib.templatetags.crm import absent, ago, aria_sort, sort

register = template.Library()


def since(value: datetime | None) -> SafeString:
    """How long ago, with the moment on hover: `ago` in a third of its markup, for a cell that stands fifty times on a page."""
    if not value:
        return absent()
    return format_html('<span title="{}">{}</span>', f"{localtime(value):%Y-%m-%d %H:%M}", strip_tags(str(ago(value)))[:16])


@register.simple_tag
def list_heads(page: Any) -> SafeString:
    """The heads of the chosen columns; those that can be sorted by are links."""
    return format_html_join("", "{}", ((_head(page, column),) for column in page.state.columns))


def _head(page: Any, column: Any) -> SafeString:
    css = format_html(' class="{}"', column.kind) if column.kind else ""
    if not column.sort:
        return format_html('<th scope="col"{}>{}</th>', css, column.label)
    link = mark_safe(render_to_string("parts/_sort.html", sort(page, column.key, column.label)))  # noqa: S308  our own template
    return format_html('<th scope="col"{} {}>{}</th>', css, aria_sort(page, column.key), link)


@register.simple_tag
def list_body(page: Any) -> SafeString:
    """The rows of the page."""
    state = page.state
    pick = bool(state.actions)
    return format_html_join("", "<tr>{}{}</tr>", ((_pick(row) if pick else "", cells(state.columns, row)) for row in page.rows))


def _pick(row: Any) -> SafeString:
    """The box that chooses a row, named after it; its look is the style sheet's, since a page has fifty."""
    return format_html('<td class="pick"><input type="checkbox" name="row" value="{0}" form="bulk" aria-label="{0}"></td>', row.public_id)


def cells(columns: Any, row: Any) -> SafeString:
    first, *others = columns
    found = [format_html('<th scope="row">{}</th>', first.cell(row))]
    for column in others:
        # a cell without a label is not shown on a phone: see `.lean` in the style sheet
        label = format_html(' data-label="{}"', column.label) if column.phone else ""
        css = format_html(' class="{}"', column.kind) if column.kind else ""
        found.append(format_html("<td{}{}>{}</td>", css, label, conditional_escape(column.cell(row))))
    return mark_safe("".join(found))  # noqa: S308  each part was escaped above
