"""Whose fault an exception is: the caller's is 4xx, ours 5xx, and never the other way round."""

import pytest
from sqlalchemy.exc import OperationalError

import approvals.errors
import auditlog.errors
import directory.errors
import trail.errors
import workorders.errors
from directory.errors import AccountTaken, InvalidDirectory, UnknownProduct, UnknownYear
from service.api.faults import fault_of
from service.i18n import load_words
from store.problems import Problem

CASES = [
    (InvalidDirectory([Problem("UNKNOWN_ORG")]), 500, "DIRECTORY_UNREADABLE"),
    (UnknownYear(2031, "CN"), 409, "CALENDAR_MISSING"),
    (UnknownProduct("xx", "cu"), 422, "UNKNOWN_PRODUCT"),
    (directory.errors.UnknownPermission("ordr.close"), 422, "UNKNOWN_PERMISSION"),
    (directory.errors.UnknownPerson("nobody"), 422, "UNKNOWN_PERSON"),
    (AccountTaken("slack", "T1", "U1"), 409, None),
    (auditlog.errors.LogBusyError("x"), 503, "UNAVAILABLE"),
    (auditlog.errors.LogClosedError("x"), 503, "UNAVAILABLE"),
    (auditlog.errors.LogUnavailableError("x"), 503, "UNAVAILABLE"),
    (auditlog.errors.LogVersionError("x"), 503, "UNAVAILABLE"),
    (auditlog.errors.LogFailedError("x"), 500, "LOG_FAILED"),
    (auditlog.errors.DiskFullError("x"), 507, "DISK_FULL"),
    (auditlog.errors.UnknownFieldError("x"), 422, "LOG_FIELD_UNKNOWN"),
    (auditlog.errors.BadQueryError("x"), 422, "LOG_QUERY_WRONG"),
    (auditlog.errors.UnknownRowError("x"), 404, "LOG_ROW_UNKNOWN"),
    (auditlog.errors.SqlRefusedError("x"), 422, "LOG_SQL_REFUSED"),
    (auditlog.errors.SqlTimeoutError("x"), 422, "LOG_SQL_TIMEOUT"),
    (auditlog.errors.LogError("x"), 500, "LOG_ERROR"),
    (workorders.errors.UnknownOrder("WO-1"), 404, "NOT_FOUND"),
    (workorders.errors.UnknownAlert("AL-1"), 404, "NOT_FOUND"),
    (workorders.errors.ConcurrentChange("x"), 409, "CONFLICT"),
    (workorders.errors.BadLevel("x"), 422, "BAD_REQUEST"),
    (workorders.errors.BadPolicy("x"), 500, "FAULT"),
    (trail.errors.KeyFault("x"), 500, "FAULT"),
    (approvals.errors.UnknownRequest("AP-1"), 404, "NOT_FOUND"),
    (OperationalError("SELECT 1", {}, Exception("locked")), 503, "UNAVAILABLE"),
    (ZeroDivisionError("x"), 500, "FAULT"),
]


@pytest.mark.parametrize(("raised", "status", "code"), CASES, ids=lambda one: str(one)[:40])
def test_whose_fault_it_is(raised: Exception, status: int, code: str | None) -> None:
    fault = fault_of(raised)
    assert (fault.status, code or fault.code) == (status, fault.code)


@pytest.mark.parametrize("base", [directory.errors.DirectoryError, auditlog.errors.LogError])
def test_every_exception_of_these_rooms_has_a_line_here(base: type[Exception]) -> None:
    seen = {type(raised) for raised, *_ in CASES}
    every = {base.__name__}
    for kind in base.__subclasses__():
        every |= {kind.__name__}
    named = {kind.__name__ for kind in seen}
    assert every - named - {"DirectoryError"} == set()


def test_what_is_ours_tells_nothing_of_the_inside() -> None:
    fault = fault_of(InvalidDirectory([Problem("UNKNOWN_ORG", found="秘密部门")]))
    assert "秘密部门" not in str(fault)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_each_code_has_words(language: str) -> None:
    words = load_words(language)
    for raised, *_ in CASES:
        code = fault_of(raised).code
        keys = [f"{room}.{code}" for room in ("api", "reason", "problem", "ui.fault")]
        assert any(key in words for key in keys), code
