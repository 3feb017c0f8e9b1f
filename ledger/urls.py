from django.urls import path

from ledger import views

urlpatterns = [
    path("ledger/", views.entry_list, name="entry-list"),
    path("ledger/deliveries/", views.delivery_list, name="delivery-list"),
    path("ledger/deliveries/<int:pk>/retry/", views.delivery_retry, name="delivery-retry"),
]
