"""`manage.py reapply_erasures`: after a backup was restored, erase anew whom it brought back."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.timezone import now

from customers import erasures
from governance import users


class Command(BaseCommand):
    help = "After a restore: erase anew every person who was erased since the backup, as the storage and the ledger know them."

    def handle(self, *args: Any, **options: Any) -> None:
        back, unmarked = erasures.reapply(actor=users.system(), at=now())
        self.stdout.write(f"{back} persons erased anew, {unmarked} marks written to the storage")
