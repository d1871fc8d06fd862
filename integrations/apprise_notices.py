"""Notices to a service that has no adapter of ours, by an apprise address: told, never answered.

The extra `apprise` knows some hundred services. Its mail, desktop and queue services do not speak
HTTP and would pass by the company's way out: they are refused. Nothing comes back, so a card has no
buttons here; it leads to the page behind it.
"""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from integrations.addresses import apprise_place
from integrations.answers import BACK_OFF_S, SERVER_FAULT, TOO_MANY, wait_asked
from integrations.apprise_way import Attempt, attempt
from integrations.card_face import Faces
from integrations.outbound import Outbound
from integrations.wording import Wording
from workorders.card import Card
from workorders.channel import Handle, Inbound, RawInbound, Refusal, Updated
from workorders.errors import ChannelFailed, ChannelRetry
from workorders.levels import Level

if TYPE_CHECKING:
    from apprise import NotifyBase

#: Refusals that pass: too slow, and the proxy's own.
_PASSING = frozenset({407, 408})
_GOOD = range(200, 300)
_OURS = "apprise.plugins."
#: A service shows these in its own colours.
_TYPES = {Level.RED: "failure", Level.ORANGE: "warning"}


class AppriseChannel:
    """The adapter.

    Args:
        url: apprise's address; `{person}`, `{email}` or `{phone}` in it stands for who is told,
            without one all notices go to one place. Never shown: such addresses hold tokens.
        outbound: the way out.
        wording: the catalogues.
        language_of: the language of a person's notices.
        public_url: the console's address, for the link.
    """

    name = "apprise"
    interactive = False

    def __init__(
        self,
        url: str,
        outbound: Outbound,
        *,
        wording: Wording,
        language_of: Callable[[str], str],
        public_url: str = "",
    ) -> None:
        self._url = url
        self._place = apprise_place(url)
        self._outbound = outbound
        self._faces = Faces(wording, language_of, public_url)

    def send(self, card: Card, address: str) -> Handle:
        """Hand one notice to the service.

        Raises:
            ChannelRetry: rate limit, outage or no answer.
            ChannelFailed: the service refuses for good, or the address names none that we may use.
        """
        self._tell(card, address)
        return Handle(self.name, {"id": card.notice_id, "to": address})

    def update(self, handle: Handle, card: Card) -> Updated:
        """What was told cannot be edited: another notice goes out."""
        self._tell(card, str(handle.reference["to"]))
        return Updated.SUPERSEDED

    def verify(self, raw: RawInbound) -> Inbound | Refusal:
        """Nothing comes back on this channel."""
        del raw
        return Refusal("NOT_INTERACTIVE", 404)

    def check(self) -> None:
        """Whether the address names a service that can be used; nobody is told.

        Raises:
            ChannelFailed: ``APPRISE_ADDRESS`` or ``APPRISE_NOT_HTTP``.
        """
        self._plugin("13800000000")  # a value that every service takes for a target

    def _tell(self, card: Card, address: str) -> None:
        plugin = self._plugin(address)
        text = self._faces.of(card).text
        lines = [*text.lines, text.deadline, text.link]
        if not self._place:
            words = self._faces.words(card.person)
            lines.insert(0, words.text("apprise.whom", person=card.person))
        with attempt(self._outbound) as one:
            try:
                taken = plugin.notify(
                    body="\n".join(filter(None, lines)),
                    title=text.title,
                    notify_type=_TYPES.get(card.level, "info") if card.level else "info",
                )
            except Exception as fault:  # noqa: BLE001 - a plugin may raise anything
                # The name alone: the words may repeat the address, and it holds a token.
                raise ChannelRetry(BACK_OFF_S, type(fault).__name__) from None
        if not taken:
            raise _refused(one)

    def _plugin(self, address: str) -> "NotifyBase":
        """The service with its target filled in."""
        from apprise import Apprise, AppriseAsset  # noqa: PLC0415 - an extra

        asset = AppriseAsset(
            app_id="hedgewarden",
            app_desc="套保卫士",
            app_url="",
            http_redirects=False,
            storage_mode="memory",
            allow_templates=False,
            pgp_autogen=False,
            pem_autogen=False,
        )
        filled = self._url.replace(f"{{{self._place}}}", quote(address, safe=""))
        plugin = Apprise.instantiate(filled, asset=asset)
        if plugin is None:
            raise ChannelFailed("APPRISE_ADDRESS")
        if not _speaks_http(type(plugin)):
            raise ChannelFailed("APPRISE_NOT_HTTP")
        return plugin


def _speaks_http(plugin: type[Any]) -> bool:
    """Whether the service is reached by `requests`, which goes by our way out."""
    own = (one for one in plugin.__mro__ if one.__module__.startswith(_OURS))
    modules = (sys.modules[one.__module__] for one in own if one.__name__ != "NotifyBase")
    return any("requests" in vars(module) for module in modules)


def _refused(one: Attempt) -> ChannelRetry | ChannelFailed:
    """Why a service did not take a notice, and whether that can pass."""
    bad = [answer for answer in one.answers if answer.status_code not in _GOOD]
    if not bad:
        # It got no answer; or a good one, or none at all was asked for, and it said no by itself.
        if one.fault:
            return ChannelRetry(BACK_OFF_S, one.fault)
        return ChannelFailed("APPRISE_REFUSED")
    last = bad[-1]
    if last.status_code == TOO_MANY:
        return ChannelRetry(wait_asked(last), "rate limited")
    if last.status_code >= SERVER_FAULT or last.status_code in _PASSING:
        return ChannelRetry(BACK_OFF_S, f"HTTP {last.status_code}")
    return ChannelFailed(f"APPRISE_HTTP_{last.status_code}")
