"""Figures as SVG text to stand inside a page: no files, no fonts, no state of pyplot's.

Lines and words are mid-tones, so that one drawing reads on a light and on a dark page.
"""

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

Point = tuple[float, float, float, float]
"""x, value, low, high."""

INK = "#7d8590"
COLOURS = ("#3b82f6", "#f59e0b", "#10b981", "#ef4444", "#8b5cf6", "#14b8a6")


def curves(
    series: Mapping[str, Sequence[Point]],
    *,
    x: str,
    y: str,
    name: str,
    logarithmic: bool = False,
) -> str:
    """Draw one line a series with a band from low to high; `name` keeps ids apart on a page."""
    figure, axes = _canvas(x, y)
    for at, (label, points) in enumerate(series.items()):
        colour = COLOURS[at % len(COLOURS)]
        xs = [point[0] for point in points]
        axes.plot(xs, [point[1] for point in points], color=colour, label=label, marker=".")
        axes.fill_between(
            xs,
            [point[2] for point in points],
            [point[3] for point in points],
            color=colour,
            alpha=0.15,
            linewidth=0,
        )
    if logarithmic:
        axes.set_xscale("log")
        ticks = sorted({point[0] for points in series.values() for point in points})
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    if len(series) > 1:
        axes.legend(frameon=False, labelcolor=INK, fontsize=8)
    return _svg(figure, name)


def bars(parts: Mapping[str, tuple[float, float, float]], *, y: str, name: str) -> str:
    """Draw one bar a part (value, low, high) with its interval as a whisker."""
    figure, axes = _canvas("", y)
    places = list(range(len(parts)))
    values = [part[0] for part in parts.values()]
    below = [max(part[0] - part[1], 0.0) for part in parts.values()]
    above = [max(part[2] - part[0], 0.0) for part in parts.values()]
    axes.bar(places, values, color=COLOURS[0], alpha=0.8, width=0.7)
    axes.errorbar(places, values, yerr=[below, above], fmt="none", ecolor=INK, capsize=3)
    turned = 25 if len(parts) > 4 else 0
    side = "right" if turned else "center"
    axes.set_xticks(places, [_plain(label) for label in parts], rotation=turned, ha=side)
    return _svg(figure, name)


def _canvas(x: str, y: str) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.2), layout="constrained")
    figure.patch.set_alpha(0.0)
    axes = figure.add_subplot()
    axes.patch.set_alpha(0.0)
    axes.set_xlabel(_plain(x), color=INK)
    axes.set_ylabel(_plain(y), color=INK)
    axes.tick_params(colors=INK, labelsize=8)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(INK)
    axes.grid(axis="y", color=INK, alpha=0.2)
    return figure, axes


def _plain(label: str) -> str:
    """Keep matplotlib from reading a label as a formula."""
    return label.replace("$", r"\$")


def _svg(figure: Any, name: str) -> str:
    """Return the drawing as an <svg> element whose ids begin with `name`, without outside names."""
    import matplotlib

    page = io.StringIO()
    # ids from a fixed salt and no date: the same figures give the same page
    with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        figure.savefig(page, format="svg", metadata={"Date": None, "Creator": None})
    text = page.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", text)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'href="#', f'href="#{name}-', text)
    return re.sub(r"url\(#", f"url(#{name}-", text)
