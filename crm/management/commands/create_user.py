"""`manage.py create_user`: the first administrator of a new installation; everybody else is added on the users page."""

import getpass
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.timezone import now

from crm.lib.errors import Invalid
from governance import users
from governance.models import Role, Team


class Command(BaseCommand):
    help = "Add a user. The password is asked for, or read from standard input."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", required=True)
        parser.add_argument("--role", required=True, help="code, such as admin")
        parser.add_argument("--team", required=True, help="code, such as HQ")

    def handle(self, *args: Any, **options: Any) -> None:
        role = Role.objects.filter(code=options["role"]).first()
        team = Team.objects.filter(code=options["team"]).first()
        if role is None:
            known = ", ".join(Role.objects.order_by("code").values_list("code", flat=True))
            raise CommandError(f"There is no role {options['role']}. Known: {known}.")
        if team is None:
            raise CommandError(f"There is no team {options['team']}. Create a lender first: manage.py create_lender.")
        password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().strip()
        try:
            user = users.create(
                username=options["username"],
                name=options["name"],
                role=role,
                team=team,
                password=password,
                actor=users.system(),
                at=now(),
            )
        except Invalid as error:
            words = "; ".join(str(word) for words in error.fields.values() for word in ([words] if isinstance(words, str) else words))
            raise CommandError(words or str(error)) from None
        self.stdout.write(f"{user.username} may sign in as {role.name_en}.")
