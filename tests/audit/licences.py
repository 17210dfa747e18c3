"""Whether the licence of each locked package lets a work under the EUPL-1.2 use it. Offline.

What counts is what a package says of itself, in this order: an SPDX expression, its `License` where
that is one, its classifiers (all of them must do, since they do not say whether they mean „and“ or
„or“). What says nothing, or something else, fails until somebody has read it: READ.
"""

from collections.abc import Iterable, Iterator

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from tests.audit.locked import Locked

_PERMISSIVE = "permissive: any work may use it that keeps its notice"
_LISTED = (
    "copyleft of its own files or library, which we use as they are; on the EUPL's list (Art. 5)"
)
ACCEPTED = {
    "0BSD": _PERMISSIVE,
    "Apache-2.0": _PERMISSIVE,
    "BSD-2-Clause": _PERMISSIVE,
    "BSD-3-Clause": _PERMISSIVE,
    "CNRI-Python": _PERMISSIVE,
    "ISC": _PERMISSIVE,
    "MIT": _PERMISSIVE,
    "MIT-0": _PERMISSIVE,
    "MIT-CMU": _PERMISSIVE,
    "PSF-2.0": _PERMISSIVE,
    "Unlicense": _PERMISSIVE,
    "Zlib": _PERMISSIVE,
    "OFL-1.1": "a font: may go with any software, and into any document",
    "LGPL-2.1-only": _LISTED,
    "LGPL-2.1-or-later": _LISTED,
    "LGPL-3.0-only": _LISTED,
    "LGPL-3.0-or-later": _LISTED,
    "MPL-2.0": _LISTED,
    "EUPL-1.2": "ours",
}
_CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",  # or of two clauses, which asks for less
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
_NOT_A_LICENCE = {"OSI Approved", "DFSG approved"}
# (name, version) -> what its files say, where its metadata say nothing, or too little. Read again
# with each new version.
READ = {
    ("axe-playwright-python", "0.1.8"): "MIT AND MPL-2.0",  # with axe-core; for tests only
    # With PDFium and what that carries: each permissive, in its own words; for tests only.
    ("pypdfium2", "5.15.2"): "BSD-3-Clause AND Apache-2.0",
    ("text-unidecode", "1.3"): "Artistic-1.0-Perl OR GPL-2.0-or-later",
}
# Accepted for one package only: the licence would not do everywhere.
ALONE = {
    # python-slugify needs it, and Prefect that; unchanged, and the GPL is on the EUPL's list.
    "text-unidecode": "GPL-2.0-or-later",
}


def problems(packages: Iterable[Locked]) -> Iterator[str]:
    for one in packages:
        if not one.applies:
            continue
        if one.installed is None:
            yield f"{one.name}: not installed, so nothing is known of it; make test installs it"
        elif one.installed.version != one.version:
            yield f"{one.name}: {one.installed.version} is installed, and {one.version} is locked"
        elif not (said := licence(one)):
            yield f"{one.name} {one.version}: names no licence that can be read"
        elif not _does(said, ACCEPTED.keys() | {ALONE.get(one.name, "MIT")}):
            yield f"{one.name} {one.version}: {said} is not accepted"


def licence(one: Locked) -> str:
    """As an SPDX expression; "" where nobody can tell."""
    assert one.installed
    if read := READ.get((one.name, one.version)):
        return read
    told = one.installed.metadata
    for key in ("License-Expression", "License"):
        try:
            return str(canonicalize_license_expression(told.get(key) or ""))
        except InvalidLicenseExpression:
            continue
    names = [
        name.split(" :: ")[-1] for name in told.get_all("Classifier") or () if "License ::" in name
    ]
    found = [_CLASSIFIERS.get(name, "") for name in names if name not in _NOT_A_LICENCE]
    return " AND ".join(found) if all(found) else ""


def _does(expression: str, accepted: Iterable[str]) -> bool:
    """An expression holds where one side of each „or“ does, and both of each „and“."""
    tokens = expression.replace("(", " ( ").replace(")", " ) ").split()
    allowed = set(accepted)

    def either() -> bool:
        done = both()
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            done = both() or done
        return done

    def both() -> bool:
        done = one()
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            done = one() and done
        return done

    def one() -> bool:
        token = tokens.pop(0)
        if token == "(":
            inner = either()
            tokens.pop(0)
            return inner
        if tokens and tokens[0] == "WITH":  # an exception only allows more
            del tokens[:2]
        return token in allowed

    return either()
