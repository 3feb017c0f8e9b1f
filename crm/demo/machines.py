"""A second API client, bound to a network and with a secret that was just changed; a wider scope for it waits for compliance."""

from datetime import datetime, timedelta

from governance import changes, client_gate, clients
from governance.models import ApiClient, Role, Team, User

NAME = "Online shop"


def fill(*, at: datetime) -> None:
    """Register the shop as the administrator; let compliance give it what it needs, and leave one wish open."""
    if ApiClient.objects.filter(name=NAME).exists():
        return
    admin, compliance = (User.objects.get(username=name) for name in ("admin", "compliance"))
    role, team = Role.objects.get(code="api_client"), Team.objects.get(code="SH")
    shop, _secret = clients.register(username="online-shop", name=NAME, role=role, team=team, actor=admin, at=at - timedelta(days=40))
    first = clients.wanted(name=NAME, scopes=["applications:read", "customers:read"], networks=["203.0.113.0/24"], per_minute=120)
    given = clients.propose(
        shop, first, reason="The shop shows where an application stands.", actor=admin, at=at - timedelta(days=39), version=shop.version
    )
    changes.confirm(given, actor=compliance, at=at - timedelta(days=38))
    shop.refresh_from_db()
    shop, _secret = clients.rotate(shop, actor=admin, at=at - timedelta(hours=2), version=shop.version)
    client_gate.used(shop, at=at - timedelta(minutes=20))
    wish = clients.wanted(
        name=NAME, scopes=["applications:read", "applications:write", "customers:read"], networks=["203.0.113.0/24"], per_minute=120
    )
    clients.propose(
        shop,
        wish,
        reason="From next month applications are entered in the shop.",
        actor=admin,
        at=at - timedelta(hours=1),
        version=shop.version,
    )
