"""A million endpoints, counted and laid out: closed forms must hold at the size they are for."""

import pytest

from netloom.survey import Request, survey


@pytest.mark.slow
def test_a_million_endpoints_on_three_tiers():
    radix = 256
    hosts = 1_048_576
    answer = survey(Request("fat-tree", {"hosts": hosts, "radix": radix, "tiers": 3})).as_json()
    # k^3 / 4 is the most that k ports hold; a quarter of it uses a quarter of the switches
    assert hosts == radix**3 // 16
    assert answer["switches"]["total"] == 5 * hosts // radix
    assert answer["links"]["total"] == answer["cables"]["total"] == 3 * hosts
    assert answer["ports_used"]["total"] == hosts + 2 * 2 * hosts
    assert sum(answer["cables_by_length"].values()) == 3 * hosts
