"""Tables as files: comma-separated values or a workbook. No cell is a formula."""

import csv
import io
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import xlsxwriter
from django.http import QueryDict

from crm.lib.lists import LISTS
from crm.lib.tables import TABLES, Sheet, Table
from governance.models import User

CSV, XLSX = "csv", "xlsx"
FORM = "as"  # in the query of an export: the form of the file is part of what was asked for
TYPES = {CSV: "text/csv; charset=utf-8", XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
LONGEST_NAME = 31  # of a sheet in a workbook
FORBIDDEN = str.maketrans("", "", "[]:*?/\\'")
PLAIN_NUMBER = re.compile(r"[-+]?[0-9][0-9,]*(\.[0-9]+)?")


def safe(value: Any) -> str:
    """Return a cell that no spreadsheet takes for a formula (OWASP: =, +, -, @, tab, return at the beginning)."""
    text = "" if value is None else str(value)
    if text[:1] in "=+-@\t\r\n＝＋－＠" and text and not PLAIN_NUMBER.fullmatch(text):
        return "'" + text
    return text


def source(name: str) -> Any:
    """Return the list or table a file is of, None where neither is declared."""
    return LISTS.get(name) or TABLES.get(name)


def form_of(query: str) -> str:
    """Return the form of the file that an export's query asks for."""
    return XLSX if QueryDict(query).get(FORM) == XLSX else CSV


def content(table: Table, query: str, user: User) -> tuple[int, bytes]:
    """Return the number of rows and the file of a table as `user` may see it."""
    sheets = table.sheets(user, QueryDict(query))
    number = sum(len(sheet.rows) for sheet in sheets[:1])
    return number, workbook(sheets) if form_of(query) == XLSX else separated(sheets[0])


def separated(sheet: Sheet) -> bytes:
    out = io.StringIO(newline="")
    table = csv.writer(out)
    table.writerow([safe(head) for head in sheet.heads])
    table.writerows([safe(value) for value in row] for row in sheet.rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def workbook(sheets: Sequence[Sheet]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        head = book.add_format({"bold": True, "text_wrap": True})
        taken: set[str] = set()
        for number, sheet in enumerate(sheets, start=1):
            name = sheet.name.translate(FORBIDDEN)[:LONGEST_NAME] or str(number)
            name = name if name not in taken else f"{number} {name}"[:LONGEST_NAME]
            taken.add(name)
            page = book.add_worksheet(name)
            page.freeze_panes(1, 1)
            page.set_column(0, len(sheet.heads), 16)
            page.write_row(0, 0, [safe(each) for each in sheet.heads], head)
            for place, row in enumerate(sheet.rows, start=1):
                for column, value in enumerate(row):
                    if value is None:
                        continue
                    if isinstance(value, int | Decimal):
                        page.write_number(place, column, value)
                    else:
                        page.write_string(place, column, safe(value))
    return out.getvalue()
