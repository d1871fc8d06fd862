"""Made-up requests against the whole API: never a fault of ours, always the documented shape."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from flow_house import EAST, House, house
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance
from test_api_access import ROUTES

EXAMPLES = 12


@pytest.fixture(name="town", scope="module")
def _town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("conformance")) as made:
        made.breach(EAST)
        made.client("boss")
        yield made


@pytest.fixture(name="api", scope="module")
def _api(town: House) -> Any:
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", town.web)


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=str)
def test_the_api_keeps_its_word(town: House, api: Any, method: str, path: str):
    headers = {"Authorization": f"Bearer {town.tokens['boss']}"}

    @given(case=api[path][method].as_strategy())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def keeps(case: Any) -> None:
        # What a schema cannot say (a cursor of ours, a contract that exists) may still be refused.
        case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])

    keeps()
