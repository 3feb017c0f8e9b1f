"""Work of risk in the background; each noun keeps its own tasks, found here by Celery."""

from risk import monitor_tasks, strategy_tasks

__all__ = ["monitor_tasks", "strategy_tasks"]
