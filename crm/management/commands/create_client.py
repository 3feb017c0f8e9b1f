"""`manage.py create_client`: a machine that may call the API; prints its id and, this once, its secret."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils.timezone import localdate, now

from crm.lib.errors import Invalid
from crm.lib.permissions import ALL
from governance import api_clients, sign_in_policy, users
from governance.models import Role, Team, User


class Command(BaseCommand):
    help = "Register an API client with a service user of its own, who sees what it brought itself."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="of the service user, such as shop")
        parser.add_argument("--name", required=True)
        parser.add_argument("--team", required=True, help="code of the branch whose customers it brings")
        parser.add_argument("--role", default="api_client")
        parser.add_argument("--scope", action="append", default=[], help="may be repeated; every scope of the role when left out")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        role = Role.objects.filter(code=options["role"]).first()
        team = Team.objects.filter(code=options["team"]).first()
        if role is None or team is None:
            raise CommandError(f"There is no {'role ' + options['role'] if role is None else 'team ' + options['team']}.")
        open_to = sorted({ALL[code].scope for code in role.permissions if code in ALL and ALL[code].scope})
        if closed := sorted(set(options["scope"]) - set(open_to)):
            raise CommandError(f"{', '.join(closed)}: not among the scopes of {role.code}: {', '.join(open_to)}.")
        try:
            service = users.create(
                username=options["username"], name=options["name"], kind=User.Kind.SERVICE, role=role, team=team,
                actor=users.system(), at=now(),
            )  # fmt: skip
        except Invalid as error:
            raise CommandError("; ".join(str(word) for word in error.fields.values()) or str(error)) from None
        client, secret = api_clients.create(
            name=options["name"], service_user=service, client_scopes=options["scope"] or open_to, actor=users.system(), at=now(),
            per_minute=sign_in_policy.value("api.calls_per_minute", on=localdate()),
        )  # fmt: skip
        self.stdout.write(f"id      {client.client_id}\nsecret  {secret}\nscopes  {' '.join(client.scopes)}")
