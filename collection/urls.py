from django.urls import path

from collection.views import policy, promises, team, work

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
    path("collections/cases/<str:public_id>/call/", work.call, name="case-call"),
    path("collections/cases/<str:public_id>/contacts/", work.contact, name="case-contact"),
    path("collections/cases/<str:public_id>/cover/", promises.promise_cover, name="case-promise-cover"),
    path("collections/cases/<str:public_id>/assign/", work.assign, name="case-assign"),
    path("collections/promises/", promises.promise_list, name="promise-list"),
    path("collections/promises/calendar/", promises.promise_calendar, name="promise-calendar"),
    path("collections/promises/<str:public_id>/", promises.promise, name="promise"),
    path("collections/promises/<str:public_id>/cancel/", promises.promise_cancel, name="promise-cancel"),
    path("collections/policy/", policy.policy, name="contact-policy"),
    path("collections/policy/new/", policy.policy_new, name="policy-new"),
    path("collections/policy/drafts/<str:public_id>/", policy.policy_draft, name="policy-draft"),
    path("collections/policy/drafts/<str:public_id>/propose/", policy.policy_propose, name="policy-propose"),
    path("collections/policy/drafts/<str:public_id>/drop/", policy.policy_drop, name="policy-drop"),
    path("collections/policy/drafts/<str:public_id>/replay/", policy.policy_replay, name="policy-replay-new"),
    path("collections/policy/replays/<str:public_id>/", policy.replay, name="policy-replay"),
    path("collections/board/", team.board, name="team-board"),
    path("collections/results/", team.results, name="collection-results"),
    path("customers/<str:public_id>/panels/cases/", work.panel, name="case-panel"),
]
