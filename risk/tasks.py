"""Work of risk in the background; each noun keeps its own tasks, found here by Celery."""

from risk import backtest_tasks, behaviour_tasks, bureau_tasks, feature_tasks, model_tasks, monitor_tasks, strategy_tasks

__all__ = ["backtest_tasks", "behaviour_tasks", "bureau_tasks", "feature_tasks", "model_tasks", "monitor_tasks", "strategy_tasks"]
