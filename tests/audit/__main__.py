"""`make audit`: licences of the locked packages, offline; and what is known against their versions.

Exit status: 0 all is well, 1 something was found, 2 nothing was found and the database of
vulnerabilities was not reachable, so that half was not checked.
"""

import argparse
import sys
from collections import defaultdict

from tests.audit.licences import ACCEPTED, licence, problems
from tests.audit.locked import LOCK, Locked, locked
from tests.audit.vulnerabilities import OSV, NotReachable, known


def main(arguments: list[str]) -> int:
    options = argparse.ArgumentParser(prog="make audit", description=__doc__)
    options.add_argument("--osv", default=OSV, help="a mirror's address")
    address = options.parse_args(arguments).osv
    packages = list(locked(LOCK.read_text()))
    bad = list(problems(packages))
    _tell_licences(packages)
    print("\n".join([f"{len(bad)} licence problems", *bad]))
    try:
        found = known(packages, address)
    except NotReachable as error:
        print(f"Known vulnerabilities: NOT CHECKED, {address} is not reachable ({error})")
        return 1 if bad else 2
    print(f"Known vulnerabilities: {len(found)} of {len(packages)} packages have any")
    print("\n".join(f"{name}: {', '.join(ids)}" for name, ids in found.items()))
    return 1 if bad or found else 0


def _tell_licences(packages: list[Locked]) -> None:
    by_licence = defaultdict(list)
    for one in packages:
        if one.applies and one.installed:
            by_licence[licence(one) or "not known"].append(one.name)
    for said, names in sorted(by_licence.items()):
        print(f"{said} ({ACCEPTED.get(said, 'see tests/audit/licences.py')}): {', '.join(names)}")
    elsewhere = [one.name for one in packages if not one.applies]
    print(f"Not for this machine, so not looked at: {', '.join(elsewhere) or 'none'}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
