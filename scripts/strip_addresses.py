"""Take addresses out of an npm lock file: where to pay for a package is not ours to keep.

Usage: python3 -m scripts.strip_addresses package-lock.json
"""

import json
import sys
from pathlib import Path


def strip(path: Path) -> None:
    """Write the lock file anew without `funding` and `resolved`; the rest stays as npm wrote it."""
    lock = json.loads(path.read_text("utf-8"))
    for package in lock["packages"].values():
        for key in ("funding", "resolved"):
            package.pop(key, None)
    path.write_text(json.dumps(lock, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    strip(Path(sys.argv[1]))
