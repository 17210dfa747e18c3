"""Which of the packets that have come make up a delivery."""

from collections import defaultdict
from collections.abc import Sequence

from tasks.errors import DeliveryRejected
from tasks.registry.head import DeliveryHead


def complete_set(heads: Sequence[DeliveryHead]) -> list[int] | None:
    """Places in `heads`, in the order of the packets; None while one is missing.

    All heads are of one delivery number, and no two of the same bytes. A packet that was sent again
    because it wrongly said that others follow (or that none does) is told from the right one by
    what is complete. Raises DeliveryRejected where two sets are, or where the set contradicts
    itself.
    """
    going_on: dict[int, list[int]] = defaultdict(list)
    last: dict[int, list[int]] = defaultdict(list)
    for place, head in enumerate(heads):
        (last if head.last else going_on)[head.packet].append(place)
    ends = [end for end in last if all(going_on.get(number) for number in range(1, end))]
    if not ends:
        if any(len(places) > 1 for found in (going_on, last) for places in found.values()):
            raise DeliveryRejected("registry.packet_twice")
        return None
    (end, *more) = ends
    chosen = [*(going_on[number] for number in range(1, end)), last[end]]
    if more or any(len(places) > 1 for places in chosen):
        raise DeliveryRejected("registry.packet_twice")
    found = [place for (place,) in chosen]
    kinds = {heads[place].kind for place in found}
    if len(kinds) > 1 or any(head.packet > end for head in heads):
        raise DeliveryRejected("registry.packets_contradict")
    return found
