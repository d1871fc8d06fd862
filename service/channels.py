"""The channels that the settings ask for."""

from collections.abc import Callable

from agents.sentinel import Health
from directory import PHONES
from integrations import dingtalk_seal, feishu_crypto, wecom_crypto
from integrations.apprise_notices import AppriseChannel
from integrations.dingtalk import DingtalkChannel
from integrations.dingtalk_web import DingtalkWeb
from integrations.feishu import FeishuChannel
from integrations.feishu_web import FeishuWeb
from integrations.heartbeat import Heartbeat
from integrations.mail import MailChannel, MailServerAddress
from integrations.outbound import Outbound
from integrations.phone import PhoneChannel
from integrations.phone_gateway import Gateway
from integrations.slack import SlackChannel
from integrations.wecom import WecomChannel
from integrations.wecom_web import WecomWeb
from integrations.wording import Wording
from service.inbound.card_codes import wecom_codes
from service.mail_returns import returns_of
from service.settings import Settings
from store import Store
from store.clock import Clock
from trail.keys import Keys
from workorders.channel import Channel


def channel_names_of(settings: Settings) -> tuple[str, ...]:
    """The channels that the settings ask for, without making them."""
    asked = {
        "slack": settings.slack_token.get_secret_value(),
        "wecom": settings.wecom_corp_id,
        "feishu": settings.feishu_app_id,
        "dingtalk": settings.dingtalk_app_key,
        "email": settings.smtp_host,
        "apprise": settings.apprise_url.get_secret_value(),
        "sms": settings.sms_url.get_secret_value(),
        "voice": settings.voice_url.get_secret_value(),
    }
    return tuple(name for name, said in asked.items() if said)


def channels_of(
    settings: Settings,
    keys: Keys,
    wording: Wording,
    language_of: Callable[[str], str],
    clock: Clock,
    *,
    store: Store,
) -> dict[str, Channel]:
    """Chats, e-mail, notices, text messages and calls, each when it is set up; nothing else.

    `store` keeps what a chat hands out for editing its cards.
    """
    found: dict[str, Channel] = {}
    outbound = outbound_of(settings)
    asked = channel_names_of(settings)
    if "slack" in asked:
        found["slack"] = SlackChannel(
            base_url=settings.slack_url,
            token=settings.slack_token.get_secret_value(),
            signing_secrets=[one.get_secret_value() for one in settings.slack_signing_secrets],
            wording=wording,
            language_of=language_of,
            public_url=settings.public_url,
            outbound=outbound,
        )
    if "wecom" in asked:
        found["wecom"] = WecomChannel(
            web=wecom_web_of(settings),
            corp_id=settings.wecom_corp_id,
            agent_id=settings.wecom_agent_id,
            seal=_wecom_seal(settings),
            codes=wecom_codes(store),
            wording=wording,
            language_of=language_of,
            public_url=settings.public_url,
        )
    if "feishu" in asked:
        found["feishu"] = FeishuChannel(
            web=feishu_web_of(settings),
            seal=_feishu_seal(settings),
            wording=wording,
            language_of=language_of,
            public_url=settings.public_url,
        )
    if "dingtalk" in asked:
        found["dingtalk"] = DingtalkChannel(
            web=dingtalk_web_of(settings),
            corp_id=settings.dingtalk_corp_id,
            template=settings.dingtalk_template,
            route_key=settings.dingtalk_route_key,
            seal=_dingtalk_seal(settings),
            wording=wording,
            language_of=language_of,
            public_url=settings.public_url,
        )
    if "email" in asked:
        found["email"] = MailChannel(
            server=MailServerAddress(
                host=settings.smtp_host,
                port=settings.smtp_port,
                tls=settings.smtp_tls,
                user=settings.smtp_user,
                password=settings.smtp_password.get_secret_value(),
                sender=settings.smtp_sender,
                timeout_s=settings.smtp_timeout_s,
                outbound=outbound if settings.smtp_through_proxy else None,
            ),
            key=keys.mail,
            wording=wording,
            language_of=language_of,
            public_url=settings.public_url,
            clock=clock,
            returns=returns_of(settings, keys),
        )
    if "apprise" in asked:
        found["apprise"] = apprise_of(settings, wording, language_of)
    for name in PHONES:
        if name in asked:
            found[name] = PhoneChannel(
                name,
                gateway_of(settings, name, clock),
                wording=wording,
                language_of=language_of,
                public_url=settings.public_url,
            )
    return found


def apprise_of(
    settings: Settings, wording: Wording, language_of: Callable[[str], str]
) -> AppriseChannel:
    """Notices to the service that an address of apprise's names."""
    return AppriseChannel(
        settings.apprise_url.get_secret_value(),
        outbound_of(settings),
        wording=wording,
        language_of=language_of,
        public_url=settings.public_url,
    )


def gateway_of(settings: Settings, name: str, clock: Clock) -> Gateway:
    """The company's gateway of text messages (``sms``) or calls (``voice``)."""
    url = settings.sms_url if name == "sms" else settings.voice_url
    secret = settings.phone_secret.get_secret_value()
    return Gateway(url.get_secret_value(), secret, outbound_of(settings), clock)


def wecom_web_of(settings: Settings) -> WecomWeb:
    """The API of the company's self-built app."""
    return WecomWeb(
        base_url=settings.wecom_url,
        corp_id=settings.wecom_corp_id,
        secret=settings.wecom_secret.get_secret_value(),
        outbound=outbound_of(settings),
    )


def _wecom_seal(settings: Settings) -> wecom_crypto.CallbackSeal | None:
    token, key = settings.wecom_token.get_secret_value(), settings.wecom_aes_key.get_secret_value()
    return wecom_crypto.CallbackSeal(token, key, settings.wecom_corp_id) if token else None


def feishu_web_of(settings: Settings) -> FeishuWeb:
    """The API of the company's self-built app in Feishu."""
    return FeishuWeb(
        base_url=settings.feishu_url,
        app_id=settings.feishu_app_id,
        secret=settings.feishu_app_secret.get_secret_value(),
        outbound=outbound_of(settings),
    )


def _feishu_seal(settings: Settings) -> feishu_crypto.CallbackSeal | None:
    key = settings.feishu_encrypt_key.get_secret_value()
    token = settings.feishu_verification_token.get_secret_value()
    return feishu_crypto.CallbackSeal(key, token) if key else None


def dingtalk_web_of(settings: Settings) -> DingtalkWeb:
    """The API of the company's app in DingTalk."""
    return DingtalkWeb(
        base_url=settings.dingtalk_url,
        app_key=settings.dingtalk_app_key,
        secret=settings.dingtalk_app_secret.get_secret_value(),
        outbound=outbound_of(settings),
    )


def _dingtalk_seal(settings: Settings) -> dingtalk_seal.CallbackSeal | None:
    secret = settings.dingtalk_callback_secret.get_secret_value()
    return dingtalk_seal.CallbackSeal(secret) if secret else None


def outbound_of(settings: Settings) -> Outbound:
    """The way out for everything that speaks HTTP."""
    proxy = settings.outbound_proxy.get_secret_value()
    return Outbound(proxy, tuple(settings.outbound_direct))


def heartbeat_of(settings: Settings) -> Heartbeat | None:
    """The ping to a monitor outside; None when none is set."""
    url = settings.heartbeat_url.get_secret_value()
    if not url:
        return None
    return Heartbeat(
        url,
        outbound_of(settings),
        method=settings.heartbeat_method,
        secret=settings.heartbeat_secret.get_secret_value(),
    )


def ping(heart: Heartbeat, health: Health) -> None:
    """Tell the monitor that all is well; whatever figures may leave the house go with a POST."""
    heart.beat(
        health.at,
        {"dead_letters": health.dead_letters, "unread_events": health.unread_events},
    )
