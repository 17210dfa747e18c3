"""Who looked at whose data: `access.log` in the home folder, for the data protection officer.

Register data that is passed on is to be accounted for (BMG § 37, DSGVO Art. 5 Abs. 2). The lines
hold signs and case ids and no personal data; they stand in a file of their own, since in a case's
history each look would bury what happened to it.
"""

import logging
import os
from functools import lru_cache
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path


class _PrivateFile(RotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        file = super()._open()
        os.chmod(self.baseFilename, 0o600)  # also after each rotation
        return file


@lru_cache(maxsize=8)
def access_log(home: Path) -> logging.Logger:
    """One line is some 70 bytes: ten files hold more than a million looks."""
    home.mkdir(parents=True, exist_ok=True)
    logger = logging.Logger("antragslos.access")
    handler = _PrivateFile(
        home / "access.log", maxBytes=10_000_000, backupCount=9, encoding="utf-8"
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%dT%H:%M:%S%z"))
    logger.addHandler(handler)
    return logger
