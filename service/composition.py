"""Composition: which parts an application has, and what each of them is given."""

from collections.abc import Mapping
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from auditlog.port import LogPort
from service.application import Application, DirectoryReader, Later, Makers
from service.errors import WrongFolder
from service.i18n.titles import rule_titles
from service.i18n.wording import Catalogues
from service.rules_in_force import rulebook_folder, rules_in_force
from service.settings import Settings
from service.telling import tell_on_stderr
from store import Store, open_engine
from store.clock import Clock, system_clock
from store.migrate import upgrade
from trail import TrailKeeper, has_records, open_keys
from workorders.channel import Channel
from workorders.policy import Policy

if TYPE_CHECKING:  # what a command does not use is not loaded
    from agents.outfit import Agents

ZONE = ZoneInfo("Asia/Shanghai")
#: The role of a command: what it does not use is never made.
COMMAND = "command"


def compose(
    settings: Settings,
    *,
    clock: Clock = system_clock,
    log: LogPort | None = None,
    channels: Mapping[str, Channel] | None = None,
    policy: Policy | None = None,
    demo: bool = False,
    role: str = COMMAND,
    use_child: bool = True,
) -> Application:
    """Wire the application of one data folder.

    A service has everything made before it begins; a command makes what it comes to use.

    Raises:
        BrokenRulebook: when a rule file has an error; a broken file never comes into force.
            From a command: when it first wants the rules.
        WrongFolder: the folder has its keys and has lost its database; an empty one in its place
            would be a right trail of nothing.
    """
    tell_on_stderr()
    if lost_database(settings):
        raise WrongFolder("folder.lost")
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = open_engine(settings.database_url)
    keys = open_keys(settings.keys_dir, make=not has_records(engine))
    keeper = TrailKeeper(keys.trail)
    upgrade(engine)
    store = Store(engine, clock=clock, before_commit=[keeper])
    directories = DirectoryReader(store)
    app = Application(
        settings=settings,
        clock=clock,
        store=store,
        keeper=keeper,
        keys=keys,
        rulebook_folder=rulebook_folder(settings),
        policy=policy,
        directories=directories,
        makers=Makers(
            rulebook=Later(lambda: rules_in_force(settings)),
            catalogues=Later(
                lambda rulebook: Catalogues(
                    ZONE, rule_titles(rulebook), directories.name_of, directories.unit_of
                )
            ),
            log=Later(lambda: log or _log_of(settings, role, clock)),
            channels=Later(lambda made: _channels_of(made) if channels is None else channels),
            agents=Later(lambda made: _agents_of(made, use_child=use_child)),
        ),
        demo=demo,
    )
    if role != COMMAND:
        app.make_ready()
    return app


def lost_database(settings: Settings) -> bool:
    """Whether the folder's own database is gone: it is made before the keys beside it."""
    return not settings.has_database and (settings.data / "keys" / "trail.key").exists()


def _log_of(settings: Settings, role: str, clock: Clock) -> LogPort:
    from auditlog.client import open_log  # noqa: PLC0415 - brings DuckDB and Arrow

    return open_log(settings.data, role=role, clock=clock)


def _channels_of(app: Application) -> Mapping[str, Channel]:
    from service.channels import channels_of  # noqa: PLC0415 - brings an HTTP client

    language_of = app.directories.language_of
    return channels_of(
        app.settings, app.keys, app.catalogues, language_of, app.clock, store=app.store
    )


def _agents_of(app: Application, *, use_child: bool) -> "Agents":
    from service.outfitting import agents_of  # noqa: PLC0415 - brings detectors and schedules

    return agents_of(app, use_child=use_child)
