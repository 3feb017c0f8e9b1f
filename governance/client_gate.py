"""What an API client meets before its token is looked at or its call is answered: networks and calls a minute."""

from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.utils.translation import gettext_lazy as _

from crm.lib.errors import NotAllowed
from governance import addresses
from governance.models import ApiClient


class WrongNetwork(NotAllowed):
    """The client is bound to networks, and the call comes from none of them."""

    code = "wrong_network"


class TooMany(NotAllowed):
    """More calls in this minute than the client may make; `wait` seconds later there are some again."""

    code = "too_many_requests"
    status = 429

    def __init__(self, message: Any, *, wait: int) -> None:
        super().__init__(message)
        self.wait = wait


def check(client: ApiClient, *, address: str, counter: str, at: datetime) -> None:
    """Count one call of `client` from `address`.

    :param counter: `call` for calls with a token; `token` for fetching one, which counts by address
    :raises WrongNetwork: if it may not call from there
    :raises TooMany: if its minute is used up
    """
    if not addresses.within(address, client.networks):
        raise WrongNetwork(_("This client may not call from this address."))
    if client.per_minute is None:
        return
    minute, second = divmod(int(at.timestamp()), 60)
    place = f"api.{counter}.{client.pk}.{minute}{'.' + address if counter == 'token' else ''}"
    cache.add(place, 0, 120)
    count = cache.incr(place)
    if count == 1 and counter == "call":
        used(client, at=at)
    if count > client.per_minute:
        raise TooMany(_("More calls than this client may make in a minute. Wait, then go on."), wait=60 - second)


def used(client: ApiClient, *, at: datetime) -> None:
    """Keep when a client was last at work, to a minute."""
    ApiClient.objects.filter(pk=client.pk).update(last_used_at=at)
