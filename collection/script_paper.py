"""All live scripts as one paper, for training and for whoever looks into the house: each line with what must be said."""

from datetime import datetime
from typing import Any

from django.utils.timezone import localdate

from collection.models import CallScript
from credit import papers_pdf

ZH = {
    "early": "逾期1–30天", "middle": "逾期31–90天", "late": "逾期90天以上", "unknown": "核对身份之前", "confirmed": "已确认为本人",
    "obligor": "已确认的共同还款人或保证人", "third": "其他人接听",
    "zh-hans": "中文", "en": "英文",
}  # fmt: skip
EN = {
    "early": "1 to 30 days late", "middle": "31 to 90 days late", "late": "More than 90 days late", "unknown": "Before the person is confirmed",
    "confirmed": "The debtor, confirmed", "obligor": "Who answers beside the debtor, confirmed", "third": "Somebody else", "zh-hans": "Chinese", "en": "English",
}  # fmt: skip


def paper(*, at: datetime) -> bytes:
    """Return the paper as PDF."""
    return papers_pdf.document(data(at=at))


def data(*, at: datetime) -> dict[str, Any]:
    """Return what the paper says: a table per script, a star where the line must be said."""
    rows = CallScript.objects.filter(status=CallScript.Status.LIVE)
    order = {name: place for place, name in enumerate(ZH)}
    live = sorted(rows, key=lambda row: (order[row.stage], order[row.party], order[row.language]))
    return {
        "title": {"zh": "电话催收话术", "en": "Scripts of collection calls"},
        "number": f"{localdate(at):%Y-%m-%d}",
        "facts": [
            papers_pdf.fact("打印日期", "Printed", localdate(at).isoformat()),
            papers_pdf.fact("话术数", "Scripts", str(len(live))),
            papers_pdf.fact("标记 *", "A star *", "必须说出 · must be said"),
        ],
        "tables": [
            {
                "zh": f"{ZH[row.stage]} · {ZH[row.party]} · {ZH[row.language]} · v{row.version}",
                "en": f"{EN[row.stage]} · {EN[row.party]} · {EN[row.language]}",
                "heads": [papers_pdf.head("必说", "Must"), papers_pdf.head("内容", "Line", wide=True)],
                "rows": [["*" if line["must"] else "", line["text"]] for line in row.lines],
            }
            for row in live
        ],
        "lines": [
            {
                "zh": "核对身份之前及对其他人，不得提及债务、贷款或金额。",
                "en": "Before the person is confirmed, and to anybody else, nothing is said of a debt, a loan or an amount.",
            }
        ],
    }
