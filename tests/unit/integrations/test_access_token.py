"""A chat's token among threads: fetched once, and no late complaint throws away a newer one."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from integrations.access_token import AccessToken
from workorders.errors import ChannelRetry

THREADS = 8
PATIENCE_S = 60
#: How long another fetch is waited for that must not come; it comes at once when it does.
GRACE_S = 0.2


def test_threads_that_need_a_token_at_the_same_time_fetch_it_once() -> None:
    fetched: list[str] = []
    gate, again = Barrier(THREADS), Event()

    def fetch() -> tuple[str, int]:
        fetched.append("")
        if len(fetched) > 1:
            again.set()
        again.wait(GRACE_S)  # whoever is let in meanwhile fetches as well
        return f"token-{len(fetched)}", 7200

    token = AccessToken(fetch, lambda: 0.0)

    def need(_number: int) -> str:
        gate.wait(PATIENCE_S)
        return token.value()

    with ThreadPoolExecutor(THREADS) as pool:
        assert set(pool.map(need, range(THREADS))) == {"token-1"}
    assert len(fetched) == 1


def test_a_complaint_about_an_older_token_leaves_the_newer_one() -> None:
    numbers = iter(range(1, 9))
    token = AccessToken(lambda: (f"token-{next(numbers)}", 7200), lambda: 0.0)
    first = token.value()
    token.forget(first)
    assert token.value() == "token-2"
    token.forget(first)  # a thread whose call was under way with the first one
    assert token.value() == "token-2"


def test_a_fetch_that_fails_keeps_nobody_out() -> None:
    answers = iter([ChannelRetry(15), ("token", 7200)])

    def fetch() -> tuple[str, int]:
        answer = next(answers)
        if isinstance(answer, ChannelRetry):
            raise answer
        return answer

    token = AccessToken(fetch, lambda: 0.0)
    with pytest.raises(ChannelRetry):
        token.value()
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(token.value).result(PATIENCE_S) == "token"
