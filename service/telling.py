"""What the service has to tell its operators: one line of JSON each, on standard error.

The command line configures its own, readable form first; every other way in gets this one. Nothing
goes to standard output, which belongs to answers.
"""

import logging
import sys
from typing import Any

import structlog

__all__ = ["tell_on_stderr"]


def tell_on_stderr() -> None:
    """Have what is told go to standard error, unless somebody has set up another way."""
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Plain tracebacks: locals would show secrets.
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(default=str, ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=_on_stderr,
        cache_logger_on_first_use=False,
    )


def _on_stderr(*_names: Any) -> structlog.PrintLogger:
    """A logger on what is standard error now; it may be another one later."""
    return structlog.PrintLogger(sys.stderr)
