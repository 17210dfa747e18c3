"""Tokens with which a resident answers a letter: a link, a short code on paper, signed notes.

The page looks tokens up by their digest; in clear text they stand in the stored letter alone, and
leave with it. A letter's token follows from its case, so that a letter rendered again after a crash
carries the same one.

    ABCD-EFGH-JK    nine characters (45 bits) and one that checks them; neither I, L, O nor U
"""

import base64
import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import date

from tasks.errors import ReplyRefused

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32
_MISREAD = str.maketrans("ILO", "110", "-‐‑–—−")
_LINK_BYTES = 24
_LINK = re.compile(r"[A-Za-z0-9_-]{32}")
_LONGEST_TYPED = 64  # nobody types more than a code with its blanks
_CODE_LENGTH = 9
_MIN_KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class Token:
    link_secret: str = field(repr=False)  # 192 bits, safe in a URL
    short_code: str = field(repr=False)


def new_token() -> Token:
    return _token(secrets.token_bytes(_LINK_BYTES), secrets.token_bytes(8))


def token_for(case_id: str, purpose: str, key: bytes) -> Token:
    """The same for the same case, purpose and key; nobody can compute it without the key."""
    return _token(
        _mac(key, "link", purpose, case_id)[:_LINK_BYTES], _mac(key, "code", purpose, case_id)[:8]
    )


def digest(secret: str, key: bytes) -> str:
    """What is stored in place of `secret`: 64 hexadecimal digits. A typed code: `read_code` it."""
    return _mac(key, "digest", secret).hex()


def read_link(given: str) -> str:
    """The secret of a link. What cannot be one is refused before any database is asked."""
    if not _LINK.fullmatch(given):
        raise ReplyRefused("reply.unknown")
    return given


def read_code(typed: str) -> str:
    """A typed short code as it was printed. Raises ReplyRefused("reply.bad_code") on a slip."""
    if len(typed) > _LONGEST_TYPED:
        raise ReplyRefused("reply.bad_code")
    code = "".join(typed.upper().split()).translate(_MISREAD)
    if len(code) != _CODE_LENGTH + 1 or not set(code) <= set(_ALPHABET):
        raise ReplyRefused("reply.bad_code")
    if _check_character(code[:-1]) != code[-1]:
        raise ReplyRefused("reply.bad_code")
    return _grouped(code)


def sign(token_id: str, purpose: str, expires: date, key: bytes) -> str:
    """A note safe in a URL that `read` accepts up to and on `expires`."""
    body = f"{_encode(token_id.encode())}.{_encode(purpose.encode())}.{expires:%Y%m%d}"
    return f"{body}.{_encode(_mac(key, 'sign', body))}"


def read(signed: str, key: bytes, today: date, *, purpose: str = "") -> tuple[str, str]:
    """Token id and purpose. With `purpose`, only a note for exactly that is accepted."""
    body, _, signature = signed.rpartition(".")
    expected = _encode(_mac(key, "sign", body))
    if not hmac.compare_digest(signature.encode(errors="replace"), expected.encode()):
        raise ReplyRefused("reply.bad_signature")
    token_id, signed_purpose, expires = body.split(".")
    if today > date.fromisoformat(expires):
        raise ReplyRefused("reply.expired")
    found = _decode(token_id), _decode(signed_purpose)
    if purpose and found[1] != purpose:
        raise ReplyRefused("reply.wrong_purpose")
    return found


def _token(link: bytes, code: bytes) -> Token:
    number = int.from_bytes(code)
    text = "".join(_ALPHABET[number >> 5 * place & 31] for place in range(_CODE_LENGTH))
    return Token(_encode(link), _grouped(text + _check_character(text)))


def _grouped(code: str) -> str:
    return f"{code[:4]}-{code[4:8]}-{code[8:]}"


def _check_character(code: str) -> str:
    """Finds every single wrong character and every swap of two.

    Each character is weighted with another power of x in GF(32), modulo x⁵ + x³ + 1.
    """
    total = 0
    for character in code:
        total = (total ^ _ALPHABET.index(character)) << 1
        total ^= 0b101001 if total & 32 else 0
    return _ALPHABET[total]


def _mac(key: bytes, *parts: str) -> bytes:
    """Lengths go in too, so that no two lists of parts read the same."""
    if len(key) < _MIN_KEY_BYTES:
        raise ReplyRefused("reply.weak_key")
    encoded = [part.encode(errors="surrogatepass") for part in parts]
    message = b"".join(len(part).to_bytes(4) + part for part in encoded)
    return hmac.digest(key, message, "sha256")


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> str:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
