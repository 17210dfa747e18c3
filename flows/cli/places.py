"""Where a command works: a municipality that there is, in a home that there is.

Said before anything is opened, since opening makes what is missing: a second, empty home would look
like one in which nothing has happened.
"""

from typing import Annotated

import typer

from tasks.errors import PermanentError
from tasks.municipality import municipalities
from tasks.settings import settings


def there(slug: str) -> str:
    """Raises PermanentError with the municipalities that there are; "" stays so."""
    known = municipalities(settings())
    if slug and slug not in known:
        raise PermanentError("municipality.unknown", slug, _elsewhere(known))
    return slug


def all_there(slugs: list[str]) -> list[str]:
    return [there(slug) for slug in slugs]


def must_be_something() -> None:
    """For commands that look at all municipalities. Raises PermanentError in an empty home."""
    place = settings()
    database = place.database_url or (place.home / "antragslos.db").exists()
    if not database and not municipalities(place):
        raise PermanentError("home.empty", detail=_elsewhere([]))


def counted(number: int, what: str, many: str = "") -> str:
    """`no cases`, `1 case`, `12 cases`."""
    return f"{number or 'no'} {what if number == 1 else many or f'{what}s'}"


def _elsewhere(known: list[str]) -> str:
    home = settings().home
    if known:
        return f"There are: {', '.join(known)}; in {home}."
    return f"Nothing is kept in {home}. Is your home elsewhere? export ANTRAGSLOS_HOME=FOLDER"


Municipality = Annotated[
    str, typer.Option("--municipality", "-m", help="Its name.", callback=there)
]
Municipalities = Annotated[
    list[str],
    typer.Option("--municipality", "-m", help="May be given several times.", callback=all_there),
]
