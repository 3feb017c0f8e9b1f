"""`{% load lists %}`: heads and rows of a declared list; made in Python, because a page of them holds 500 cells."""

from datetime import datetime
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.html import conditional_escape, escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime, now

from crm.lib.templatetags.crm import AGO_SECONDS, absent, aria_sort, in_words, sort

register = template.Library()


def since(value: datetime | None) -> SafeString:
    """How long ago, with the moment on hover: `ago` in a third of its markup, for a cell that stands fifty times on a page."""
    if not value:
        return absent()
    minute = f"{localtime(value):%Y-%m-%d %H:%M}"
    seconds = int((now() - value).total_seconds())
    return format_html('<span title="{}">{}</span>', minute, in_words(seconds) if 0 <= seconds < AGO_SECONDS else minute)


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
    """The rows of the page. Written without `format_html`: what opens a cell is made once a page and not once a row."""
    state = page.state
    pick = bool(state.actions)
    first, *others = state.columns
    opened = [(_opened(column), column.cell) for column in others]
    found = []
    for row in page.rows:
        found.append(f"<tr>{_pick(row) if pick else ''}<th scope=row>{conditional_escape(first.cell(row))}</th>")
        found += [f"{tag}{conditional_escape(cell(row))}</td>" for tag, cell in opened]
        found.append("</tr>")
    return mark_safe("".join(found))  # noqa: S308  each value was escaped above


def _pick(row: Any) -> str:
    """The box that chooses a row, named after it; its look is the style sheet's and its values go unquoted, since a page has fifty."""
    name = escape(row.public_id)
    return f"<td class=pick><input type=checkbox name=row value={name} form=bulk aria-label={name}></td>"


def _opened(column: Any) -> str:
    # a cell without a label is not shown on a phone: see `.lean` in the style sheet
    label = f' data-label="{escape(column.label)}"' if column.phone else ""
    css = f" class={column.kind}" if column.kind.isalnum() else f' class="{escape(column.kind)}"' if column.kind else ""
    return f"<td{css}{label}>"
