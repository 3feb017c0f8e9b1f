"""The demonstration's lender: one legal entity, two branches, a person for every role, one API client."""

from dataclasses import dataclass
from datetime import date, datetime

from django.contrib.auth.hashers import make_password

from governance import api_clients, teams, users
from governance.models import ApiClient, LegalEntity, Partner, Role, Team, User

PASSWORD = "demo-house-2026"
CLIENT_ID, CLIENT_SECRET = "demo-client", "demo-client-secret-2026"


@dataclass(frozen=True)
class Person:
    username: str
    name: str
    role: str
    team: str


# The first of each role is printed by `./run`; the others show what another branch does not see.
PEOPLE = [
    Person("officer", "陈晨 Chen Chen", "loan_officer", "SH"),
    Person("underwriter", "吴敏 Wu Min", "underwriter", "HQ"),
    Person("collector", "李强 Li Qiang", "collector", "COL"),
    Person("supervisor", "孙丽 Sun Li", "collections_supervisor", "COL"),
    Person("analyst", "周扬 Zhou Yang", "risk_analyst", "HQ"),
    Person("risk", "赵刚 Zhao Gang", "risk_manager", "HQ"),
    Person("agent", "何静 He Jing", "service_agent", "HQ"),
    Person("compliance", "林涛 Lin Tao", "compliance", "HQ"),
    Person("auditor", "郑洁 Zheng Jie", "auditor", "HQ"),
    Person("admin", "马明 Ma Ming", "admin", "HQ"),
    Person("operations", "高远 Gao Yuan", "loan_operations", "HQ"),
    Person("officer2", "唐雪 Tang Xue", "loan_officer", "SH"),
    Person("officer3", "罗杰 Luo Jie", "loan_officer", "CD"),
    Person("underwriter2", "许文 Xu Wen", "underwriter", "CD"),
    Person("collector2", "韩梅 Han Mei", "collector", "COL"),
]


def found(*, business_date: date, at: datetime) -> LegalEntity:
    """Create the lender with its branch tree and people; the entity's existence marks the demonstration as loaded."""
    entity = LegalEntity.objects.create(
        code="DEMO",
        name_en="Xinyuan Consumer Finance (demonstration)",
        name_zh="信远消费金融（演示）",
        business_date=business_date,
        zone="Asia/Shanghai",
        # Neither is anybody's: a street that is not there, and a number of no network.
        seat_en="8 Demonstration Road, Pudong New Area, Shanghai (made up)",
        seat_zh="上海市浦东新区示范路8号（虚构）",
        telephone="021-5550 0100",
    )
    system = users.system()
    head = teams.create(
        legal_entity=entity, code="HQ", name_en="Head office", name_zh="总部", kind=Team.Kind.HEAD, parent=None,
        actor=system, at=at,
    )  # fmt: skip
    tree = {"HQ": head, "COL": head}
    for code, name_en, name_zh in (("SH", "Shanghai branch", "上海分行"), ("CD", "Chengdu branch", "成都分行")):
        tree[code] = teams.create(
            legal_entity=entity, code=code, name_en=name_en, name_zh=name_zh, kind=Team.Kind.BRANCH, parent=head,
            actor=system, at=at,
        )  # fmt: skip
    roles = {role.code: role for role in Role.objects.all()}
    for person in PEOPLE:
        users.create(
            username=person.username,
            name=person.name,
            role=roles[person.role],
            team=tree[person.team],
            actor=system,
            at=at,
        )
    # One hash for all of them: hashing fifteen times would take longer than everything else here.
    User.objects.filter(username__in=[person.username for person in PEOPLE]).update(password=make_password(PASSWORD))
    Partner.objects.create(legal_entity=entity, code="MALL", name="海蓝商城")
    client(tree["SH"], roles, at=at)
    return entity


def client(team: Team, roles: dict[str, Role], *, at: datetime) -> ApiClient:
    """Create the API client of the demonstration, whose service user may also state the moment of a transaction."""
    role, _made = Role.objects.get_or_create(
        code="demo_client",
        defaults={
            "name_en": "Demonstration client",
            "name_zh": "演示接口客户",
            "scope": "own",
            "permissions": [*roles["api_client"].permissions, "governance.set_clock"],
        },
    )
    service = users.create(
        username="demo-client",
        name="Demonstration client",
        kind=User.Kind.SERVICE,
        role=role,
        team=team,
        actor=users.system(),
        at=at,
    )
    registered, _secret = api_clients.create(
        name="Demonstration",
        service_user=service,
        client_scopes=[
            "customers:read", "customers:write", "products:read", "applications:read", "applications:write",
            "offers:accept", "loans:read", "repayments:write", "cases:read", "clock:set",
        ],
        actor=users.system(),
        at=at,
        client_id=CLIENT_ID,
        secret=CLIENT_SECRET,
    )  # fmt: skip
    return registered
