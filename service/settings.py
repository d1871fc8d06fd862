"""Settings: from the environment (`HEDGEWARDEN_*`) and from `DATA/hedgewarden.toml`.

Secrets come from the environment or from files, never from the command line. The environment wins
over the file; every setting has a working default, so that an empty folder is enough to start.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from integrations.addresses import (
    LOOPBACK,
    PLACES,
    valid_apprise,
    valid_direct,
    valid_heartbeat,
    valid_proxy,
)
from integrations.dingtalk_seal import SHORTEST
from integrations.return_place import LONGEST_NAME, listening_place, valid_return_address
from integrations.wecom_key import valid_aes_key

FILE_NAME = "hedgewarden.toml"


class Settings(BaseSettings):
    """Everything that an operator may set; documented in docs/en/settings.md."""

    model_config = SettingsConfigDict(
        env_prefix="HEDGEWARDEN_", extra="forbid", frozen=True, hide_input_in_errors=True
    )

    data: Path = Field(default=Path("data"), description="folder in which everything is kept")
    database: str = Field(default="", description="database URL; empty: SQLite in the data folder")
    keys: Path | None = Field(default=None, description="folder of keys; empty: DATA/keys")
    anchors: Path | None = Field(
        default=None, description="folder of a second owner that checkpoints are copied to"
    )
    host: str = Field(default="127.0.0.1", description="address that the console listens on")
    port: int = Field(default=8600, ge=0, le=65535, description="port of the console; 0: any free")
    behind_proxy: bool = Field(default=False, description="TLS ends at a proxy before the service")
    tls_certificate: Path | None = Field(default=None, description="certificate chain, PEM")
    tls_key: Path | None = Field(default=None, description="its private key, PEM")
    public_url: str = Field(default="", description="address by which people reach the console")
    hosts: list[str] = Field(
        default_factory=list, description="further host names by which the console is reached"
    )
    language: Literal["zh", "en"] = Field(default="zh", description="language of mails and cards")
    rulebook: Path | None = Field(default=None, description="folder of rule files; empty: shipped")
    directory: Path | None = Field(default=None, description="YAML of people and organisations")
    slack_url: str = Field(default="https://slack.com/api/", description="base URL of Slack's API")
    slack_token: SecretStr = Field(default=SecretStr(""), description="bot token of the Slack app")
    slack_app_token: SecretStr = Field(
        default=SecretStr(""), description="app-level token of the Slack app, for Socket Mode"
    )
    slack_signing_secrets: list[SecretStr] = Field(
        default_factory=list, description="signing secrets, the current one and its predecessor"
    )
    slack_channel: str = Field(default="", description="Slack channel for cards without a person")
    wecom_url: str = Field(
        default="https://qyapi.weixin.qq.com/cgi-bin/", description="base URL of WeCom's API"
    )
    wecom_corp_id: str = Field(default="", description="CorpID of the company; empty: no WeCom")
    wecom_agent_id: int = Field(default=0, ge=0, description="AgentId of the self-built app")
    wecom_secret: SecretStr = Field(
        default=SecretStr(""), validate_default=True, description="Secret of the self-built app"
    )
    wecom_token: SecretStr = Field(
        default=SecretStr(""),
        description="Token of the callback; empty: cards without buttons",
    )
    wecom_aes_key: SecretStr = Field(
        default=SecretStr(""), validate_default=True, description="EncodingAESKey of the callback"
    )
    feishu_url: str = Field(
        default="https://open.feishu.cn/open-apis/", description="base URL of Feishu's API"
    )
    feishu_app_id: str = Field(default="", description="App ID of the app; empty: no Feishu")
    feishu_app_secret: SecretStr = Field(
        default=SecretStr(""), validate_default=True, description="its App Secret"
    )
    feishu_encrypt_key: SecretStr = Field(
        default=SecretStr(""), description="Encrypt Key of its callbacks; empty: no buttons"
    )
    feishu_verification_token: SecretStr = Field(
        default=SecretStr(""), validate_default=True, description="Verification Token of the app"
    )
    dingtalk_url: str = Field(
        default="https://api.dingtalk.com/", description="base URL of DingTalk's API"
    )
    dingtalk_app_key: str = Field(default="", description="AppKey of the app; empty: no DingTalk")
    dingtalk_corp_id: str = Field(default="", description="CorpId of the company in DingTalk")
    dingtalk_template: str = Field(default="", description="id of the card template")
    dingtalk_app_secret: SecretStr = Field(
        default=SecretStr(""), validate_default=True, description="its AppSecret"
    )
    dingtalk_route_key: str = Field(
        default="", description="callbackRouteKey of the callback; empty: no buttons"
    )
    dingtalk_callback_secret: SecretStr = Field(
        default=SecretStr(""), validate_default=True, description="apiSecret of the callback"
    )
    smtp_host: str = Field(default="", description="mail server; empty: no mail is sent")
    smtp_port: int = Field(default=25, ge=1, le=65535, description="port of the mail server")
    smtp_tls: Literal["none", "starttls", "tls"] = Field(
        default="none", description="how the connection to the mail server is protected"
    )
    smtp_user: str = Field(default="", description="account at the mail server")
    smtp_password: SecretStr = Field(default=SecretStr(""), description="its password")
    smtp_sender: str = Field(
        default="hedgewarden@localhost", description="sender address of the mails"
    )
    smtp_timeout_s: float = Field(default=10.0, gt=0, description="patience with the mail server")
    smtp_through_proxy: bool = Field(
        default=False, description="reach the mail server through the proxy too"
    )
    bounce_address: str = Field(
        default="", description="address to which mails come back; empty: the sender's own"
    )
    bounce_lmtp: str = Field(
        default="", description="port, or host:port, that takes mails that came back; empty: none"
    )
    bounce_imap_host: str = Field(
        default="", description="server of the mailbox of mails that came back; empty: none"
    )
    bounce_imap_port: int = Field(default=993, ge=1, le=65535, description="its port, with TLS")
    bounce_imap_user: str = Field(default="", description="account of this mailbox")
    bounce_imap_password: SecretStr = Field(
        default=SecretStr(""), validate_default=True, description="its password"
    )
    bounce_imap_folder: str = Field(
        default="INBOX", min_length=1, validate_default=True, description="folder that is read"
    )
    sms_url: SecretStr = Field(
        default=SecretStr(""), description="gateway of text messages; empty: none"
    )
    voice_url: SecretStr = Field(default=SecretStr(""), description="gateway of calls; empty: none")
    phone_secret: SecretStr = Field(
        default=SecretStr(""),
        validate_default=True,
        description="signs what goes to these gateways and comes from them",
    )
    apprise_url: SecretStr = Field(
        default=SecretStr(""),
        description="address of apprise's for notices without an answer; empty: none",
    )
    attachment_limit_mb: int = Field(
        default=5, ge=1, le=12, description="megabytes that a file attached to an order may have"
    )
    test_call_days: int = Field(
        default=30,
        ge=0,
        le=366,
        description="days for which a confirmed test call counts; 0: not looked at",
    )
    heartbeat_url: SecretStr = Field(
        default=SecretStr(""), description="monitor that is pinged while all is well; empty: none"
    )
    heartbeat_method: Literal["GET", "POST"] = Field(default="GET", description="how it is pinged")
    heartbeat_secret: SecretStr = Field(
        default=SecretStr(""), description="signs each ping (HMAC-SHA256); empty: unsigned"
    )
    outbound_proxy: SecretStr = Field(
        default=SecretStr(""), description="proxy for outgoing HTTP; empty: none"
    )
    outbound_direct: list[str] = Field(
        default_factory=lambda: list(LOOPBACK), description="hosts reached without the proxy"
    )

    @property
    def attachment_limit(self) -> int:
        """Bytes that a file attached to an order may have."""
        return self.attachment_limit_mb * 1024 * 1024

    @field_validator(
        "keys", "anchors", "tls_certificate", "tls_key", "rulebook", "directory", mode="before"
    )
    @classmethod
    def _no_path(cls, given: object) -> object:
        """An empty text in the file means that nothing is set, not the current folder."""
        return None if given == "" else given

    @field_validator("bounce_address")
    @classmethod
    def _a_return_address(cls, given: str, known: ValidationInfo) -> str:
        if given and not valid_return_address(given):
            raise ValueError(f"name@host, the name of {LONGEST_NAME} characters at most")
        if given and not known.data.get("smtp_host"):
            raise ValueError("needs smtp_host")
        return given

    @field_validator("bounce_lmtp")
    @classmethod
    def _a_place(cls, given: str) -> str:
        if given and listening_place(given) is None:
            raise ValueError("port, host:port or [address]:port")
        return given

    @field_validator("bounce_imap_password")
    @classmethod
    def _whole_mailbox(cls, given: SecretStr, known: ValidationInfo) -> SecretStr:
        """Told without the password."""
        there = {bool(known.data.get(one)) for one in ("bounce_imap_host", "bounce_imap_user")}
        if there != {bool(given.get_secret_value())}:
            raise ValueError("bounce_imap_host, bounce_imap_user and its password: all or none")
        return given

    @field_validator("bounce_imap_folder")
    @classmethod
    def _one_way_back(cls, given: str, known: ValidationInfo) -> str:
        """An address that nobody reads would be as good as none, and two readers one too many."""
        ways = [bool(known.data.get(one)) for one in ("bounce_lmtp", "bounce_imap_host")]
        if sum(ways) != bool(known.data.get("bounce_address")):
            raise ValueError("bounce_address goes with one of bounce_lmtp, bounce_imap_host")
        return given

    @field_validator("phone_secret")
    @classmethod
    def _whole_gateway(cls, given: SecretStr, known: ValidationInfo) -> SecretStr:
        """Told without the secret."""
        secret = given.get_secret_value()
        urls = (known.data.get(name) for name in ("sms_url", "voice_url"))
        if bool(secret) != any(url and url.get_secret_value() for url in urls):
            raise ValueError("phone_secret goes with sms_url, voice_url or both")
        if secret and len(secret) < SHORTEST:
            raise ValueError(f"{SHORTEST} characters or more")
        return given

    @field_validator("heartbeat_url", "sms_url", "voice_url")
    @classmethod
    def _an_address(cls, given: SecretStr) -> SecretStr:
        """Told without the address: such addresses hold a token."""
        if given.get_secret_value() and not valid_heartbeat(given.get_secret_value()):
            raise ValueError("https://host/path")
        return given

    @field_validator("apprise_url")
    @classmethod
    def _a_service(cls, given: SecretStr) -> SecretStr:
        """Told without the address: such addresses hold tokens."""
        if not given.get_secret_value():
            return given
        if not valid_apprise(given.get_secret_value()):
            places = ", ".join(f"{{{one}}}" for one in PLACES)
            raise ValueError(f"service://target, with one of {places} at most")
        if find_spec("apprise") is None:
            raise ValueError("needs the extra: pip install 'hedgewarden[apprise]'")
        return given

    @field_validator("outbound_proxy")
    @classmethod
    def _a_proxy(cls, given: SecretStr) -> SecretStr:
        """Told without the address: a password may stand in it."""
        if given.get_secret_value() and not valid_proxy(given.get_secret_value()):
            raise ValueError("expected http://[user:password@]host:port")
        return given

    @field_validator("slack_app_token")
    @classmethod
    def _socket_with_cards(cls, given: SecretStr, known: ValidationInfo) -> SecretStr:
        """Socket Mode brings clicks on cards, and cards go out under the bot's token."""
        bot = known.data.get("slack_token")
        if given.get_secret_value() and not (bot and bot.get_secret_value()):
            raise ValueError("needs slack_token")
        return given

    @field_validator("wecom_secret")
    @classmethod
    def _whole_app(cls, given: SecretStr, known: ValidationInfo) -> SecretStr:
        """The three values of an app make sense together only."""
        there = [bool(known.data.get("wecom_corp_id")), bool(known.data.get("wecom_agent_id"))]
        if set(there) != {bool(given.get_secret_value())}:
            raise ValueError("wecom_corp_id, wecom_agent_id, wecom_secret: all or none")
        return given

    @field_validator("wecom_aes_key")
    @classmethod
    def _whole_callback(cls, given: SecretStr, known: ValidationInfo) -> SecretStr:
        """Told without the key."""
        token, app = known.data.get("wecom_token"), known.data.get("wecom_secret")
        key = given.get_secret_value()
        if bool(key) != bool(token and token.get_secret_value()):
            raise ValueError("wecom_token, wecom_aes_key: both or none")
        if key and not valid_aes_key(key):
            raise ValueError("43 letters and digits")
        if key and not (app and app.get_secret_value()):
            raise ValueError("needs wecom_secret")
        return given

    @field_validator("feishu_app_secret")
    @classmethod
    def _whole_feishu_app(cls, given: SecretStr, known: ValidationInfo) -> SecretStr:
        if bool(known.data.get("feishu_app_id")) != bool(given.get_secret_value()):
            raise ValueError("feishu_app_id, feishu_app_secret: both or none")
        return given

    @field_validator("feishu_verification_token")
    @classmethod
    def _whole_feishu_callback(cls, given: SecretStr, known: ValidationInfo) -> SecretStr:
        key, app = known.data.get("feishu_encrypt_key"), known.data.get("feishu_app_secret")
        if bool(given.get_secret_value()) != bool(key and key.get_secret_value()):
            raise ValueError("feishu_encrypt_key, feishu_verification_token: both or none")
        if given.get_secret_value() and app is not None and not app.get_secret_value():
            raise ValueError("needs feishu_app_secret")
        return given

    @field_validator("dingtalk_app_secret")
    @classmethod
    def _whole_dingtalk_app(cls, given: SecretStr, known: ValidationInfo) -> SecretStr:
        names = ("dingtalk_app_key", "dingtalk_corp_id", "dingtalk_template")
        there = {bool(known.data.get(name)) for name in names}
        if there != {bool(given.get_secret_value())}:
            raise ValueError(f"{', '.join(names)}, dingtalk_app_secret: all or none")
        return given

    @field_validator("dingtalk_callback_secret")
    @classmethod
    def _whole_dingtalk_callback(cls, given: SecretStr, known: ValidationInfo) -> SecretStr:
        """Told without the secret."""
        secret, app = given.get_secret_value(), known.data.get("dingtalk_app_secret")
        if bool(secret) != bool(known.data.get("dingtalk_route_key")):
            raise ValueError("dingtalk_route_key, dingtalk_callback_secret: both or none")
        if secret and len(secret) < SHORTEST:
            raise ValueError(f"{SHORTEST} characters or more")
        if secret and not (app and app.get_secret_value()):
            raise ValueError("needs dingtalk_app_secret")
        return given

    @field_validator("outbound_direct")
    @classmethod
    def _hosts_without_proxy(cls, given: list[str]) -> list[str]:
        for one in given:
            if not valid_direct(one):
                raise ValueError(f"{one!r}: host, .domain, 10.0.0.1, 10.0.0.0/8")
        return given

    @property
    def database_url(self) -> str:
        """The database's URL, SQLite in the data folder unless told otherwise."""
        return self.database or f"sqlite:///{self._file}"

    @property
    def has_database(self) -> bool:
        """Whether there is a database; one that is named by URL is taken at its word."""
        return bool(self.database) or self._file.exists()

    @property
    def _file(self) -> Path:
        return self.data / "hedgewarden.db"

    @property
    def keys_dir(self) -> Path:
        """The folder of keys."""
        return self.keys or self.data / "keys"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then the file in the data folder."""
        del dotenv_settings, file_secret_settings
        named = init_settings().get("data") or env_settings().get("data") or "data"
        file = TomlConfigSettingsSource(settings_cls, toml_file=Path(named) / FILE_NAME)
        return (init_settings, env_settings, file)
