from risk.urls_of import backtests, bureau, decisions, features, lists, models, monitoring, strategies

urlpatterns = [
    *decisions.urlpatterns,
    *strategies.urlpatterns,
    *models.urlpatterns,
    *backtests.urlpatterns,
    *features.urlpatterns,
    *monitoring.urlpatterns,
    *lists.urlpatterns,
    *bureau.urlpatterns,
]
