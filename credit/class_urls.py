"""Pages of classification and of pauses."""

from django.urls import path

from credit.views import class_rules, classes, pauses

urlpatterns = [
    path("classes/", classes.batch_list, name="class-batch-list"),
    path("classes/overrides/", classes.mark_list, name="class-mark-list"),
    path("classes/overrides/<str:public_id>/decide/", classes.mark_decide, name="class-mark-decide"),
    path("classes/overrides/<str:public_id>/approve/", classes.mark_approve, name="class-mark-approve"),
    path("classes/rule/", class_rules.class_rule, name="class-rule"),
    path("classes/rule/new/", class_rules.class_rule_new, name="class-rule-new"),
    path("classes/ranges/", class_rules.delinquency_range_list, name="delinquency-range-list"),
    path("classes/ranges/<str:code>/", class_rules.delinquency_range_edit, name="delinquency-range-edit"),
    path("classes/<str:public_id>/", classes.batch_page, name="class-batch"),
    path("classes/<str:public_id>/check/", classes.batch_check, name="class-batch-check"),
    path("classes/<str:public_id>/decide/", classes.batch_decide, name="class-batch-decide"),
    path("classes/<str:public_id>/approve/", classes.batch_approve, name="class-batch-approve"),
    path("loans/<str:public_id>/class/", classes.mark_new, name="class-mark-new"),
    path("loans/<str:public_id>/pause/", pauses.loan_pause, name="loan-pause"),
    path("loans/<str:public_id>/resume/", pauses.loan_resume, name="loan-resume"),
]
