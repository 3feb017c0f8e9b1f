from django.urls import path

from customers import views

urlpatterns = [
    path("customers/", views.customer_list, name="customer-list"),
    path("customers/find/", views.customer_find, name="customer-find"),
    path("customers/new/", views.customer_new, name="customer-new"),
    path("customers/<str:public_id>/", views.customer, name="customer"),
    path("customers/<str:public_id>/edit/", views.customer_edit, name="customer-edit"),
    path("customers/<str:public_id>/masked/<str:field>/", views.customer_masked, name="customer-masked"),
    path("customers/<str:public_id>/reveal/<str:field>/", views.customer_reveal, name="customer-reveal"),
    path("customers/<str:public_id>/consents/<str:purpose>/", views.consent_give, name="consent-give"),
    path("customers/<str:public_id>/consents/<str:purpose>/withdraw/", views.consent_withdraw, name="consent-withdraw"),
    path("customers/<str:public_id>/notes/", views.note_add, name="note-add"),
    path("customers/<str:public_id>/timeline/", views.customer_timeline, name="customer-timeline"),
]
