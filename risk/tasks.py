"""What workers find here: each room keeps its tasks in a file of its own."""

from risk import strategy_tasks  # noqa: F401
