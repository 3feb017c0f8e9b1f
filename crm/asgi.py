"""What an ASGI server serves: the long-lived streams; everything else is `crm.wsgi`'s."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
application = get_asgi_application()
