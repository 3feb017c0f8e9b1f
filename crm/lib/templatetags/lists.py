"""`{% load lists %}`: heads and rows of a declared list; made in Python, because a page of them holds 500 cells."""

from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from crm.lib.templatetags.crm import aria_sort, sort

register = template.Library()


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
    word = gettext("Choose %(row)s")
    return format_html_join("", "<tr>{}{}</tr>", ((_pick(row, word) if pick else "", cells(state.columns, row)) for row in page.rows))


def _pick(row: Any, word: str) -> SafeString:
    name = row.public_id
    return format_html(
        '<td class="pick not-phone"><input class="form-check-input" type="checkbox" name="row" value="{}" form="bulk" aria-label="{}"></td>',
        name, word % {"row": name},
    )  # fmt: skip


def cells(columns: Any, row: Any) -> SafeString:
    first, *others = columns
    found = [format_html('<th scope="row" class="nowrap">{}</th>', first.cell(row))]
    for column in others:
        classes = " ".join(part for part in (column.kind, "" if column.phone else "not-phone") if part)
        label = format_html(' data-label="{}"', column.label) if column.phone else ""
        css = format_html(' class="{}"', classes) if classes else ""
        found.append(format_html("<td{}{}>{}</td>", css, label, conditional_escape(column.cell(row))))
    return mark_safe("".join(found))  # noqa: S308  each part was escaped above
