"""Keys that were renewed once with a second person, and a renewal that waits: what the administrator and compliance find on the page of keys."""

from datetime import datetime, timedelta

from governance import changes, key_changes, rotation
from governance.models import User


def fill(*, at: datetime) -> str:
    """Renew the key of internal values, propose the same for the others; return a sentence. Outside transactions: a key seals once it is committed."""
    admin, compliance = (User.objects.get(username=name) for name in ("admin", "compliance"))
    made = key_changes.propose_rotation(
        ["C1"], reason="Trial of the yearly renewal, with the least of the keys.", actor=admin, at=at - timedelta(minutes=10)
    )
    changes.confirm(made, actor=compliance, at=at - timedelta(minutes=5), answer="Agreed: the backup of this morning was read back.")
    job = rotation.unfinished()
    done = rotation.run(job.pk, clock=lambda: at) if job else None
    key_changes.propose_rotation(["C2", "C3", "file"], reason="Yearly renewal of the keys.", actor=admin, at=at)
    return f"{done.done if done else 0} rows sealed anew under a renewed key"
