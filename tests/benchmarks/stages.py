"""What the stages cost, and a town in which nothing is to be done: CPU time of all threads.

A script for two trees, this one and that of the first release, whose packages it is given by
PYTHONPATH: it uses only what both of them have.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import Any

from prefect import flow

from flows._pipeline import everything, of_municipality
from flows.deliver_services import DeliverParameters, deliver_services
from tasks.municipality import municipalities, open_municipality
from tasks.pull import pull
from tasks.settings import settings
from tasks.state import report
from tasks.state.database import reading
from tests.delivery_writer import DELTAS, generate
from tests.town import SLUG, ZONES, make_town

Result = dict[str, Any]
TODAY = DELTAS.date()
SEED = 20261123
PERMIT_SHARE = 0.35  # of the movers who live in one zone; about nine in ten do
FULL = "0001-gesamtlieferung.xml"


def stock(deltas: str) -> Result:
    """Generates a town, takes in its full delivery, and leaves the delta in the inbox."""
    home = settings().home
    movers = ceil(int(deltas) / 1.1)
    others = max(1, movers // 10)  # which the generator adds: it may be one more than asked for
    people = movers + movers // 5
    zones = make_town(home / "made").opened.areas("resident_parking")
    made = generate(
        home / "made", people, movers, SEED, ZONES, lambda a: zones.find(a).only, PERMIT_SHARE
    )
    permits = made.permits.read_bytes().count(b"\n")
    town = make_town(home, settling_days=0, permits=made.permits)
    made.full.rename(town.folder / "inbox" / made.full.name)
    pull(open_municipality(SLUG, settings()), TODAY)
    made.delta.rename(town.folder / "inbox" / made.delta.name)
    return {"people": people, "permits": permits, "movers": movers, "deltas": movers + others}


def ours(deltas: str) -> Result:
    """All of a run for one municipality, in this process; the Prefect server is another one."""
    stages: Counter[str] = Counter()
    runs: Counter[str] = Counter()

    def timed(*args: Any) -> Iterator[Any]:
        for step, ids in everything(*args):
            start = time.process_time()
            yield step, ids
            name = step.name.partition(" ")[0]
            stages[name] += time.process_time() - start
            runs[name] += 1

    @flow(name="ours", persist_result=False)
    def one_town() -> Any:
        return of_municipality(SLUG, TODAY, "bench", timed, "bench")

    with measured(int(deltas)) as result:
        problems = one_town().problems
    assert not problems, problems
    with reading(open_municipality(SLUG, settings()).engine) as session:
        result["cases"] = sum(n for *_, n in report.cases_by_outcome(session, SLUG))
        letters = report.letters_by_channel(session, SLUG)
        result["letters"] = sum(n for _, status, n in letters if status == "handed_over")
    result["task_runs"] = sum(runs.values())
    result["stages"] = {name: (seconds, runs[name]) for name, seconds in stages.items()}
    return result


def quiet_stock(towns: str) -> Result:
    """Towns that know their people, and have nothing to do."""
    home = settings().home
    for number in range(int(towns)):
        town = make_town(home, f"town-{number:04d}")
        town.put(FULL)
        for step, ids in everything(town.opened, TODAY, "stock"):
            step.fn(*ids)
    return {"towns": int(towns)}


def quiet() -> Result:
    """What one more such town adds to a run, in s of CPU: a run as such has a price, too."""
    slugs = municipalities(settings())

    def run(*named: str) -> float:
        start = time.process_time()
        state = deliver_services(DeliverParameters(municipalities=list(named)), return_state=True)
        spent = time.process_time() - start
        assert state.message == "nothing new", state.message
        return spent

    run(slugs[0])  # imports, and Prefect's first words with its server
    alone, all_of_them = run(slugs[0]), run(*slugs[1:])
    return {"towns": len(slugs), "cpu": (all_of_them - alone) / (len(slugs) - 2)}


@contextmanager
def measured(deltas: int) -> Iterator[Result]:
    result: Result = {"deltas": deltas}
    cpu, start = time.process_time(), time.perf_counter()
    yield result
    seconds = time.perf_counter() - start
    result |= {"seconds": seconds, "rate": deltas / seconds, "cpu": time.process_time() - cpu}
    # Not ru_maxrss: that one remembers the size of the process which started this one.
    status = Path("/proc/self/status").read_text()
    result["rss_mb"] = int(status.partition("VmHWM:")[2].split()[0]) // 1024


CONTENDERS = {"stock": stock, "ours": ours, "quiet_stock": quiet_stock, "quiet": quiet}

if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    print(json.dumps(CONTENDERS[name](*arguments)))
