"""How a letter leaves: through Apprise, by e-mail or into the print spool."""

from tasks.channels.hand_over import (
    already_there,
    check_url,
    hand_over,
    hand_over_many,
    is_exact,
    probe,
)
from tasks.channels.parcel import HandedOver, Parcel

__all__ = [
    "HandedOver",
    "Parcel",
    "already_there",
    "check_url",
    "hand_over",
    "hand_over_many",
    "is_exact",
    "probe",
]
