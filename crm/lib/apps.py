from django.apps import AppConfig


class FloorConfig(AppConfig):
    name = "crm.lib"
    label = "floor"
