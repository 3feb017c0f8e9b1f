from django.urls import path

from risk.views import strategies, strategy_acts, strategy_cases, strategy_editor, strategy_facts, trials

VERSION = "risk/strategies/<str:public_id>/versions/<int:number>/"
urlpatterns = [
    path("risk/strategies/", strategies.strategy_list, name="strategy-list"),
    path("risk/strategies/new/", strategy_acts.new, name="strategy-new"),
    path("risk/strategies/<str:public_id>/", strategies.strategy, name="strategy"),
    path("risk/strategies/<str:public_id>/cases/new/", strategy_cases.new, name="strategy-case-new"),
    path("risk/cases/<str:public_id>/", strategy_cases.change, name="strategy-case"),
    path("risk/cases/<str:public_id>/remove/", strategy_cases.remove, name="strategy-case-remove"),
    path(f"{VERSION}send/", strategy_acts.send, name="strategy-send"),
    path(f"{VERSION}take-back/", strategy_acts.take_back, name="strategy-take-back"),
    path(f"{VERSION}approve/", strategy_acts.approve, name="strategy-approve"),
    path(f"{VERSION}reject/", strategy_acts.reject, name="strategy-reject"),
    path(f"{VERSION}schedule/", strategy_acts.schedule, name="strategy-schedule"),
    path(f"{VERSION}unschedule/", strategy_acts.unschedule, name="strategy-unschedule"),
    path(f"{VERSION}release/", strategy_acts.release, name="strategy-release"),
    path(f"{VERSION}roll-back/", strategy_acts.roll_back, name="strategy-roll-back"),
    path(f"{VERSION}draft/", strategy_acts.draft, name="strategy-draft"),
    path(f"{VERSION}comment/", strategy_acts.comment, name="strategy-comment"),
    path(f"{VERSION}facts/", strategy_facts.declared, name="strategy-facts"),
    path(f"{VERSION}facts/add/", strategy_facts.fact_add, name="strategy-fact-add"),
    path(f"{VERSION}facts/of/<str:name>/", strategy_facts.fact, name="strategy-fact"),
    path(f"{VERSION}reasons/add/", strategy_facts.reason_add, name="strategy-reason-add"),
    path(f"{VERSION}reasons/of/<str:code>/", strategy_facts.reason, name="strategy-reason"),
    path(f"{VERSION}editor/", strategy_editor.editor, name="strategy-editor"),
    path(f"{VERSION}save/", strategy_editor.save, name="strategy-save"),
    path(f"{VERSION}try/", strategy_editor.try_out, name="strategy-try"),
    path("risk/trials/new/", trials.new, name="trial-new"),
    path("risk/trials/<str:public_id>/", trials.trial, name="trial"),
    path("risk/trials/<str:public_id>/start/", trials.start, name="trial-start"),
    path("risk/trials/<str:public_id>/withdraw/", trials.withdraw, name="trial-withdraw"),
    path("risk/trials/<str:public_id>/stop/", trials.stop, name="trial-stop"),
    path("risk/trials/<str:public_id>/stop-shadow/", trials.stop_shadow, name="trial-stop-shadow"),
]
