from django.urls import path

from risk.views import bureau

urlpatterns = [
    path("risk/bureau/", bureau.bureau_queries, name="bureau-query-list"),
    path("risk/bureau/customers/<str:public_id>/", bureau.bureau_customer, name="bureau-customer"),
    path("risk/bureau/customers/<str:public_id>/panel/", bureau.bureau_panel, name="customer-bureau-panel"),
    path("risk/bureau/customers/<str:public_id>/ask/", bureau.bureau_ask, name="bureau-ask"),
]
