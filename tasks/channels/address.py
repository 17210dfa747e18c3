"""E-mail addresses that are safe in an envelope and in a header."""

import re

import idna

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL_PART = re.compile(rf"{_ATOM}(\.{_ATOM})*")


def split_address(text: str) -> tuple[str, str] | None:
    """Local part and domain in the form mail servers speak (ASCII), or None where it is no address.

    A domain with umlauts becomes its A-label by IDNA 2008: the older rules turn `ß` into `ss`,
    which is somebody else's domain. Umlauts before the @ are refused: few servers take them.
    """
    local, at, domain = text.rpartition("@")
    if not at or not _LOCAL_PART.fullmatch(local) or len(local) > 64:
        return None
    try:
        ascii_domain = idna.encode(domain, uts46=True, std3_rules=True).decode("ascii")
    except UnicodeError:  # idna.IDNAError is one
        return None
    if "." not in ascii_domain.rstrip(".") or ascii_domain.endswith("."):
        return None
    if len(local) + 1 + len(ascii_domain) > 254:  # RFC 5321 4.5.3.1.3
        return None
    return local, ascii_domain
