"""The way out, through a real proxy on this machine or past it."""

import logging
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from forward_proxy import ForwardProxy
from own_tls import certificate
from pydantic import ValidationError

from integrations.addresses import LOOPBACK, valid_direct, valid_proxy
from integrations.mail import MailServerAddress, _Session
from integrations.outbound import Outbound, ProxyRefused
from integrations.slack_web import SlackWeb
from service.channels import channels_of, outbound_of
from service.demo.mail_server import MailServer
from service.demo.slack_server import Fault, SlackServer
from service.settings import Settings
from workorders.errors import ChannelFailed, ChannelRetry

NAME = "slack.invalid"  # no resolver knows it: only the proxy does
PASSWORD = "p@ss word"
WRITTEN = "p%40ss%20word"


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer("secret", lambda: 0) as server:
        yield server


def port_of(server: SlackServer) -> int:
    port = urlsplit(server.url).port
    assert port is not None
    return port


def web(outbound: Outbound, url: str = f"http://{NAME}/api/", timeout_s: float = 30) -> SlackWeb:
    return SlackWeb(base_url=url, token="xoxb-token", outbound=outbound, timeout_s=timeout_s)


def test_a_plain_request_goes_through_the_proxy_which_alone_knows_the_name(slack: SlackServer):
    with ForwardProxy({NAME: port_of(slack)}) as proxy:
        assert web(Outbound(proxy.url)).call("auth.test")["team_id"] == "T0DEMO"
        assert proxy.asked == [("POST", f"http://{NAME}/api/auth.test")]


def test_tls_goes_through_a_tunnel_and_the_far_end_is_still_proved(
    slack: SlackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    context, trusted = certificate(tmp_path, NAME)
    slack._server.socket = context.wrap_socket(slack._server.socket, server_side=True)
    with ForwardProxy({NAME: port_of(slack), "other.invalid": port_of(slack)}) as proxy:
        with pytest.raises(ChannelRetry):
            web(Outbound(proxy.url), f"https://{NAME}/api/").call("auth.test")
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        assert web(Outbound(proxy.url), f"https://{NAME}/api/").call("auth.test")["ok"]
        assert proxy.asked[-1] == ("CONNECT", f"{NAME}:443")
        with pytest.raises(ChannelRetry):  # a certificate of another name
            web(Outbound(proxy.url), "https://other.invalid/api/").call("auth.test")
    assert slack.calls == [("auth.test", {})]


def test_a_proxy_with_a_password_gets_it_and_nobody_else_does(
    slack: SlackServer, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    with ForwardProxy({NAME: port_of(slack)}, f"risk:{PASSWORD}") as proxy:
        address = proxy.url.replace("//", f"//risk:{WRITTEN}@")
        outbound = Outbound(address)
        assert web(outbound).call("auth.test")["ok"]
        wrong = Outbound(proxy.url.replace("//", "//risk:other@"))
        for url in (f"http://{NAME}/api/", f"https://{NAME}/api/"):
            with pytest.raises(ChannelRetry) as fault:
                web(wrong, url).call("auth.test")
            assert "other" not in str(fault.value)
    told = caplog.text + repr(outbound)
    assert WRITTEN not in told
    assert PASSWORD not in told
    assert "xoxb-token" not in told


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("status", [403, 407, 502, 503])
def test_a_proxy_that_refuses_is_an_outage_and_no_refusal_of_slacks(scheme: str, status: int):
    with ForwardProxy({}) as proxy:
        proxy.status = status
        with pytest.raises(ChannelRetry):
            web(Outbound(proxy.url), f"{scheme}://{NAME}/api/").call("auth.test")


def test_a_proxy_that_hangs_up_or_is_not_there_is_an_outage():
    with ForwardProxy({}) as proxy:
        proxy.silent = True
        for scheme in ("http", "https"):
            with pytest.raises(ChannelRetry):
                web(Outbound(proxy.url), f"{scheme}://{NAME}/api/").call("auth.test")
    with pytest.raises(ChannelRetry):
        web(Outbound(proxy.url)).call("auth.test")


def test_this_machine_is_reached_directly_unless_the_operator_says_otherwise(slack: SlackServer):
    with ForwardProxy({"127.0.0.1": port_of(slack)}) as proxy:
        assert web(Outbound(proxy.url), slack.url).call("auth.test")["ok"]
        assert proxy.asked == []
        assert web(Outbound(proxy.url, ()), slack.url).call("auth.test")["ok"]
        assert len(proxy.asked) == 1


def test_what_the_shell_says_of_proxies_changes_nothing(
    slack: SlackServer, monkeypatch: pytest.MonkeyPatch
):
    with ForwardProxy({NAME: port_of(slack)}) as proxy, ForwardProxy({}) as other:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, other.url)
            monkeypatch.setenv(name.lower(), other.url)
        monkeypatch.setenv("NO_PROXY", NAME)
        monkeypatch.setenv("no_proxy", NAME)
        assert web(Outbound(), slack.url).call("auth.test")["ok"]
        assert web(Outbound(proxy.url)).call("auth.test")["ok"]
        assert other.asked == []


@pytest.mark.parametrize(
    ("entry", "url", "direct"),
    [
        ("wecom.intra", "https://wecom.intra/x", True),
        ("wecom.intra", "https://WECOM.intra./x", True),
        ("wecom.intra", "https://a.wecom.intra/x", False),
        (".intra", "https://a.wecom.intra/x", True),
        (".intra", "https://intra/x", True),
        (".intra", "https://extra/x", False),
        ("10.0.0.0/8", "http://10.2.3.4:8080/", True),
        ("10.0.0.0/8", "http://11.2.3.4/", False),
        ("10.0.0.0/8", "http://10.example/", False),
        ("::1", "http://[::1]:8/", True),
        ("127.0.0.0/8", "http://127.9.9.9/", True),
    ],
)
def test_hosts_without_proxy(entry: str, url: str, direct: bool):
    assert (Outbound("http://p:1", (entry,)).proxy_for(url) == "") is direct


@pytest.mark.parametrize(
    "url",
    ["p:8080", "socks5://p:1", "https://p:1", "http://", "http://p:0", "http://p:99999",
     "http://p:x", "http://p:1/path", "http://p:1?q", "http://p p:1", "http://p:1\n", "http://é:1"],
)  # fmt: skip
def test_what_is_no_proxy_is_refused_at_the_start_without_its_password(url: str, tmp_path: Path):
    assert not valid_proxy(url)
    with pytest.raises(ValidationError) as fault:
        Settings(data=tmp_path, outbound_proxy=url)
    shown = fault.value.errors(include_url=False, include_input=False)
    assert [one["loc"] for one in shown] == [("outbound_proxy",)]
    assert "http://[user:password@]host:port" in shown[0]["msg"]


@pytest.mark.parametrize("entry", ["", ".", "10.0.0.0/99", "a b", "http://x"])
def test_what_names_no_host_is_refused_at_the_start(entry: str, tmp_path: Path):
    assert not valid_direct(entry)
    with pytest.raises(ValidationError):
        Settings(data=tmp_path, outbound_direct=[entry])


def test_one_setting_holds_for_every_channel_and_never_for_mail_unless_said(tmp_path: Path):
    kept = Settings(data=tmp_path, outbound_proxy=f"http://risk:{WRITTEN}@proxy:3128")
    assert WRITTEN not in repr(kept)
    assert outbound_of(kept).proxy_for("https://slack.com/") == f"http://risk:{WRITTEN}@proxy:3128"
    assert outbound_of(kept).direct == LOOPBACK
    assert not kept.smtp_through_proxy


def session(port: int, outbound: Outbound | None, host: str = "mail.invalid") -> _Session:
    return _Session(MailServerAddress(host, port, timeout_s=30, outbound=outbound), None)


def test_mail_goes_through_the_tunnel_when_it_is_said_and_the_greeting_is_not_lost():
    with MailServer() as mail, ForwardProxy({"mail.invalid": mail.port}, "a:b") as proxy:
        outbound = Outbound(proxy.url.replace("//", "//a:b@"))
        with session(25, outbound) as one:
            assert one.noop()[0] == 250
        assert proxy.asked == [("CONNECT", "mail.invalid:25")]
        with session(mail.port, None, "127.0.0.1") as one:
            assert one.noop()[0] == 250
        assert len(proxy.asked) == 1


def test_what_the_far_end_says_at_once_belongs_to_the_caller():
    with MailServer() as mail, ForwardProxy({"mail.invalid": mail.port}) as proxy:
        proxy.early = b"220 early"
        way = Outbound(proxy.url).connect("mail.invalid", 25, 30)
        with way:
            said = b""
            while len(said) < len(proxy.early):
                said += way.recv(len(proxy.early) - len(said))
        assert said == proxy.early


@pytest.mark.parametrize("status", [403, 407, 503])
def test_a_tunnel_that_is_refused_is_told_by_its_number_alone(status: int):
    with ForwardProxy({}) as proxy:
        proxy.status = status
        with pytest.raises(ProxyRefused, match=f"answered {status}$"):
            session(25, Outbound(proxy.url.replace("//", "//a:secret@")))
        proxy.silent = True
        with pytest.raises(ProxyRefused):
            session(25, Outbound(proxy.url))


def test_slacks_words_are_told_apart_from_those_of_who_stands_between(slack: SlackServer):
    calls = web(Outbound(), slack.url)
    slack.fail(Fault(status=429, retry_after=120), Fault(status=429, retry_after=10**8))
    for wanted in (120, 3600):
        with pytest.raises(ChannelRetry) as later:
            calls.call("auth.test")
        assert later.value.after_s == wanted
    slack.fail(Fault(error="invalid_auth"), Fault(lost=True), Fault(status=500))
    with pytest.raises(ChannelFailed, match="INVALID_AUTH"):
        calls.call("auth.test")
    for _ in range(2):
        with pytest.raises(ChannelRetry):
            calls.call("auth.test")
    assert calls.call("auth.test")["ok"]


def test_the_channels_of_a_company_behind_a_proxy_use_it(slack: SlackServer, tmp_path: Path):
    from service.composition import ZONE
    from service.i18n.wording import Catalogues
    from store import Store, open_engine
    from store.clock import system_clock
    from trail import open_keys
    from workorders.channel import Handle

    with ForwardProxy({NAME: port_of(slack)}) as proxy:
        settings = Settings(
            data=tmp_path,
            slack_url=f"http://{NAME}/api/",
            slack_token="xoxb-token",
            outbound_proxy=proxy.url,
        )
        words = Catalogues(ZONE, {})
        keys = open_keys(tmp_path / "keys")
        store = Store(open_engine("sqlite://"), clock=system_clock)
        found = channels_of(settings, keys, words, lambda _one: "zh", system_clock, store=store)
        reply = {"channel": "C1", "user": "U1"}
        found["slack"].whisper(reply, "hello")  # type: ignore[attr-defined]
        assert Handle("slack", {}).channel in found
        assert [one[1].rpartition("/")[2] for one in proxy.asked] == ["chat.postEphemeral"]
