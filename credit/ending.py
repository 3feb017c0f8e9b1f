"""What stands open beside an application when it ends: papers asked for, a proposal, a counter-offer. None outlives it."""

from datetime import datetime

from credit.models import Application, CounterOffer, PaperRequest, Proposal
from governance.lifecycle import move
from governance.models import User


def end_open(application: Application, *, actor: User, at: datetime, expired: bool = False) -> None:
    """End the open request for papers, proposal and counter-offer of `application`, inside the door that ends it."""
    for request in PaperRequest.objects.filter(application=application, status=PaperRequest.Status.OPEN):
        move(request, PaperRequest.Status.EXPIRED if expired else PaperRequest.Status.ENDED, actor=actor, at=at, ended_at=at)
    for proposal in Proposal.objects.filter(application=application, status=Proposal.Status.OPEN):
        move(proposal, Proposal.Status.ENDED, actor=actor, at=at)
    for counter in CounterOffer.objects.filter(application=application, status=CounterOffer.Status.OPEN):
        move(counter, CounterOffer.Status.ENDED, actor=actor, at=at)
