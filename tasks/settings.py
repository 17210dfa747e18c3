"""The installation's settings, from the environment or `.env`; each is described in .env.example.

Read by flows and steps only; everything below them receives arguments.
"""

import os
import secrets
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from tasks.errors import SettingsInvalid
from tasks.files import open_regular

ROOT = Path(__file__).resolve().parents[1]
TEMPLATES = ROOT / "templates"
SHORTEST_KEY = 32


def _long_enough(key: SecretStr) -> SecretStr:
    if key.get_secret_value() and len(key.get_secret_value()) < SHORTEST_KEY:
        raise ValueError("at least 32 characters, or empty")
    return key


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="ANTRAGSLOS_",
        env_file=".env",
        extra="ignore",
        hide_input_in_errors=True,  # a wrong secret must not appear in the error
    )

    home: Path = Field(
        default=Path("var"),
        description="Folder that holds database, inboxes, receipts, spool; one folder each town.",
    )
    database_url: str = Field(default="", description="State. Default: SQLite in the home folder.")
    secret_key: Annotated[SecretStr, AfterValidator(_long_enough)] = Field(
        default=SecretStr(""),
        description="Signs reply links. Default: made once and kept in the home folder.",
    )
    smtp_url: SecretStr = Field(
        default=SecretStr(""),
        description="mailtos://user:password@host:port; empty: everything by post.",
    )
    smtp_urls: dict[str, SecretStr] = Field(
        default_factory=dict, description="Municipalities with a mail server of their own, as JSON."
    )
    public_url: str = Field(
        default="http://127.0.0.1:8300",
        pattern=r"^https?://[^/\s]",
        description="Address of the residents' page, for letters.",
    )
    permit_hosts: tuple[str, ...] = Field(
        default=(), description="PostgreSQL servers on which permit registers may be, as JSON."
    )
    batch_size: int = Field(default=500, ge=1, le=10_000, description="Cases a task works on.")
    send_workers: int = Field(default=4, ge=1, le=64, description="Letters handed over at a time.")
    max_delivery_bytes: int = Field(
        default=2 * 1024**3, ge=1, description="A larger registry file is refused."
    )
    steady_seconds: int = Field(
        default=60,
        ge=0,
        description="A registry file that is cut short is refused once it was left so for so long.",
    )

    @property
    def state_url(self) -> str:
        return self.database_url or f"sqlite:///{self.home.resolve() / 'antragslos.db'}"

    def folder(self, municipality: str) -> Path:
        return self.home / municipality

    def smtp_for(self, municipality: str) -> str:
        return self.smtp_urls.get(municipality, self.smtp_url).get_secret_value()

    def signing_key(self) -> bytes:
        """At least 32 bytes. Made on first use where none is set; only the owner may read it.

        Raises SettingsInvalid: settings.weak_key, settings.open_key; OSError where it is no file.
        """
        if key := self.secret_key.get_secret_value():
            return key.encode()
        path = self._key_file
        if not os.path.lexists(path):
            self.home.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.{os.getpid()}")
            temporary.touch(mode=0o600)
            with temporary.open("w") as file:
                file.write(secrets.token_urlsafe(48))
                file.flush()
                os.fsync(file.fileno())  # a power cut must leave no empty key
            # link() and not rename(): the first of two processes wins, and both read its key.
            try:
                os.link(temporary, path)
            except FileExistsError:
                pass
            finally:
                temporary.unlink()
        return _kept_key(path)

    def must_have_a_good_key(self) -> None:
        """Raises what `signing_key` raises, and makes none: whoever looks may be another user."""
        if not self.secret_key.get_secret_value() and os.path.lexists(self._key_file):
            _kept_key(self._key_file)

    @property
    def _key_file(self) -> Path:
        return self.home / "secret.key"


def _kept_key(path: Path) -> bytes:
    with open_regular(path) as file:
        others_may, key = os.fstat(file.fileno()).st_mode & 0o077, file.read(4096).strip()
    if others_may:
        raise SettingsInvalid(
            "settings.open_key",
            detail=f"Others may read {path}, and with it forge every code and session: chmod 600 "
            "it. If somebody may have read it, move it away as well: a new one is made, and the "
            "links and codes of letters that have left no longer open anything.",
        )
    if len(key) < SHORTEST_KEY:
        raise SettingsInvalid(
            "settings.weak_key",
            detail=f"{path} is empty or has fewer than {SHORTEST_KEY} characters: put it back from "
            "your backup. Without one, move it away: a new one is made, and the links and codes of "
            "letters that have left no longer open anything.",
        )
    return key


def private_files() -> None:
    """For every process that works for us, at its start: others may read nothing that it writes.

    Nearly all of it holds personal data. The group may read: the print service collects letters.
    """
    os.umask(0o027)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Raises SettingsInvalid, with every wrong setting named and none of them quoted."""
    try:
        return Settings()
    except (ValidationError, SettingsError) as error:
        raise SettingsInvalid("settings.invalid", detail="\n".join(_problems(error))) from None


def _problems(error: ValidationError | SettingsError) -> list[str]:
    if isinstance(error, SettingsError):
        name = str(error).split('"')[1] if '"' in str(error) else ""
        return [f"ANTRAGSLOS_{name.upper()}: cannot be read; JSON is expected"]
    return [
        f"ANTRAGSLOS_{'_'.join(str(part) for part in item['loc']).upper()}: {item['msg']}"
        for item in error.errors(include_url=False, include_input=False)
    ]
