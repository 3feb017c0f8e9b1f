from django.urls import path

from collection.views import promises, team, work

urlpatterns = [
    path("collections/desk/", work.desk, name="desk"),
    path("collections/desk/next/", work.take_next, name="desk-next"),
    path("collections/cases/", work.case_list, name="case-list"),
    path("collections/cases/<str:public_id>/", work.case, name="case"),
    path("collections/cases/<str:public_id>/claim/", work.claim, name="case-claim"),
    path("collections/cases/<str:public_id>/skip/", work.skip, name="case-skip"),
    path("collections/cases/<str:public_id>/check/", work.check, name="case-check"),
    path("collections/cases/<str:public_id>/keep/", work.keep, name="case-keep"),
    path("collections/cases/<str:public_id>/release/", work.release, name="case-release"),
    path("collections/cases/<str:public_id>/contacts/", work.contact, name="case-contact"),
    path("collections/cases/<str:public_id>/cover/", promises.promise_cover, name="case-promise-cover"),
    path("collections/cases/<str:public_id>/assign/", work.assign, name="case-assign"),
    path("collections/promises/", promises.promise_list, name="promise-list"),
    path("collections/promises/calendar/", promises.promise_calendar, name="promise-calendar"),
    path("collections/promises/<str:public_id>/", promises.promise, name="promise"),
    path("collections/promises/<str:public_id>/cancel/", promises.promise_cancel, name="promise-cancel"),
    path("collections/board/", team.board, name="team-board"),
    path("collections/results/", team.results, name="collection-results"),
    path("customers/<str:public_id>/panels/cases/", work.panel, name="case-panel"),
]
