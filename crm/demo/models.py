"""A challenger on its way: the analyst brought the German data in, trained a scorecard and had it validated; compliance is to approve it."""

from datetime import datetime, timedelta

from governance.models import User
from risk import data_sets, german, model_proofs, model_states, trainings
from risk.models import DataSet, ScorecardVersion

NAME = "German credit, 1,000 applications"
CODE = "retail_challenger"


def fill(*, at: datetime) -> str:
    """Bring in, train and validate; return a line of what was made. Takes seconds: a scorecard by three folds."""
    if DataSet.objects.filter(name=NAME).exists():
        return "the challenger was there"
    analyst, manager = (User.objects.get(username=name) for name in ("analyst", "risk"))
    began = at - timedelta(days=2)
    data_set = data_sets.bring_in(german.PATH.read_bytes(), file_name="german_credit.csv", name=NAME, target="bad", actor=analyst, at=began)
    roles = {"personal_status_sex": "protected", "foreign_worker": "protected", "age": "protected", "purpose": "segment", "row": "ignored"}
    known = {one["name"] for one in data_set.columns}
    data_sets.assign(
        data_set, roles={name: role for name, role in roles.items() if name in known}, version=data_set.version, actor=analyst, at=began
    )
    training = trainings.start(
        data_set, code=CODE, name_en="Retail challenger", name_zh="零售挑战者", kind="scorecard", cv=3, seed=1, actor=analyst, at=began
    )
    done = trainings.run(training.pk, at=began)
    if done is None or done.result_id is None:
        return "the challenger could not be trained"
    version = ScorecardVersion.objects.get(pk=done.result_id)
    model_states.validate(
        version, tier=2, checklist=list(model_states.CHECKS), actor=manager, at=at - timedelta(days=1),
        report="1,000 applications of a German bank; figures by cross-validation. Young applicants pass less often: ask for a reason at "
        "approval. No column knows the outcome beforehand. To be tried beside the champion on a small share first.",
    )  # fmt: skip
    for proof in version.proofs.all():  # ordered by the validation; no worker runs here
        model_proofs.run(proof.pk, at=at - timedelta(days=1))
    auc = version.metrics["holdout"]["auc"]
    return f"a challenger waits for approval: {version}, AUC {auc:.3f}"
