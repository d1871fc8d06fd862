"""Composition, and the command `hedgewarden`."""

import os
import socket
from collections.abc import Mapping
from functools import partial
from zoneinfo import ZoneInfo

from agents.outfit import outfit
from auditlog.client import open_log
from auditlog.port import LogPort
from service.application import Application, DirectoryReader, address_of, context_of
from service.channels import channels_of, heartbeat_of, ping
from service.i18n.titles import rule_titles
from service.i18n.wording import Catalogues
from service.rules_in_force import rulebook_folder, rules_in_force
from service.settings import Settings
from service.telling import tell_on_stderr
from store import Store, open_engine
from store.clock import Clock, system_clock
from store.migrate import upgrade
from trail import TrailKeeper, open_keys
from workorders.channel import Channel
from workorders.policy import Policy

ZONE = ZoneInfo("Asia/Shanghai")


def compose(
    settings: Settings,
    *,
    clock: Clock = system_clock,
    log: LogPort | None = None,
    channels: Mapping[str, Channel] | None = None,
    policy: Policy | None = None,
    demo: bool = False,
    role: str = "command",
    use_child: bool = True,
) -> Application:
    """Wire the application of one data folder.

    Raises:
        BrokenRulebook: when a rule file has an error; a broken file never comes into force.
    """
    tell_on_stderr()
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys = open_keys(settings.keys_dir)
    engine, keeper = open_engine(settings.database_url), TrailKeeper(keys.trail)
    upgrade(engine)
    store = Store(engine, clock=clock, before_commit=[keeper])
    rulebook = rules_in_force(settings)
    catalogues = Catalogues(ZONE, rule_titles(rulebook))
    directories = DirectoryReader(store)

    if channels is None:
        channels = channels_of(settings, keys, catalogues, directories.language_of, clock)
    paging = policy or Policy()
    names = tuple(channels)
    holder = f"{socket.gethostname()}:{os.getpid()}"
    opened = log or open_log(settings.data, role=role, clock=clock)
    heart = heartbeat_of(settings)
    agents = outfit(
        store,
        opened,
        rulebook=lambda: rulebook,
        around=directories.now,
        context=lambda around: context_of(around, paging, names),
        channels=channels,
        address=lambda person, channel: address_of(directories.now(), person, channel),
        holder=holder,
        models=settings.data / "models",
        model_key=keys.models,
        use_child=use_child,
        beat=None if heart is None else partial(ping, heart),
        beaten=None if heart is None else lambda: heart.result,
    )
    return Application(
        settings=settings,
        clock=clock,
        store=store,
        keeper=keeper,
        log=opened,
        keys=keys,
        rulebook=rulebook,
        rulebook_folder=rulebook_folder(settings),
        catalogues=catalogues,
        channels=channels,
        policy=paging,
        directories=directories,
        agents=agents,
        demo=demo,
    )


def run() -> None:
    """The console script's entry."""
    from service.cli import app  # noqa: PLC0415 - a command that only prints help needs no more

    app(compose)
