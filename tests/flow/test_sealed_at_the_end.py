"""What a process recorded is under a signed checkpoint once it has ended."""

from pathlib import Path

import main
import trail
from directory import save_directory
from service.application import Application
from service.security import set_password
from service.settings import Settings
from tests.unit.agents.agents_house import directory


def _verified(app: Application) -> trail.VerifyReport:
    with app.store.reader() as connection:
        return trail.verify(connection, verifiers=[app.keys.trail.verifier])


def _record(app: Application, people: int) -> None:
    with app.store.unit_of_work("cli:setup") as uow:
        save_directory(uow, directory())
    for number in range(people):
        with app.store.unit_of_work("cli:setup") as uow:
            set_password(uow, directory().people[0].id, f"correct horse battery {number}")


def test_the_last_records_are_sealed_when_the_process_ends(tmp_path: Path) -> None:
    app = main.compose(Settings(data=tmp_path), role="test", use_child=False)
    _record(app, 3)
    before = _verified(app)
    assert before.unsealed > 0
    app.close()
    app = main.compose(Settings(data=tmp_path), role="test", use_child=False)
    after = _verified(app)
    app.close()
    assert (after.ok, after.unsealed, after.size) == (True, 0, before.size)


def test_a_process_that_records_nothing_signs_nothing(tmp_path: Path) -> None:
    """What somebody changed while nobody looked is not signed by the next who reads."""
    app = main.compose(Settings(data=tmp_path), role="test", use_child=False)
    _record(app, 2)
    app.store.engine.dispose()  # ends without closing, as when killed
    app.log.close()
    app.watcher.close()
    reader = main.compose(Settings(data=tmp_path), role="test", use_child=False)
    left = _verified(reader).unsealed
    reader.close()
    again = main.compose(Settings(data=tmp_path), role="test", use_child=False)
    assert left > 0
    assert _verified(again).unsealed == left
    again.close()
