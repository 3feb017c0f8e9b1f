from django.urls import path

from collection.views import absences, assignment, home_panels, quality, team

PLAN = "collections/assignment/plans/<str:public_id>/"
urlpatterns = [
    path("collections/assignment/", assignment.home, name="assignment"),
    path("collections/assignment/new/", assignment.plan_new, name="assignment-plan-new"),
    path("collections/assignment/run/", assignment.run_new, name="assignment-run-new"),
    path("collections/assignment/runs/<str:public_id>/", assignment.run, name="assignment-run"),
    path(PLAN, assignment.plan, name="assignment-plan"),
    path(f"{PLAN}release/", assignment.plan_release, name="assignment-plan-release"),
    path(f"{PLAN}rules/new/", assignment.rule_new, name="assignment-rule-new"),
    path(f"{PLAN}rules/<int:number>/", assignment.rule, name="assignment-rule"),
    path(f"{PLAN}rules/<int:number>/shift/", assignment.rule_shift, name="assignment-rule-shift"),
    path("collections/collectors/", assignment.collectors, name="collector-list"),
    path("collections/collectors/<str:public_id>/", assignment.collector, name="collector"),
    path("collections/absences/", absences.absence_list, name="absence-list"),
    path("collections/absences/new/", absences.absence_new, name="absence-new"),
    path("collections/absences/<str:public_id>/", absences.absence, name="absence"),
    path("collections/absences/<str:public_id>/step/", absences.absence_step, name="absence-step"),
    path("collections/reassign/", absences.reassign_new, name="reassign-new"),
    path("collections/reassign/<str:public_id>/", absences.reassignment, name="reassignment"),
    path("collections/reassign/<str:public_id>/step/", absences.reassignment_step, name="reassignment-step"),
    path("collections/quality/", quality.quality_list, name="quality"),
    path("collections/quality/draw/", quality.draw, name="quality-draw"),
    path("collections/quality/form/", quality.questions, name="quality-questions"),
    path("collections/quality/flags/<str:public_id>/", quality.flag, name="quality-flag"),
    path("collections/quality/flags/<str:public_id>/settle/", quality.flag_settle, name="quality-flag-settle"),
    path("collections/quality/<str:public_id>/", quality.review, name="quality-review"),
    path("collections/quality/<str:public_id>/score/", quality.score, name="quality-score"),
    path("collections/quality/<str:public_id>/words/", quality.words, name="quality-words"),
    path("collections/quality/<str:public_id>/sound/<int:number>/", quality.sound, name="quality-sound"),
    path("collections/capacity/", team.plan, name="capacity"),
    path("collections/home/capacity/", home_panels.capacity_panel, name="home-capacity"),
    path("collections/home/experiment/", home_panels.experiment_panel, name="home-experiment"),
    path("collections/home/board/", home_panels.board_panel, name="home-board"),
]
