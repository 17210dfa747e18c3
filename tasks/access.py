"""Who looked at whose data: `access.log` in the home folder, for the data protection officer.

Register data that is passed on is to be accounted for (BMG § 37, DSGVO Art. 5 Abs. 2). Who came
in, who was refused and who left stands there too. The lines
hold signs and case ids and no personal data; they stand in a file of their own, since in a case's
history each look would bury what happened to it.
"""

import logging
from functools import lru_cache
from pathlib import Path

from tasks.logs import PrivateLog


@lru_cache(maxsize=8)
def access_log(home: Path) -> logging.Logger:
    """One line is some 70 bytes: ten files hold more than a million looks."""
    logger = logging.Logger("antragslos.access")
    handler = PrivateLog(home / "access.log", keep=9)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%dT%H:%M:%S%z"))
    logger.addHandler(handler)
    return logger
