"""One seed from which the ids of all cases, letters, answers and replies of a test are drawn.

What follows the order of ids (batches, whose turn it is) is the same in each run of a seed; a
second seed shows what holds by luck. Secrets and salts stay true chance: nothing follows them.
"""

import os
import random

from tasks.state import database

VARIABLE = "ANTRAGSLOS_TEST_SEED"  # also for programs that a test starts


def seed() -> int:
    return int(os.environ.get(VARIABLE, "1"))


def of(name: str) -> random.Random:
    return random.Random(f"{seed()} {name}")


def draw_for(name: str) -> None:
    """From here on ids are those of this test and seed, whatever ran before it."""
    database.chance = of(name)
