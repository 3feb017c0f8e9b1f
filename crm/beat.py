"""Beat's scheduler with a pulse: each round touches the file `CRM_BEAT_HEARTBEAT`, so that a supervisor sees it live."""

import os
from pathlib import Path
from typing import Any

from celery.beat import PersistentScheduler


class Scheduler(PersistentScheduler):
    """Celery's own scheduler; a standstill shows as an old file."""

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """Run what is due, and leave a trace."""
        if heartbeat := os.environ.get("CRM_BEAT_HEARTBEAT"):
            Path(heartbeat).touch()
        return super().tick(*args, **kwargs)
