"""`manage.py demo_logins`: one login per role of the demonstration; nothing where it was not loaded."""

from typing import Any

from django.core.management.base import BaseCommand

from crm.demo.staff import PASSWORD, PEOPLE
from governance.models import User


class Command(BaseCommand):
    help = "Print role, user name and password of one demonstration user per role."

    def handle(self, *args: Any, **options: Any) -> None:
        known = {
            user.username: user for user in User.objects.filter(username__in=[person.username for person in PEOPLE]).select_related("role")
        }
        shown: set[str] = set()
        for person in PEOPLE:
            user = known.get(person.username)
            if user and user.role and person.role not in shown and user.check_password(PASSWORD):
                shown.add(person.role)
                self.stdout.write(f"{user.role.name_en} {user.role.name_zh}\t{user.username}\t{PASSWORD}")
