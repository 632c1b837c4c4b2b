"""What a rebuild tells of its progress."""

import pytest

from vitrine.commands.progress import CopyProgressText

WHY = ": works 30% of the time so that searches stay fast; --share 1 works all of it"


@pytest.mark.parametrize(("share", "why"), [(0.3, WHY), (1.0, "")], ids=["with rests", "at full speed"])
def test_copying_says_its_pace_and_why_it_is_no_faster(share, why):
    now = 0.0
    progress = CopyProgressText(share, clock=lambda: now)
    # What comes before the first page, such as loading the encoder, is no part of the pace.
    now += 30
    assert progress.line(64, 185) == "copied 64 of 185 products"
    now += 1
    assert progress.line(100, 185) is None
    now += 3
    assert progress.line(128, 185) == f"copied 128 of 185 products, 4 s left at 16/s{why}"
    assert progress.line(185, 185) == "copied 185 of 185 products"
