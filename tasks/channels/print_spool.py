"""Letters for the print service, as an Apprise plugin: `printspool:///absolute/folder`."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from apprise.plugins.base import NotifyBase

from tasks.channels import spool
from tasks.channels.outlet import Job
from tasks.errors import ChannelRefused

SCHEME = "printspool"


class PrintSpool(NotifyBase):  # type: ignore[no-untyped-call]
    service_name = "Print spool"  # type: ignore[assignment]
    protocol = SCHEME  # type: ignore[assignment]
    request_rate_per_sec = 0

    def __init__(self, job: Job, folder: Path, **asset: Any) -> None:
        super().__init__(schema=SCHEME, host="", **asset)  # type: ignore[no-untyped-call]
        self.job = job
        self.folder = folder

    def send(self, *_: Any, **__: Any) -> bool:
        self.job.results.extend(spool.put(self.job.parcels, self.folder, self.job.timeout))
        return self.job.succeeded()

    def listed(self, letters: Mapping[str, date]) -> set[str]:
        return spool.listed(letters, self.folder, self.job.timeout)

    def probe(self) -> None:
        spool.try_room(self.folder, self.job.timeout)


def plugin(url: str, job: Job, **asset: Any) -> PrintSpool:
    """Raises ChannelRefused where the address is not an absolute folder."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ChannelRefused("channel.bad_url", detail=str(error)) from None
    folder = Path(unquote(parts.path))
    if parts.netloc or parts.query or parts.fragment or not folder.is_absolute():
        raise ChannelRefused("channel.bad_url", detail="expected printspool:///absolute/folder")
    return PrintSpool(job, folder, **asset)
