from django.urls import path

from collection import trace_urls, visit_urls
from collection.views import legal

urlpatterns = [
    path("collections/limitation/", legal.limitation_list, name="limitation-list"),
    path("collections/cases/<str:public_id>/court/", legal.case_panel, name="case-legal"),
    path("collections/cases/<str:public_id>/limitation/", legal.mark_new, name="limitation-mark"),
    path("collections/cases/<str:public_id>/letter/", legal.letter_new, name="letter-new"),
    path("collections/letters/<str:public_id>/", legal.letter, name="letter"),
    path("collections/letters/<str:public_id>/send/", legal.letter_send, name="letter-send"),
    path("collections/letters/<str:public_id>/arrived/", legal.letter_arrived, name="letter-arrived"),
    path("collections/letters/<str:public_id>/drop/", legal.letter_drop, name="letter-drop"),
    path("collections/letters/<str:public_id>/file/", legal.letter_file, name="letter-file"),
    path("collections/legal/", legal.legal_list, name="legal-list"),
    path("collections/cases/<str:public_id>/legal/", legal.propose, name="legal-propose"),
    path("collections/legal/<str:public_id>/", legal.action, name="legal-action"),
    path("collections/legal/<str:public_id>/decide/", legal.decide, name="legal-decide"),
    path("collections/legal/<str:public_id>/diary/", legal.diary, name="legal-diary"),
    path("collections/legal/<str:public_id>/cost/", legal.cost_new, name="legal-cost"),
    path("collections/legal/<str:public_id>/costs/<str:number>/", legal.cost_back, name="legal-cost-back"),
    path("collections/legal/<str:public_id>/pack/", legal.pack_new, name="legal-pack"),
    path("collections/legal/<str:public_id>/packs/<str:number>/", legal.pack_file, name="legal-pack-file"),
    *visit_urls.urlpatterns,
    *trace_urls.urlpatterns,
]
