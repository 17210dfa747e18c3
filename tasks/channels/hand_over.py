"""The one door through which letters leave."""

from collections.abc import Mapping, Sequence
from datetime import date
from urllib.parse import urlsplit

from apprise import Apprise, AppriseAsset

from tasks.channels import mail, print_spool
from tasks.channels.outlet import Job, Result
from tasks.channels.parcel import HandedOver, Parcel
from tasks.channels.quiet import diverted
from tasks.errors import AntragslosError, ChannelRefused, ChannelUnavailable, ChannelUncertain

_THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}


def hand_over(
    parcel: Parcel, url: str, *, timeout: float = 30.0, reply_timeout: float = 300.0
) -> HandedOver:
    """Raises ChannelUnavailable (also SpoolFull), ChannelRefused or ChannelUncertain.

    `timeout`: seconds for one answer of the server, or for other processes at the spool.
    `reply_timeout`: seconds for the answer to a whole e-mail; a long wait is better than a letter
    of which nobody knows whether it has left.
    """
    (result,) = hand_over_many([parcel], url, timeout=timeout, reply_timeout=reply_timeout)
    if isinstance(result, AntragslosError):
        raise result
    return result


def hand_over_many(
    parcels: Sequence[Parcel], url: str, *, timeout: float = 30.0, reply_timeout: float = 300.0
) -> list[Result]:
    """One result or error for each parcel, in their order; a bad `url` raises.

    The spool makes a batch durable at once. E-mails go one by one: note each as soon as it has
    left, or a crash in the batch makes all of it uncertain.
    """
    batches = [parcels] if is_exact(url) else [[parcel] for parcel in parcels]
    jobs = [Job(batch, timeout, reply_timeout) for batch in batches if batch]
    return [result for job in jobs for result in _notify(job, url)]


def is_exact(url: str) -> bool:
    """Whether a letter may be handed over again after a crash: the channel knows it by its name."""
    return _scheme(url) == print_spool.SCHEME


def already_there(letters: Mapping[str, date], url: str, *, timeout: float = 30.0) -> set[str]:
    """Which of these letters (with the day each was made) a channel that is exact has already.

    Raises ChannelUnavailable where that cannot be found out.
    """
    plugin = _plugin(url, Job((), timeout, timeout))
    return plugin.listed(letters) if isinstance(plugin, print_spool.PrintSpool) else set()


def check_url(url: str) -> None:
    """Raises ChannelRefused("channel.bad_url"), with the reason and no password in its `detail`."""
    _plugin(url, Job((), 0, 0))
    if _scheme(url) == "mailto" and urlsplit(url).hostname not in _THIS_MACHINE:  # Art. 32 DSGVO
        reason = "letters and password would travel in clear text; use mailtos://"
        raise ChannelRefused("channel.bad_url", detail=reason)


def probe(url: str, *, timeout: float = 10.0) -> None:
    """Whether letters could leave now, without one: greets the server, or looks for room to write.

    Raises ChannelUnavailable (also SpoolFull) or ChannelRefused.
    """
    with diverted():
        _plugin(url, Job((), timeout, timeout)).probe()


def _notify(job: Job, url: str) -> list[Result]:
    with diverted() as log:
        apprise = Apprise()
        apprise.add(_plugin(url, job))
        apprise.notify(body="letters")  # the plugin takes them from the job
    if not job.results:
        return [_unexplained(parcel, url, log) for parcel in job.parcels]
    return job.results


def _unexplained(parcel: Parcel, url: str, log: list[str]) -> AntragslosError:
    """Apprise swallows what a plugin did not foresee; all that is left is its log."""
    reason = "\n".join(log)
    if is_exact(url):
        return ChannelUnavailable("channel.unexplained", parcel.letter_id, reason)
    return ChannelUncertain("channel.uncertain", parcel.letter_id, reason)


def _plugin(url: str, job: Job) -> mail.LetterMail | print_spool.PrintSpool:
    asset = AppriseAsset(async_mode=False)  # stay in this thread, whose log is diverted
    with diverted():
        if is_exact(url):
            return print_spool.plugin(url, job, asset=asset)
        if _scheme(url) in mail.SCHEMES:
            return mail.plugin(url, job, asset=asset)
    raise ChannelRefused("channel.bad_url", detail="expected mailto, mailtos or printspool")


def _scheme(url: str) -> str:
    return url.partition("://")[0].lower()
