"""The worker's application and the one beat table."""

import gc
import os

from celery import Celery
from celery.schedules import crontab
from celery.signals import setup_logging, task_failure, worker_process_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")

app = Celery("crm")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    "heartbeat": {"task": "governance.tasks.heartbeat", "schedule": 10.0},
    "ledger-sweep": {"task": "ledger.tasks.sweep", "schedule": 15.0},
    "model-proofs-sweep": {"task": "risk.model_tasks.sweep_proofs", "schedule": 60.0},
    "trainings-sweep": {"task": "risk.model_tasks.sweep_trainings", "schedule": 60.0},
    "devices-forget": {"task": "credit.tasks.forget_devices", "schedule": crontab(hour=4, minute=15)},
    "bureau-sweep": {"task": "risk.bureau_tasks.sweep_bureau", "schedule": 300.0},
    "applications-sweep": {"task": "credit.tasks.sweep", "schedule": 60.0},
    "offers-expire": {"task": "credit.tasks.expire", "schedule": 600.0},
    "close-day": {"task": "credit.tasks.close_day", "schedule": crontab(minute=10)},
    "reminders-plan": {"task": "credit.tasks.plan_reminders", "schedule": 120.0},
    "claims-release": {"task": "collection.tasks.release_claims", "schedule": 60.0},
    "pay-links-sweep": {"task": "collection.call_tasks.sweep_pay_links", "schedule": 60.0},
    "promises-remind": {"task": "collection.call_tasks.remind_of_promises", "schedule": 600.0},
    "calls-sweep": {"task": "collection.call_tasks.sweep_calls", "schedule": 60.0},
    "cases-wake": {"task": "collection.tasks.wake_planned", "schedule": 300.0},
    "messages-send": {"task": "customers.tasks.send_messages", "schedule": 10.0},
    "messages-recover": {"task": "customers.tasks.recover_messages", "schedule": 60.0},
    "desk-sweep": {"task": "customers.tasks.sweep_desk", "schedule": 60.0},
    "cases-score": {"task": "collection.score_tasks.score_cases", "schedule": crontab(hour=5, minute=5)},
    "treatments-plan": {"task": "collection.treatment_tasks.plan_treatments", "schedule": crontab(minute=25)},
    "treatments-carry": {"task": "collection.treatment_tasks.carry_treatments", "schedule": 60.0},
    "dry-runs-sweep": {"task": "collection.treatment_tasks.sweep_dry_runs", "schedule": 120.0},
    "experiments-check": {"task": "collection.treatment_tasks.check_experiments", "schedule": 900.0},
    "backtests-sweep": {"task": "risk.backtest_tasks.sweep_backtests", "schedule": 60.0},
    "replays-sweep": {"task": "collection.tasks.sweep_replays", "schedule": 120.0},
    "lists-sweep": {"task": "governance.tasks.sweep_lists", "schedule": 60.0},
    "search-index": {"task": "customers.tasks.index_unfiled", "schedule": crontab(hour=3, minute=50)},
    "access-reviews-remind": {"task": "governance.tasks.remind_reviewers", "schedule": crontab(hour=1, minute=10)},
    "sessions-close": {"task": "governance.tasks.close_sessions", "schedule": 300.0},
    "changes-expire": {"task": "governance.tasks.expire_changes", "schedule": crontab(minute=35)},
    "keys-settle": {"task": "governance.tasks.settle_keys", "schedule": 120.0},
    "proof-search": {"task": "governance.tasks.search_weekly", "schedule": crontab(hour=2, minute=30, day_of_week=0)},
    "keys-count": {"task": "governance.tasks.count_keys", "schedule": crontab(hour=4, minute=40)},
    "strategies-release": {"task": "risk.strategy_tasks.release_due", "schedule": 60.0},
    "trials-check": {"task": "risk.strategy_tasks.check_trials", "schedule": 600.0},
    "notices-sweep": {"task": "governance.tasks.forget_old_notices", "schedule": crontab(hour=3, minute=45)},
    "files-sweep": {"task": "governance.tasks.sweep_files", "schedule": crontab(hour=4, minute=20)},
    "behaviour-month": {"task": "risk.behaviour_tasks.score_borrowers", "schedule": crontab(hour=4, minute=50, day_of_month=1)},
    "monitoring-run": {"task": "risk.monitor_tasks.run_monitoring", "schedule": crontab(hour=5, minute=20)},
    "features-measure": {"task": "risk.feature_tasks.measure_nightly", "schedule": crontab(hour=4, minute=55)},
    "assignment-night": {"task": "collection.supervision_tasks.assign_nightly", "schedule": crontab(minute=40)},
    "absences-follow": {"task": "collection.supervision_tasks.follow_absences", "schedule": 600.0},
    "reassignments-sweep": {"task": "collection.supervision_tasks.sweep_reassignments", "schedule": 60.0},
    "capacity-plan": {"task": "collection.supervision_tasks.plan_capacity", "schedule": 300.0},
    "recordings-forget": {"task": "collection.tasks.forget_recordings", "schedule": crontab(hour=4, minute=5)},
    "idempotency-sweep": {"task": "governance.tasks.forget_old_keys", "schedule": crontab(hour=3, minute=40)},
}


@setup_logging.connect
def configure_logging(**_: object) -> None:
    """Keep the settings' structured logging instead of Celery's own."""
    from logging.config import dictConfig

    from django.conf import settings

    dictConfig(settings.LOGGING)


@task_failure.connect
def remember_refused_uses(exception: BaseException | None = None, **_: object) -> None:
    """Put a purpose that was refused inside a task's transaction on the record: by now that transaction is rolled back."""
    from governance.uses import UnlawfulUse

    if isinstance(exception, UnlawfulUse):
        exception.remember()


@worker_process_init.connect
def freeze_what_is_loaded(**_: object) -> None:
    """Leave what was loaded out of the collector's rounds: walking all of it again and again is a pause in some task."""
    gc.collect()
    gc.freeze()


from django_structlog.celery.steps import DjangoStructLogInitStep  # noqa: E402  the app must exist first

app.steps["worker"].add(DjangoStructLogInitStep)
