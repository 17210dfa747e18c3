"""The first release, checked out beside this tree: what is measured now is a share of it."""

import io
import subprocess
import tarfile
from pathlib import Path

COMMIT = "6921e6c3b45748eee6d2ad95aa63c986c0e3fb80"  # 0.1.0
ROOT = Path(__file__).resolve().parents[2]


def check_out(commit: str, folder: Path) -> Path | None:
    """The files of a commit; None where this clone does not have it, as a shallow one."""
    packed = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True)
    if packed.returncode:
        return None
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder
