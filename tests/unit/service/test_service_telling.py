"""What a service tells its operators, whichever way it was started."""

import json
import subprocess
import sys

PROGRAM = """
import structlog
from service.telling import tell_on_stderr
tell_on_stderr()
log = structlog.get_logger("x")
log.debug("nothing to see")
log.info("read", events=3, org="集团")
try:
    raise ValueError("broken")
except ValueError:
    log.exception("failed")
print("the answer")
"""


def test_lines_are_json_on_standard_error_and_answers_stay_clean():
    ran = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", PROGRAM], capture_output=True, check=True, timeout=60
    )
    assert ran.stdout == b"the answer\n"
    lines = [json.loads(line) for line in ran.stderr.decode().splitlines()]
    assert [(one["level"], one["event"]) for one in lines] == [
        ("info", "read"),
        ("error", "failed"),
    ]
    assert lines[0]["org"] == "集团"
    assert "ValueError: broken" in lines[1]["exception"]
