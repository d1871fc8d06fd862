"""The application: every port that people and programs come in by, wired once in `main.compose`.

What costs time to load or to open is made when it is first used, so that a command that only reads
work orders neither opens the audit log nor loads the detectors.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import structlog
from sqlalchemy import Connection

from agents.facts import Surroundings
from agents.world import read_surroundings
from auditlog.port import LogPort
from directory import PHONES, Directory
from directory.writing import directory_version
from integrations.addresses import apprise_place
from rules.rulebook import Rulebook
from service.approval_people import unit_named
from service.i18n.wording import Catalogues
from service.settings import Settings
from store import Store
from store.clock import Clock
from trail import TrailKeeper
from trail.keys import Keys
from workorders.channel import Channel
from workorders.context import Context
from workorders.policy import Policy

if TYPE_CHECKING:  # loaded with the agents themselves
    from agents.escalator import Escalator
    from agents.outfit import Agents
    from agents.sentinel import Sentinel
    from agents.settler import Settler
    from agents.trainer import Trainer
    from agents.watcher import Watcher

T = TypeVar("T")
_log = structlog.get_logger(__name__)


class DirectoryReader:
    """The directory as of now, read again when its version moves."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: tuple[str, Surroundings] | None = None

    def around(self, connection: Connection) -> Surroundings:
        """The directory and its calendar, in the reader's transaction."""
        version = directory_version(connection)
        known = self._known
        if known is None or known[0] != version:
            known = (version, read_surroundings(connection))
            self._known = known
        # Not what is kept by now: a thread that sees another moment may have put its own there.
        return known[1]

    def language_of(self, person: str) -> str:
        """The language of a person's cards and mails."""
        known = self.now().directory.person(person)
        return known.language if known is not None and known.language else "zh"

    def name_of(self, person: str) -> str:
        """A person's name on cards and mails; the id of one who is not known."""
        known = self.now().directory.person(person)
        return known.name if known is not None and known.name else person

    def unit_of(self, path: str, language: str) -> str:
        """An organisation's own name on cards and mails, without those above it."""
        return unit_named(self.now().directory, path)["zh" if language == "zh" else "en"]

    def now(self) -> Surroundings:
        """As `around`, in a transaction of its own."""
        with self._store.reader() as connection:
            return self.around(connection)


class Later(Generic[T]):
    """What is made by the first call, for all callers and from whichever thread.

    Args:
        make: makes it; what it raises leaves it unmade.
    """

    def __init__(self, make: Callable[..., T]) -> None:
        self._make = make
        self._lock = RLock()
        self._kept: list[T] = []

    @property
    def made(self) -> bool:
        """Whether it was."""
        return bool(self._kept)

    def __call__(self, *given: Any) -> T:
        """It; `given` goes to its maker the first time."""
        with self._lock:
            if not self._kept:
                self._kept.append(self._make(*given))
            return self._kept[0]


@dataclass(frozen=True, slots=True)
class Makers:
    """The ports that are made when they are first used, each once.

    Attributes:
        rulebook: the checked rule files.
        catalogues: words, with the titles of a rulebook.
        log: the audit log.
        channels: those that the settings ask for, for an application.
        agents: those of this process, for an application.
    """

    rulebook: Later[Rulebook]
    catalogues: Later[Catalogues]
    log: Later[LogPort]
    channels: Later[Mapping[str, Channel]]
    agents: "Later[Agents]"


@dataclass(frozen=True)
class Application:
    """The ports. Made by `main.compose`; nothing below reads settings or a global.

    Attributes:
        settings: what the operator set.
        clock: aware UTC; simulated in the demo.
        store: the operational database.
        keeper: writes the trail; asked for a last checkpoint at the end.
        keys: the folder of keys.
        policy: in the place of the company's own, for tests and benches; None is the company's.
        makers: of the ports that are made when they are first used.
        demo: whether this is a demo folder; then pages carry a banner.
    """

    settings: Settings
    clock: Clock
    store: Store
    keeper: TrailKeeper
    keys: Keys
    rulebook_folder: Path
    policy: Policy | None
    directories: DirectoryReader
    makers: Makers
    demo: bool = False

    def make_ready(self) -> None:
        """Have every port made now: a service must not find out later that one is broken.

        Raises:
            BrokenRulebook: when a rule file has an error.
            auditlog.errors.LogError: when the log cannot be opened.
        """
        _ = self.rulebook, self.log, self.agents

    @property
    def rulebook(self) -> Rulebook:
        """The rules in force."""
        return self.makers.rulebook()

    @property
    def catalogues(self) -> Catalogues:
        """Words of both languages."""
        return self.makers.catalogues(self.rulebook)

    @property
    def log(self) -> LogPort:
        """The audit log."""
        return self.makers.log()

    @property
    def channels(self) -> Mapping[str, Channel]:
        """Adapters by name."""
        return self.makers.channels(self)

    @property
    def agents(self) -> "Agents":
        """What runs by itself."""
        return self.makers.agents(self)

    @property
    def watcher(self) -> "Watcher":
        """Reads the log and decides."""
        return self.agents.watcher

    @property
    def escalator(self) -> "Escalator":
        """Fires timers and delivers."""
        return self.agents.escalator

    @property
    def settler(self) -> "Settler":
        """Keeps the day-end snapshots."""
        return self.agents.settler

    @property
    def trainer(self) -> "Trainer":
        """Fits the detectors."""
        return self.agents.trainer

    @property
    def sentinel(self) -> "Sentinel":
        """Proves that what was due has happened."""
        return self.agents.sentinel

    @property
    def directory(self) -> Directory:
        """People and organisations as of now."""
        return self.directories.now().directory

    def context(self, around: Surroundings | None = None) -> Context:
        """What the commands of `workorders` need, as of now."""
        return context_of(around or self.directories.now(), self.channel_names, self.policy)

    @cached_property
    def channel_names(self) -> tuple[str, ...]:
        """The channels in use."""
        return tuple(self.channels)

    def seal(self) -> None:
        """Write a checkpoint over what this process has recorded since the last one, if it can.

        Without it the newest records could be changed by somebody who has no key.
        """
        if not self.keeper.unsealed:
            return
        try:
            with self.store.unit_of_work("system:trail") as uow:
                self.keeper.seal(uow)
        except Exception as fault:  # noqa: BLE001 - what was done stays done; the next one seals
            _log.warning("not sealed", fault=type(fault).__name__)

    def close(self) -> None:
        """Seal what this process left in the trail; release the child process, log, database."""
        if self.makers.agents.made:
            self.watcher.close()
        self.seal()
        if self.makers.log.made:
            self.log.close()
        self.store.engine.dispose()


def context_of(
    around: Surroundings, channels: tuple[str, ...], policy: Policy | None = None
) -> Context:
    """The context of one directory: notices go out on every channel that is set up.

    Text messages and calls are not among them: only a policy that names them has them used.

    `policy` takes the place of the company's.
    """
    usual = tuple(one for one in channels if one not in PHONES)
    return Context(
        people=around.directory,
        calendar=around.calendar,
        policy=policy or around.policy,
        channels=usual,
        fallback=usual,
    )


def address_of(directory: Directory, person: str, channel: str, settings: Settings) -> str:
    """Where a person is reached: the user in a chat, mail address or number; empty when unknown.

    What apprise needs to know of a person stands in its address, in `settings`.
    """
    found = directory.person(person)
    if found is None or not found.active:
        return ""
    place = ""
    if channel == "apprise":
        place = apprise_place(settings.apprise_url.get_secret_value()) or "person"
    if place == "person":
        return found.id
    if channel == "email" or place == "email":
        return found.email
    if channel in PHONES or place == "phone":
        return found.phone
    account = found.account(channel)
    return account.user if account is not None else ""
