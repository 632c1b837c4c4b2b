"""Background work leaves the servers to shoppers for a part of the time, and does not sleep through the day."""

from __future__ import annotations

import pytest

from vitrine.generations.pace import MAX_REST_S, rest_s


@pytest.mark.parametrize(("share", "rests"), [(1.0, 0.0), (0.5, 0.1), (0.25, 0.3)])
def test_rests_leave_work_its_share_of_the_time(share: float, rests: float):
    assert rest_s(0.1, share) == pytest.approx(rests)


def test_who_waited_an_hour_for_a_server_does_not_rest_for_hours():
    assert rest_s(3_600, 0.3) == MAX_REST_S
