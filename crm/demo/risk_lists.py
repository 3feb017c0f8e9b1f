"""Entries of the black, grey and watch lists: values of nobody in the demonstration, one run out, one taken off, one that waits for its second person."""

from datetime import datetime, timedelta
from typing import Any

from governance import changes
from governance.models import User
from risk import list_changes
from risk.models import ListEntry

ENTRIES = (
    ("black", "mobile", "19700000001", "Lent under a stolen identity 冒用身份", "police"),
    ("black", "mobile", "19700000002", "Organised group, case 2026-17 团伙案件", "own"),
    ("black", "device", "emulator-77-19-a3", "Emulator behind eleven applications 模拟器设备", "own"),
    ("grey", "employer", "鸿运商务咨询", "Payslips of this name were forged 伪造工资单", "own"),
    ("grey", "mobile", "19700000003", "Address never confirmed 地址未能核实", "partner"),
    ("watch", "address", "上海市虹口区无名路9号", "Five applications from one flat 同址五笔申请", "own"),
)


def fill(*, at: datetime) -> None:
    """Put them on, as the risk manager did over the last months, with compliance as the second person."""
    people = {user.username: user for user in User.objects.filter(username__in=("risk", "compliance"))}
    for place, (on_list, what, value, reason, source) in enumerate(ENTRIES):
        then = at - timedelta(days=80 - 9 * place)
        told: dict[str, Any] = {"list": on_list, "what": what, "value": value, "reason": reason, "source": source}
        until = (at + timedelta(days=90)).date() if on_list != "black" else None
        asked = list_changes.propose(**told, until=until, actor=people["risk"], at=then)
        changes.confirm(asked, actor=people["compliance"], at=then + timedelta(hours=2))
    last = ListEntry.objects.get(list="grey", what="mobile", ended_at__isnull=True)
    off = list_changes.propose_end(
        last, reason="Address confirmed by a visit 上门核实", actor=people["compliance"], at=at - timedelta(days=4)
    )
    changes.confirm(off, actor=people["risk"], at=at - timedelta(days=3))
    list_changes.propose(
        list="black", what="employer", value="恒达代办服务部", reason="Sells payslips, seen in three files 三份进件的假工资单", source="own",
        actor=people["compliance"], at=at - timedelta(hours=5),
    )  # fmt: skip
