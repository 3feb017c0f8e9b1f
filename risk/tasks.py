"""Work of risk in the background; each noun keeps its own tasks, found here by Celery."""

from risk import behaviour_tasks, model_tasks, monitor_tasks, strategy_tasks

__all__ = ["behaviour_tasks", "model_tasks", "monitor_tasks", "strategy_tasks"]
