from django.urls import path

from collection import treatment_urls
from collection.views import acts, desk, policy, promises, states, team, work

urlpatterns = [
    path("collections/desk/", desk.desk, name="desk"),
    path("collections/desk/next/", desk.take_next, name="desk-next"),
    path("collections/cases/", work.case_list, name="case-list"),
    path("collections/cases/<str:public_id>/", work.case, name="case"),
    path("collections/cases/<str:public_id>/claim/", acts.claim, name="case-claim"),
    path("collections/cases/<str:public_id>/skip/", acts.skip, name="case-skip"),
    path("collections/cases/<str:public_id>/check/", acts.check, name="case-check"),
    path("collections/cases/<str:public_id>/keep/", acts.keep, name="case-keep"),
    path("collections/cases/<str:public_id>/release/", acts.release, name="case-release"),
    path("collections/cases/<str:public_id>/call/", acts.call, name="case-call"),
    path("collections/cases/<str:public_id>/contacts/", acts.contact, name="case-contact"),
    path("collections/cases/<str:public_id>/cover/", promises.promise_cover, name="case-promise-cover"),
    path("collections/cases/<str:public_id>/assign/", acts.assign, name="case-assign"),
    path("collections/cases/<str:public_id>/pause/", states.pause, name="case-pause"),
    path("collections/cases/<str:public_id>/resume/", states.resume, name="case-resume"),
    path("collections/cases/<str:public_id>/close/", states.close, name="case-close"),
    path("collections/cases/<str:public_id>/reopen/", states.reopen, name="case-reopen"),
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
    *treatment_urls.urlpatterns,
]
