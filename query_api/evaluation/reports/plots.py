"""Plots of a report as inline SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from query_api.evaluation.intervals import Interval

WIDTH = 880
"""Pixels of all plots; margins and rows likewise."""
_LEFT, _RIGHT, _ROW, _TOP = 130, 30, 26, 24
_COLOURS = ("#1f5fbf", "#c2571a")
_GRID, _TEXT = "#e3e7ee", "#5d6878"
BARS = 200
"""The most bars of a plot; of more queries, evenly spaced ones are drawn."""


def interval_plot(systems: Sequence[tuple[str, Mapping[str, Interval]]]) -> str:
    """A row for each measure, with a dot and its interval for each of one or two systems, on a scale from 0 to 1.

    Args:
        systems: each system's name with its means by measure.
    """
    names = list(systems[0][1])
    height = _TOP + _ROW * len(names) + 30
    marks = [_scale(tick / 10, height - 26) for tick in range(0, 11, 2)]
    for row, name in enumerate(names):
        y = _TOP + _ROW * row + _ROW / 2
        marks.append(_label(_LEFT - 10, y + 4, name, "end"))
        for at, (_, means) in enumerate(systems):
            marks.append(_interval(means[name], y + (at - (len(systems) - 1) / 2) * 8, _COLOURS[at]))
    return _svg(height, [*marks, *_legend([name for name, _ in systems])], "means with intervals")


def sorted_values_plot(systems: Sequence[tuple[str, Sequence[float]]], measure: str) -> str:
    """A line for each system: its values from 0 to 1 in falling order.

    Args:
        systems: each system's name with a value for each query.
        measure: what the values are.
    """
    height, bottom = 220, 190
    marks = [_level(tick / 4, bottom) for tick in range(5)]
    for at, (_, values) in enumerate(systems):
        ordered = sorted(values, reverse=True)
        step = (WIDTH - _LEFT - _RIGHT) / max(1, len(ordered) - 1)
        points = " ".join(f"{_LEFT + step * x:.1f},{_y(value, bottom):.1f}" for x, value in enumerate(ordered))
        marks.append(f'<polyline points="{points}" fill="none" stroke="{_COLOURS[at]}" stroke-width="2"/>')
    marks.append(_label(_LEFT, bottom + 22, "queries, best first", "start"))
    return _svg(height, [*marks, *_legend([name for name, _ in systems])], f"{measure} of each query, sorted")


def difference_plot(values: Sequence[tuple[str, float]], measure: str) -> str:
    """A bar for each query, from -1 to 1 in falling order; its text shows under the pointer.

    Args:
        values: each query's text with its difference.
        measure: of what it is the difference.
    """
    ordered = sorted(values, key=lambda pair: -pair[1])
    shown = ordered[:: max(1, math.ceil(len(ordered) / BARS))]
    height, middle, half = 240, 120, 96
    width = (WIDTH - _LEFT - _RIGHT) / max(1, len(shown))
    marks = [
        f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y}" y2="{y}" stroke="{_GRID}"/>'
        + _label(_LEFT - 10, y + 4, f"{tick:+g}", "end")
        for tick, y in ((1, middle - half), (0, middle), (-1, middle + half))
    ]
    for at, (query, value) in enumerate(shown):
        top, size = min(middle, middle - half * value), abs(half * value)
        colour = _COLOURS[0] if value >= 0 else _COLOURS[1]
        marks.append(
            f'<rect x="{_LEFT + width * at:.1f}" y="{top:.1f}" width="{max(1.0, width - 1):.1f}" '
            f'height="{size:.1f}" fill="{colour}"><title>{escape(query)}: {value:+.3f}</title></rect>'
        )
    return _svg(height, marks, f"difference of {measure} by query")


def _interval(mean: Interval, y: float, colour: str) -> str:
    low, middle, high = _x(mean.low), _x(mean.mean), _x(mean.high)
    return (
        f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2"/>'
        f'<circle cx="{middle:.1f}" cy="{y}" r="4" fill="{colour}"><title>{escape(str(mean))}</title></circle>'
    )


def _legend(names: Sequence[str]) -> list[str]:
    return [
        f'<text x="{_LEFT + 220 * at}" y="14" fill="{_COLOURS[at]}" font-size="13">● {escape(name[:30])}</text>'
        for at, name in enumerate(names)
    ]


def _scale(value: float, bottom: float) -> str:
    """A vertical line of the grid, with its value."""
    x = _x(value)
    line = f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}" stroke="{_GRID}"/>'
    return line + _label(x, bottom + 18, f"{value:g}", "middle")


def _level(value: float, bottom: float) -> str:
    """A horizontal line of the grid, with its value."""
    y = _y(value, bottom)
    line = f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{_GRID}"/>'
    return line + _label(_LEFT - 10, y + 4, f"{value:g}", "end")


def _label(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{_TEXT}" font-size="13">{escape(text)}</text>'


def _x(value: float) -> float:
    return _LEFT + (WIDTH - _LEFT - _RIGHT) * value


def _y(value: float, bottom: float) -> float:
    return bottom - (bottom - _TOP - 6) * value


def _svg(height: float, marks: Sequence[str], what: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" role="img" aria-label="{escape(what)}" '
        f'font-family="system-ui, sans-serif">{"".join(marks)}</svg>'
    )
