"""Ratios of a portfolio: first payment default, quality with provision and coverage, what the loans earned."""

from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from credit import report_rules
from credit.classification import CLASSES, LOSS, NORMAL, SUBSTANDARD
from credit.dashboards import drawn
from credit.report_facts import ALWAYS, Figures
from credit.report_math import Economics, quality, share
from credit.report_places import Place
from credit.reports import (
    BY_WORDS,
    COUNT,
    PLAIN,
    Cell,
    Choices,
    Report,
    Result,
    Row,
    Sheet,
    caption_of,
    class_words,
    count_cell,
    declare,
    money_cell,
    plain,
    ratio,
    row_word,
)
from crm.lib.templatetags.crm import grouped, percent

SPANS = (7, 30)
BARS = 12


def fpd(choices: Choices, figures: Figures) -> Result:
    """Return the share of first instalments paid 7 and 30 days late or not at all, of those that could be by the day observed."""
    asked = choices.asked
    choices = Choices(asked, COUNT)
    keys = figures.rows("due7", "wait7", "due30", "wait30")

    def row(key: str | None) -> Row:
        cells = []
        for days in SPANS:
            due, bad, wait = (figures.at(f"{kind}{days}", key) for kind in ("due", "bad", "wait"))
            cells += [
                count_cell(due, Place(asked, f"due{days}", key)),
                ratio(choices, bad, due, Place(asked, f"bad{days}", key)),
                count_cell(wait, Place(asked, f"wait{days}", key)),
            ]
        return Row(key or "", row_word(asked, key) if key is not None else str(_("All")), cells, key is None)

    rows = [row(key) for key in keys]
    if rows:
        rows.append(row(None))
    found = {days: share(figures.at(f"bad{days}").loans, figures.at(f"due{days}").loans) for days in SPANS}
    title = (
        _("%(share)s of first instalments were 7 days late or more; %(later)s were 30")
        % {"share": percent(found[7], 2), "later": percent(found[30], 2) if found[30] is not None else "–"}
        if found[7] is not None
        else _("No first due date is 7 days past yet")
    )
    caption = caption_of(choices, _("number of loans whose first due date is as many days past"))
    heads = [str(BY_WORDS[asked.by]), *(head % {"n": days} for days in SPANS for head in (_("Due %(n)s days"), "FPD%(n)s", _("Not %(n)s days due yet")))]  # fmt: skip
    drawn_keys = keys[-BARS:]
    series = []
    for days in SPANS:
        shares = [share(figures.at(f"bad{days}", key).loans, figures.at(f"due{days}", key).loans) for key in drawn_keys]
        series.append((f"bad{days}", f"FPD{days}", [None if each is None else float(each) for each in shares]))  # pixels
    chart = drawn("bar", title=title, caption=caption, on=asked.observed, labels=[row_word(asked, key) for key in drawn_keys], unit="percent",
                  series=series, empty=found[7] is None)  # fmt: skip
    chart["x"] |= {"keys": drawn_keys}
    chart["drill"] = Place(asked, "", "").pattern(row="{x}", columns="0~0", kind="{s}")
    notes = [
        str(
            _("A loan counts once its first due date is so many days past. An instalment paid on that day or later was so many days late.")
        ),
    ]
    return Result(title, caption, [Sheet("fpd", str(_("First payment default")), heads, rows)], chart, notes if rows else [])


def quality_of_months(choices: Choices, figures: Figures) -> Result:
    """Return non-performing loans, provision and coverage at each month-end of a year."""
    asked = choices.asked
    held = report_rules.holding(asked.observed)
    rows, ratios = [], []
    for key in figures.rows("class")[::-1]:
        by_class = {each: figures.at("class", key, each) for each in CLASSES}
        whole, bad = figures.at("class", key, NORMAL, LOSS), figures.at("class", key, SUBSTANDARD, LOSS)
        found = quality({each: part.amount for each, part in by_class.items()}, held.rates)
        ratios.append((key, found))
        cells = [money_cell(whole, Place(asked, "class", key, NORMAL, LOSS))]
        cells += [money_cell(part, Place(asked, "class", key, each, each)) for each, part in by_class.items()]
        cells += [
            money_cell(bad, Place(asked, "class", key, SUBSTANDARD, LOSS)),
            ratio(choices, bad, whole, Place(asked, "class", key, SUBSTANDARD, LOSS)),
            plain(found.provision, "money"),
            plain(found.coverage, "percent"),
            plain(found.provision_to_loans, "percent"),
            money_cell(whole, Place(asked, "class", key, NORMAL, LOSS), whole.more),
            plain(share(whole.more, bad.amount), "percent"),
        ]
        rows.append(Row(key, key, cells))
    heads = [
        _("Month-end"), _("Balance (CNY)"), *class_words(), _("Non-performing"), _("NPL ratio"), _("Provision by class"), _("Coverage"),
        _("Provision to loans"), _("Expected loss (ECL)"), _("Coverage by ECL"),
    ]  # fmt: skip
    title, notes = _("There is no month-end to look at yet"), []
    if ratios:
        key, last = ratios[0]
        title = _("%(ratio)s of the book was non-performing at the end of %(month)s, provision covers %(coverage)s of it") % {
            "ratio": percent(last.npl_ratio or 0, 2), "month": key, "coverage": percent(last.coverage, 2) if last.coverage is not None else "–",
        }  # fmt: skip
        notes = compared(last.coverage, last.provision_to_loans, held)
    caption = caption_of(choices, _("by class, provision at the rates of rule %(code)s") % {"code": report_rules.PROVISION})
    drawn_rows = ratios[::-1]
    chart = drawn("line", title=title, caption=_("Non-performing loans over all loans, by month-end"), on=asked.observed,
        labels=[key for key, _found in drawn_rows], unit="percent",
        series=[("npl", _("NPL ratio"), [float(found.npl_ratio or 0) for _key, found in drawn_rows])],  # pixels
        empty=not ratios)  # fmt: skip
    chart["drill"] = Place(asked, "class", "").pattern(row="{x}", columns=f"{SUBSTANDARD}~{LOSS}")
    return Result(title, caption, [Sheet("quality", str(_("Month-ends")), heads, rows)], chart, notes)


def compared(coverage: Decimal | None, to_loans: Decimal | None, held: report_rules.Held) -> list[str]:
    """Return what the last figures say beside the lines of the rules, and which of the rules nobody has read."""
    notes = []
    for found, least, above, below in (
        (coverage, held.least_coverage, _("Coverage is at least %(least)s."), _("Coverage is below %(least)s.")),
        (to_loans, held.least_provision, _("Provision to loans is at least %(least)s."), _("Provision to loans is below %(least)s.")),
    ):
        if found is not None:
            notes.append(str((above if found >= least else below) % {"least": percent(least, 1)}))
    if held.unread:
        notes.append(str(_("Rules whose source nobody has read: %(codes)s.") % {"codes": ", ".join(held.unread)}))
    return notes


PARTS = ("lent", "interest", "fees", "loss", "recovery", "expected", "balance")


def economics(choices: Choices, figures: Figures) -> Result:
    """Return what loans brought and cost since the money went out, by product, channel and month."""
    asked = choices.asked
    held = report_rules.holding(asked.observed)

    def row(key: str | None) -> tuple[Row, Economics]:
        parts = {kind: figures.at(kind, key, 0, ALWAYS) for kind in PARTS}
        brought = Economics(
            lent=parts["lent"].amount, interest=parts["interest"].amount, fees=parts["fees"].amount, written_off=parts["loss"].amount,
            recovered=parts["recovery"].amount, expected_loss=parts["expected"].amount, month_ends=parts["balance"].amount,
            funding_rate=held.funding,
        )  # fmt: skip
        cells = [count_cell(parts["lent"], Place(asked, "lent", key, 0, ALWAYS))]
        cells += [
            money_cell(parts[kind], Place(asked, kind, key, 0, ALWAYS)) if parts[kind].loans else Cell("–", Decimal(0), "money", 0)
            for kind in PARTS[:-1]
        ]
        cells += [plain(brought.yearly_yield, "percent"), plain(brought.funding, "money"), plain(brought.margin, "money")]
        each = None if brought.margin is None or not parts["lent"].loans else brought.margin / parts["lent"].loans
        cells.append(plain(each, "money"))
        return Row(key or "", row_word(asked, key) if key is not None else str(_("All")), cells, key is None), brought

    made = [row(key) for key in figures.rows("lent")]
    total, whole = row(None)
    rows = [each for each, _brought in made] + ([total] if made else [])
    title = _("No loan was paid out yet")
    if made:
        title = _("%(income)s received in interest and fees, %(loss)s lost net of recoveries") % {
            "income": grouped(whole.income), "loss": grouped(whole.net_loss),
        }  # fmt: skip
    caption = caption_of(choices, _("since the money went out"), _("CNY"))
    heads = [
        str(BY_WORDS[asked.by]), _("Loans"), _("Lent"), _("Interest received"), _("Fees and penalty"), _("Written off"), _("Recovered"),
        _("Expected loss"), _("Yield a year"), _("Cost of funds"), _("Margin"), _("Margin per loan"),
    ]  # fmt: skip
    notes = []
    if made:
        notes = [
            str(_("Received in cash up to the day, reversals taken off. Yield: income over the average of the month-end balances on file.")),
            str(_("Margin: income less net loss, expected loss of the balance and cost of funds.")),
            str(_("No rule %(code)s states what the lender's money costs: cost of funds and margin stay empty.") % {"code": report_rules.FUNDING})
            if held.funding is None
            else str(_("Cost of funds: %(rate)s a year on the month-end balances, the lender's own figure (rule %(code)s).") % {
                "rate": percent(held.funding, 2), "code": report_rules.FUNDING}),
        ]  # fmt: skip
        if report_rules.FUNDING in held.unread:
            notes.append(str(_("Rules whose source nobody has read: %(codes)s.") % {"codes": report_rules.FUNDING}))
    bars = made[-BARS:]
    chart = drawn("bar", title=title, caption=caption, on=asked.observed, labels=[each.label for each, _b in bars], unit="money", series=[
        ("income", _("Interest and fees received"), [float(b.income) for _row, b in bars]),  # pixels
        ("loss", _("Net and expected loss"), [float(b.net_loss + b.expected_loss) for _row, b in bars]),  # pixels
    ], empty=not made)  # fmt: skip
    chart["x"] |= {"keys": [each.key for each, _b in bars]}
    chart["drill"] = Place(asked, "lent", "").pattern(row="{x}", columns=f"0~{ALWAYS}")
    return Result(title, caption, [Sheet("economics", str(_("Product, channel and month")), heads, rows)], chart, notes)


FPD_KINDS = {
    f"{kind}{days}": word for days in SPANS for kind, word in (
        ("due", gettext_lazy("first due date %(n)s days past")), ("bad", gettext_lazy("first instalment %(n)s days late")),
        ("wait", gettext_lazy("first due date not %(n)s days past yet")),
    )
}  # fmt: skip


declare(Report("fpd", gettext_lazy("First payment default"), gettext_lazy("How many first instalments were 7 and 30 days late"),
    fpd, ("by",), PLAIN, any_day=True, kinds=FPD_KINDS))  # fmt: skip
declare(Report("quality", gettext_lazy("NPL, coverage and provision"), gettext_lazy("How sound the book was at each month-end"),
    quality_of_months, (), kinds={"class": gettext_lazy("open at the month-end")}))  # fmt: skip
declare(Report("economics", gettext_lazy("Yield and unit economics"),
    gettext_lazy("What loans brought and cost, by product, channel and month"), economics, (), ("economics",),
    kinds={
        "lent": gettext_lazy("lent"), "interest": gettext_lazy("interest received"), "fees": gettext_lazy("fees and penalty received"),
        "loss": gettext_lazy("written off"), "recovery": gettext_lazy("recovered"), "expected": gettext_lazy("expected loss"),
        "balance": gettext_lazy("open at a month-end"),
    }))  # fmt: skip
