"""A change of a role that waits for the second person, and one that was refused: what compliance finds on its home page."""

from datetime import datetime, timedelta

from governance import changes, roles
from governance.models import Role, User

NOT_YET = (
    "customers.export_customer",
    "credit.accept_offer",
    "credit.download_contract",
    "credit.record_repayment",
    "credit.request_refund",
)


def fill(*, at: datetime) -> None:
    """Propose three changes as the administrator; compliance refuses the first and confirms the second, a role for beginners."""
    admin, compliance = (User.objects.get(username=name) for name in ("admin", "compliance"))
    officer = roles.content(Role.objects.get(code="loan_officer"))
    officer["permissions"] = sorted({*officer["permissions"], "customers.export_customer"})
    refused = roles.propose(
        "loan_officer", officer, reason="Officers ask for their customers as a file.", actor=admin, at=at - timedelta(days=2)
    )
    changes.refuse(
        refused, actor=compliance, at=at - timedelta(days=1), answer="A file leaves the house. Use the list and its saved views."
    )
    beginner = officer | {
        "name_en": "Trainee officer", "name_zh": "见习客户经理", "scope": "own", "level_ceiling": 3, "second_factor": True, "opens_at": "08:30",
        "closes_at": "18:00",
        "permissions": [code for code in officer["permissions"] if code not in NOT_YET],
        "field_levels": {"customers.customer.id_number": "masked", "customers.customer.bank_card": "none"},
    }  # fmt: skip
    made = roles.propose(
        "trainee", beginner, reason="Beginners enter applications under a colleague's eye.", actor=admin, at=at - timedelta(days=3)
    )
    changes.confirm(made, actor=compliance, at=at - timedelta(days=2, hours=20))
    collector = roles.content(Role.objects.get(code="collector"))
    collector["permissions"] = sorted({*collector["permissions"], "risk.view_decision"})
    roles.propose(
        "collector", collector, reason="Collectors are asked why a limit was set, and cannot tell.", actor=admin, at=at - timedelta(hours=3)
    )
