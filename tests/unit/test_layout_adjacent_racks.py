"""Cables between racks in a row: every leaf's uplinks are all dealt, and evenly."""

import pytest

from netloom.errors import ParameterError
from netloom.layout.adjacent_racks import cables_by_length, uplinks_by_rack


@pytest.mark.parametrize("num_uplinks", [8, 12])
@pytest.mark.parametrize("num_racks", range(1, 9))
def test_every_uplink_is_dealt_once_and_evenly(num_racks, num_uplinks):
    for rack in range(num_racks):
        share = uplinks_by_rack(num_racks, num_uplinks, rack)
        assert sum(share) == num_uplinks
        assert share[rack] == max(share)
        assert max(share) - min(share) <= 1


@pytest.mark.parametrize("num_racks", range(1, 9))
def test_cables_by_length_add_up(num_racks):
    assert sum(cables_by_length(num_racks, 2, 8).values()) == num_racks * 2 * 8


def test_more_racks_than_uplinks_are_refused():
    with pytest.raises(ParameterError, match="9 racks") as refused:
        uplinks_by_rack(9, 8, 0)
    assert "1 to 8 racks" in str(refused.value)
