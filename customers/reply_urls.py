from django.urls import path

from customers import reply_views

urlpatterns = [
    path("replies/", reply_views.reply_list, name="reply-list"),
    path("replies/<str:public_id>/", reply_views.reply, name="reply"),
    path("replies/<str:public_id>/read/", reply_views.reply_read, name="reply-read"),
]
