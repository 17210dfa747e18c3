"""What our Apprise plugins share: parcels in, one result for each out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tasks.channels.parcel import HandedOver, Parcel
from tasks.errors import AntragslosError

Result = HandedOver | AntragslosError


@dataclass
class Job:
    """Apprise only answers True or False and may rewrite what it is given to send.

    So the parcels travel beside it, as they are, and the plugin leaves its results here.
    """

    parcels: Sequence[Parcel]
    timeout: float
    reply_timeout: float
    results: list[Result] = field(default_factory=list)

    def succeeded(self) -> bool:
        return not any(isinstance(result, AntragslosError) for result in self.results)
