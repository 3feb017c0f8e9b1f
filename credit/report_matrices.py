"""Where loans stand and where they moved in a month: roll rates from bucket to bucket, migration of classes, ageing."""

from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from credit.accrual import LAST_BUCKET, bucket_name
from credit.classification import CLASSES
from credit.dashboards import drawn
from credit.report_facts import NEW, NOT_ON_FILE, SETTLED, WRITTEN_OFF, Figures, month_ends
from credit.report_math import flow_rates, share, through
from credit.report_places import HIGHEST, Place
from credit.reports import (
    BY_WORDS,
    MEASURE_WORDS,
    Cell,
    Choices,
    Report,
    Result,
    Row,
    Sheet,
    caption_of,
    declare,
    measured,
    money_cell,
    place_word,
    plain,
    ratio,
    row_word,
)
from crm.lib.templatetags.crm import grouped, percent

BUCKETS = tuple(range(LAST_BUCKET + 1))
# as many as a picture tells apart
DRAWN = [
    *((bucket, bucket, bucket_name(bucket)) for bucket in BUCKETS[1:6]),
    (6, LAST_BUCKET, f"{bucket_name(6)}, {bucket_name(LAST_BUCKET)}"),
]
AWAY = (SETTLED, WRITTEN_OFF, NOT_ON_FILE)


def matrix(choices: Choices, figures: Figures, places: tuple[int, ...]) -> Sheet:
    """Return from where to where loans moved: the share of what stood in a row a month before; new loans as a number."""
    asked = choices.asked
    away = [col for col in AWAY if figures.at("moved", None, col).loans]
    cols = [*places, *away]
    rows = []
    for start in places:
        key = str(start)
        whole = figures.at("moved", key, 0, HIGHEST)
        if not whole.loans:
            continue
        cells = [measured(choices, whole, Place(asked, "moved", key, 0, HIGHEST))]
        for col in cols:
            part = figures.at("moved", key, col)
            cells.append(
                ratio(choices, part, whole, Place(asked, "moved", key, col, col)) if part.loans else Cell("–", Decimal(0), "percent", 0)
            )
        rows.append(Row(key, place_word(asked, start), cells))
    if (fresh := figures.at(NEW, NEW, 0, HIGHEST)).loans:
        cells = [measured(choices, fresh, Place(asked, NEW, NEW, 0, HIGHEST))]
        for col in cols:
            part = figures.at(NEW, NEW, col)
            cells.append(measured(choices, part, Place(asked, NEW, NEW, col, col)) if part.loans else Cell("–", None, "count"))
        rows.append(Row(NEW, row_word(asked, NEW), cells))
    heads = [_("A month before"), before_word(choices), *(place_word(asked, col) for col in cols)]
    return Sheet("matrix", str(_("From where to where")), heads, rows)


def before_word(choices: Choices) -> str:
    return _("Balance before (CNY)") if choices.by_amount else _("Loans before")


def heat(choices: Choices, sheet: Sheet, title: str, caption: str, places: tuple[int, ...]) -> dict[str, object]:
    rows, count = [row for row in sheet.rows if row.key != NEW][::-1], len(places)
    labels = sheet.heads[2 : 2 + count]
    chart = drawn("heat", title=title, caption=caption, on=choices.asked.observed, labels=labels, unit="percent", series=[
        (row.key, row.label, [float(cell.value or 0) for cell in row.cells[1 : 1 + count]]) for row in rows  # pixels
    ], empty=not rows)  # fmt: skip
    chart["y"] |= {"values": [row.label for row in rows]}
    chart["x"] |= {"keys": [str(place) for place in places]}
    return chart | {"drill": Place(choices.asked, "moved", "").pattern()}


def roll(choices: Choices, figures: Figures) -> Result:
    """Return the roll-rate matrix of a month and the flow rates from M0 on."""
    asked = choices.asked
    before = month_ends(asked.observed, 2)[0]
    sheet = matrix(choices, figures, BUCKETS)
    stood = {bucket: figures.at("moved", str(bucket), 0, HIGHEST) for bucket in BUCKETS}
    stands = {bucket: figures.at("now", "", bucket) for bucket in BUCKETS}
    known = bool(sheet.rows) and any(part.loans for part in stood.values())
    rates = flow_rates(
        {bucket: choices.of(part) for bucket, part in stood.items()},
        {bucket: choices.of(part) for bucket, part in stands.items()},
        LAST_BUCKET,
    )
    rows = []
    for bucket in BUCKETS[:-1] if known else ():
        rows.append(
            Row(str(bucket), f"{bucket_name(bucket)} → {bucket_name(bucket + 1)}", [
                measured(choices, stood[bucket], Place(asked, "moved", str(bucket), 0, HIGHEST)),
                measured(choices, stands[bucket + 1], Place(asked, "now", "", bucket + 1, bucket + 1)),
                ratio(choices, stands[bucket + 1], stood[bucket], Place(asked, "now", "", bucket + 1, bucket + 1), value=rates[bucket], plain=True),
                plain(through(rates, bucket + 1), "percent"),
            ])
        )  # fmt: skip
    heads = [_("From → to"), before_word(choices), _("In the next bucket now"), _("Flow rate"), _("From M0 to here")]
    flows = Sheet("flows", str(_("Flow rates: the next bucket now, of this bucket a month before")), heads, rows)
    rate = rates[0] if known else None
    title = (
        _("%(share)s of M0 stands in M1 a month later") % {"share": percent(rate, 2)} if rate is not None
        else _("Two month-ends in a row are needed; one of them is not on file")
    )  # fmt: skip
    caption = caption_of(choices, _("since %(day)s") % {"day": before.isoformat()}, MEASURE_WORDS[choices.measure])
    notes = [str(_("The matrix follows each loan: amounts are its balance a month before. Flow rates compare balances of two buckets, whoever is in them."))]  # fmt: skip
    return Result(title, caption, [sheet, flows], heat(choices, sheet, title, caption, BUCKETS), notes)


def classes(choices: Choices, figures: Figures) -> Result:
    """Return how the five classes moved in a month."""
    asked = choices.asked
    sheet = matrix(choices, figures, CLASSES)
    worse = sum((choices.of(figures.at("moved", str(each), each + 1, max(CLASSES))) for each in CLASSES[:-1]), start=Decimal(0))
    whole = sum((choices.of(figures.at("moved", str(each), 0, HIGHEST)) for each in CLASSES), start=Decimal(0))
    rate = share(worse, whole)
    title = (
        _("%(share)s moved to a graver class in the month") % {"share": percent(rate, 2)} if rate is not None
        else _("Two month-ends in a row are needed; one of them is not on file")
    )  # fmt: skip
    before = month_ends(asked.observed, 2)[0]
    caption = caption_of(choices, _("since %(day)s") % {"day": before.isoformat()}, MEASURE_WORDS[choices.measure])
    notes = [str(_("Each loan is followed; amounts are its balance a month before."))]
    return Result(title, caption, [sheet], heat(choices, sheet, title, caption, CLASSES), notes)


def ageing(choices: Choices, figures: Figures) -> Result:
    """Return what stands in which bucket."""
    asked = choices.asked
    keys = figures.rows("at")

    def row(key: str | None) -> Row:
        whole = figures.at("at", key, 0, LAST_BUCKET)
        cells = [measured(choices, whole, Place(asked, "at", key, 0, LAST_BUCKET))]
        for bucket in BUCKETS:
            part = figures.at("at", key, bucket)
            cell = measured(choices, part, Place(asked, "at", key, bucket, bucket))
            cell.sub = str(percent(share(choices.of(part), choices.of(whole)) or 0, 2))
            cell.of_loans, cell.of_amount = whole.loans, whole.amount
            cells.append(cell if part.loans else Cell("–", Decimal(0), cell.unit, 0))
        late = figures.at("at", key, 1, LAST_BUCKET)
        cells.append(money_cell(late, Place(asked, "at", key, 1, LAST_BUCKET), late.more))
        return Row(key or "", row_word(asked, key) if key is not None else str(_("All")), cells, key is None)

    rows = [row(key) for key in keys]
    if rows:
        rows.append(row(None))
    whole = figures.at("at", None, 0, LAST_BUCKET)
    late = share(choices.of(figures.at("at", None, 1, LAST_BUCKET)), choices.of(whole))
    title = (
        _("%(share)s of the book is past due") % {"share": percent(late, 2)} if late is not None
        else _("There is no month-end to look at yet")
    )  # fmt: skip
    caption = caption_of(choices, _("principal outstanding %(amount)s") % {"amount": grouped(whole.amount)}, MEASURE_WORDS[choices.measure])
    total = _("Balance (CNY)") if choices.by_amount else _("Loans")
    heads = [str(BY_WORDS[asked.by]), total, *(bucket_name(bucket) for bucket in BUCKETS), _("Missed, with penalty (CNY)")]
    late_keys = keys[-12:]
    chart = drawn("stack", title=title, caption=caption, on=asked.observed, labels=[row_word(asked, key) for key in late_keys],
        unit="money" if choices.by_amount else "count",
        series=[
            (f"{low}~{high}", name, [float(choices.of(figures.at("at", key, low, high))) for key in late_keys]) for low, high, name in DRAWN  # pixels
        ],
        empty=not rows)  # fmt: skip
    chart["x"] |= {"keys": late_keys}
    chart["drill"] = Place(asked, "at", "").pattern(row="{x}", columns="{s}")
    notes = [str(_("The picture leaves M0 out. Buckets count regulatory days past due: M1 is 1 to 30."))] if rows else []
    return Result(title, caption, [Sheet("ageing", str(_("Buckets")), heads, rows)], chart, notes)


declare(Report("roll", gettext_lazy("Roll rates"), gettext_lazy("Where the loans of each bucket stand a month later"),
    roll, ("measure",), kinds={"moved": gettext_lazy("there a month before"), "now": gettext_lazy("there now"), NEW: gettext_lazy("new")}))  # fmt: skip
declare(Report("ageing", gettext_lazy("Ageing"), gettext_lazy("What stands in which bucket, M0 to M7+"),
    ageing, ("measure", "by"), ("product", "channel", "grade", "month"), kinds={"at": gettext_lazy("open at the month-end")}))  # fmt: skip
declare(Report("classes", gettext_lazy("Migration of classes"), gettext_lazy("How the five classes of loans moved in a month"),
    classes, ("measure",), kinds={"moved": gettext_lazy("there a month before"), "now": gettext_lazy("there now"), NEW: gettext_lazy("new")}))  # fmt: skip
