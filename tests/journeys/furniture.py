"""What stands in the town beside its people, so that no page of the tour is bare: tasks, relations, papers, promises, money, a link.

Everything through the doors, on records of its own that no journey works on.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any

HEAD = "交易流水号,交易日期,贷方金额,对方户名,对方账号,附言"


def furnish(founder: Any) -> dict[str, str]:
    """Fill the town's pages and return what the tour's addresses name."""
    places = persons(founder) | files(founder) | money(founder) | debts(founder) | house(founder)
    town = founder.town
    places |= {name: town.applications[name] for name in ("draft", "offered", "countered", "waiting")}
    return places | {"referred": town.applications["look"], "offer": town.offers["offered"], "loan": town.loans["latest"]}


def persons(founder: Any) -> dict[str, str]:
    """Tasks of today and yesterday, a note that names somebody, a guarantor, a hand-over."""
    from customers import activities, handover, relations
    from customers.models import Handover

    officer, at = founder.people["officer"], founder.at
    customer = founder.customers["look"]
    activities.plan(customer, kind="call", text="请补交工资单", due_at=at + timedelta(hours=3), actor=officer, at=at)
    activities.plan(customer, kind="visit", text="@town-colleague 核实经营场所", due_at=at + timedelta(days=2), actor=officer, at=at)
    asked = activities.plan(
        customer, kind="task", text="补签授权书", due_at=at + timedelta(hours=1), assignee=officer,
        actor=founder.people["colleague"], at=at - timedelta(days=2),
    )  # fmt: skip
    activities.tell_overdue(at=at + timedelta(hours=2))
    assert asked.assignee == officer
    relations.add(customer, kind="guarantor", source="person", consent="given", name="李伟", mobile="13900001111", actor=officer, at=at)
    relations.add(customer, kind="same_employer", source="document", other=founder.customers["draft"], actor=officer, at=at)
    moved = handover.order(
        ids=[founder.customers["one_of_many_39"].pk], taker=founder.people["colleague"], reason=Handover.Reason.LEFT,
        actor=founder.people["admin"], at=at,
    )  # fmt: skip
    handover.run(moved.pk, at=at)
    return {"customer": customer.public_id, "handover": moved.public_id}


def files(founder: Any) -> dict[str, str]:
    """Applications that wait for an answer, a link to an offer."""
    from credit import links, papers, underwriting
    from credit.models import Application, Offer
    from crm.demo.desk_underwriting import put
    from customers.models import Message

    at, reviewer = founder.at, founder.people["reviewer"]
    rows = {row.public_id: row for row in Application.objects.filter(public_id__in=founder.town.applications.values())}
    found = {name: rows[public_id] for name, public_id in founder.town.applications.items()}
    underwriting.counter(found["countered"], amount=Decimal("3000.00"), term=12, actor=reviewer, at=at)
    papers.ask(
        found["waiting"], kinds=["bank_statement"], due_on=founder.today + timedelta(days=5), words="近六个月", actor=reviewer, at=at
    )
    put(found["look"].customer, "income_proof", actor=founder.people["officer"], at=at)
    links.make(Offer.objects.get(public_id=founder.town.offers["read_by_link"]), actor=founder.people["officer"], at=at)
    message = Message.objects.order_by("-pk")[0]
    token = str(message.text).partition("/o/")[2].split("/")[0]
    return {"link": token, "message": message.public_id, "template": "offer.link/sms"}


def money(founder: Any) -> dict[str, str]:
    """A payoff quote, and a bank file whose one line names no loan and whose other is no amount."""
    from credit import bank_files, payoffs
    from credit.models import Loan

    at, today = founder.at, founder.today
    loan = Loan.objects.get(public_id=founder.town.loans["late"])
    quote = payoffs.issue(loan, settles_on=today + timedelta(days=3), actor=founder.people["officer"], at=at)
    lines = [f"TOWN1,{today.isoformat()},1560.40,王小明,621700001111,还款", f"TOWN2,{today.isoformat()},12O.00,王某,,金额有误"]
    batch = bank_files.bring_in(
        "\r\n".join([HEAD, *lines]).encode("gb18030"), file_name="town.csv", legal_entity=founder.entity,
        actor=founder.people["operations"], at=at,
    )  # fmt: skip
    done = bank_files.run(batch.pk, at=at)
    assert done is not None
    return {"payoff": quote.public_id, "bank_file": batch.public_id, "receipt": done.receipts.get().public_id}


def debts(founder: Any) -> dict[str, str]:
    """A case that is the caller's own, with a promise that runs."""
    from collection import cases, checks, promises
    from collection.judgement import Part
    from collection.models import Case

    at, caller = founder.at, founder.people["caller"]
    case = Case.objects.select_related("customer", "legal_entity").get(public_id=founder.town.cases["held"])
    case = cases.assign(case, to=caller, version=case.version, actor=founder.people["supervisor"], at=at)
    case = cases.claim(case, actor=caller, at=at)
    person = case.customer
    checks.confirm(case, answers={"id_last4": person.id_number[-4:], "birth_year": str(person.born_on.year)}, actor=caller, at=at)
    promise = promises.take(
        case, parts=[Part(founder.today + timedelta(days=3), Decimal("200.00"))], channel="inbound", actor=caller, at=at
    )
    return {"held": case.public_id, "case": founder.town.cases["late"], "promise": promise.public_id}


def house(founder: Any) -> dict[str, str]:
    """An account that waits for its owner."""
    from governance import invitations, users
    from governance.models import Role

    user, token = invitations.invite(
        username="town-invited", name="Invited", role=Role.objects.get(code="loan_officer"), team=founder.teams["EAST"],
        actor=users.system(), at=founder.at,
    )  # fmt: skip
    return {"user": user.public_id, "invitation": token}
