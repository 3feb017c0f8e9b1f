from django.urls import path

from collection.views import pay_links

urlpatterns = [
    path("collections/cases/<str:public_id>/link/", pay_links.make, name="case-link"),
    path("collections/cases/<str:public_id>/link/state/", pay_links.state, name="case-link-state"),
    path("collections/cases/<str:public_id>/write/", pay_links.write, name="case-write"),
    path("y/<str:token>/", pay_links.page, name="public-pay"),
]
