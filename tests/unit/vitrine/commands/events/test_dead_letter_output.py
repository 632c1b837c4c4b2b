"""What the commands say of dead letters about people."""

from __future__ import annotations

import pytest

from streams.failures.dead_letter_reader import DeadLetter, DeadLetterPosition
from streams.failures.dead_letter_replay import ReplayReport
from vitrine.commands.events.dead_letter_output import letter_as_dict, print_letter, replay_summary


def letter(state: str) -> DeadLetter:
    place = DeadLetterPosition(0, 7, 1_000)
    return DeadLetter("invalid", "", "shop.user-events", 3, 42, 77, 0, None, b"\x00sealed", {}, place, state)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("state", "said"), [("forgotten", "of a forgotten person"), ("sealed", "about a person, sealed")]
)
def test_a_letter_that_nobody_can_read_says_why_and_shows_no_bytes(state, said, capsys) -> None:
    print_letter(letter(state))
    shown = capsys.readouterr().out
    assert said in shown and "shop.user-events[3]@42" in shown and "sealed\x00" not in shown and "\\x00" not in shown
    fields = letter_as_dict(letter(state))
    assert (fields["state"], fields["value"], fields["key"]) == (state, None, None)


def test_a_replay_says_how_many_are_of_the_forgotten() -> None:
    report = ReplayReport(forgotten=12)
    assert replay_summary(report) == "nothing new to replay; 12 are of forgotten people and cannot be read any more"
