from celery import shared_task
from django.utils.timezone import now

from customers import index


@shared_task
def reindex(*, job_id: int, **_: object) -> None:
    """File for the search what is not filed; long work with a job of its own."""
    index.run(job_id, at=now())


@shared_task
def index_unfiled(**_: object) -> None:
    """Each night: whoever came past the doors, or was filed by an older rule, is filed."""
    if index.unfiled().exists():
        reindex.delay(job_id=index.plan(actor=None, at=now()).pk)
