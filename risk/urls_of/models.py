from django.urls import path

from risk.views import data_sets, model_steps, scorecards

urlpatterns = [
    path("risk/models/", scorecards.scorecard_list, name="scorecard-list"),
    path("risk/models/inventory.csv", scorecards.model_inventory_file, name="model-inventory-file"),
    path("risk/models/<str:public_id>/", scorecards.scorecard, name="scorecard"),
    path("risk/models/<str:public_id>/charts/<str:kind>/", scorecards.scorecard_chart, name="scorecard-chart"),
    path("risk/models/<str:public_id>/card/", scorecards.model_card, name="model-card"),
    path("risk/models/<str:public_id>/card.pdf", scorecards.model_card_file, name="model-card-file"),
    path("risk/models/<str:public_id>/validate/", model_steps.model_validate, name="model-validate"),
    path("risk/models/<str:public_id>/approve/", model_steps.model_approve, name="model-approve"),
    path("risk/models/<str:public_id>/proof/", model_steps.model_proof, name="model-proof"),
    path("risk/models/<str:public_id>/prove/", model_steps.model_prove, name="model-prove"),
    path("risk/models/<str:public_id>/reject/", model_steps.model_reject, name="model-reject"),
    path("risk/models/<str:public_id>/champion/", model_steps.model_champion, name="model-champion"),
    path("risk/models/<str:public_id>/review/", model_steps.model_review, name="model-review"),
    path("risk/models/<str:public_id>/retire/", model_steps.model_retire, name="model-retire"),
    path("risk/models/<str:public_id>/reasons/", model_steps.model_reasons_edit, name="model-reasons"),
    path("risk/models/<str:public_id>/bins/<str:feature>/", model_steps.model_bins_edit, name="model-bins"),
    path("risk/data/", data_sets.data_set_list, name="data-set-list"),
    path("risk/data/new/", data_sets.data_set_new, name="data-set-new"),
    path("risk/data/<str:public_id>/", data_sets.data_set, name="data-set"),
    path("risk/data/<str:public_id>/train/", data_sets.training_new, name="training-new"),
    path("risk/trainings/<str:public_id>/", data_sets.training, name="training"),
]
