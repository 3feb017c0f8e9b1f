from django.apps import AppConfig


class CrmConfig(AppConfig):
    name = "crm"
    label = "crm"

    def ready(self) -> None:
        # Without it a web process would publish its tasks through Celery's built-in application: no key prefix, and no worker listens there.
        from crm.celery import app

        app.set_default()  # for the request threads too, not only the one that starts the process
