"""A change of a role that waits for the second person, and one that was refused: what compliance finds on its home page."""

from datetime import datetime, timedelta

from governance import changes, roles
from governance.models import Role, User


def fill(*, at: datetime) -> None:
    """Propose two changes as the administrator; compliance refuses the first."""
    admin, compliance = (User.objects.get(username=name) for name in ("admin", "compliance"))
    officer = roles.content(Role.objects.get(code="loan_officer"))
    officer["permissions"] = sorted({*officer["permissions"], "customers.export_customer"})
    refused = roles.propose(
        "loan_officer", officer, reason="Officers ask for their customers as a file.", actor=admin, at=at - timedelta(days=2)
    )
    changes.refuse(
        refused, actor=compliance, at=at - timedelta(days=1), answer="A file leaves the house. Use the list and its saved views."
    )
    collector = roles.content(Role.objects.get(code="collector"))
    collector["permissions"] = sorted({*collector["permissions"], "risk.view_decision"})
    roles.propose(
        "collector", collector, reason="Collectors are asked why a limit was set, and cannot tell.", actor=admin, at=at - timedelta(hours=3)
    )
