"""One page that says what was measured: tables, intervals, drawings, and how to make it again.

The page stands alone: styles and drawings are inside it and nothing is fetched. Whatever comes
from data or from a command line is escaped.
"""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from tastemate.evaluate import plots

HEADLINE = ("ndcg@10", "recall@10", "mrr@10")
_STYLE = """
:root{color-scheme:light dark;--line:#8884;--soft:#8881}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin-bottom:0}h2{font-size:1.15rem;margin-top:2.2rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:.6rem 0;display:block;
overflow-x:auto}
th,td{padding:.25rem .7rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}thead th{border-bottom-width:2px}
td small{opacity:.65}code,pre{background:var(--soft);padding:.1rem .3rem;border-radius:4px}
pre{padding:.6rem;overflow-x:auto}figure{margin:.8rem 0}svg{max-width:100%;height:auto}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem}dt{opacity:.7}dd{margin:0}
"""
_FACTS = (
    ("model", "Model"),
    ("dataset", "Data set"),
    ("fingerprint", "Data fingerprint"),
    ("split", "Split"),
    ("ties", "Order of ties"),
    ("equal_scores", "Target among equal scores"),
    ("users", "Users"),
    ("items", "Items"),
    ("events", "Events"),
    ("seed", "Seed"),
    ("seconds", "Seconds"),
    ("hardware", "Machine"),
)
_AXES = {
    "gap": "time since the event before",
    "history": "events in the history",
    "popularity": "popularity of the target, in tenths",
}


def write(path: Path, result: Mapping[str, Any]) -> None:
    """Write the page of a result (the JSON of `tastemate evaluate`) to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(result), encoding="utf-8")


def page(result: Mapping[str, Any]) -> str:
    """Return the whole page of a result."""
    title = f"{result.get('protocol', 'evaluation')}: {result.get('model', 'models')}"
    body = [f"<h1>{escape(title)}</h1>", _facts(result)]
    if "rows" in result:
        body += _rows(result)
        body += _loop(result.get("loop", {}))
    else:
        body += _figures(result)
    body += [f"<p>{escape(str(note))}</p>" for note in result.get("notes", ())]
    if result.get("command"):
        body.append(f"<h2>Make it again</h2><pre>{escape(str(result['command']))}</pre>")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body>{''.join(body)}</body></html>\n"
    )


def _facts(result: Mapping[str, Any]) -> str:
    lines = [
        f"<dt>{escape(label)}</dt><dd>{escape(_short(result[key]))}</dd>"
        for key, label in _FACTS
        if result.get(key) not in (None, "")
    ]
    return f"<dl>{''.join(lines)}</dl>"


def _figures(result: Mapping[str, Any]) -> list[str]:
    body = [
        "<h2>Figures</h2><p>Means with 95% intervals over users.</p>",
        _table({result.get("model", "model"): result["metrics"], **result.get("others", {})}),
    ]
    if result.get("compared"):
        body.append("<h2>Differences, paired by user</h2>")
        body.append(_table({f"minus {n}": one for n, one in result["compared"].items()}))
    if len(result.get("cuts", {})) > 1:
        cuts = {f"{cut} from the end": part for cut, part in result["cuts"].items()}
        body += ["<h2>By cut</h2>", _parts(cuts)]
    if result.get("depth"):
        points = [
            (float(name.partition("@")[2]), one["value"], one["low"], one["high"])
            for name, one in result["depth"].items()
        ]
        drawing = plots.curves(
            {"recall": points}, x="list length", y="recall", name="depth", logarithmic=True
        )
        body += ["<h2>Recall against depth</h2>", f"<figure>{drawing}</figure>"]
        body.append(_table({"recall": result["depth"]}))
    for kind, parts in result.get("slices", {}).items():
        body.append(f"<h2>By {escape(_AXES.get(kind, kind))}</h2>")
        metric = next((name for name in HEADLINE if _has(parts, name)), None)
        if metric is not None and kind in _AXES:
            heights = {
                name: (one["value"], one["low"], one["high"])
                for name, one in ((name, part["metrics"][metric]) for name, part in parts.items())
            }
            drawing = plots.bars(heights, y=metric, name=f"by-{kind}")
            body.append(f"<figure>{drawing}</figure>")
        body.append(_parts(parts))
    return body


def _has(parts: Mapping[str, Any], metric: str) -> bool:
    return all(metric in part["metrics"] for part in parts.values())


def _rows(result: Mapping[str, Any]) -> list[str]:
    """Return a table for each thing the rows differ in: known likes, or slice."""
    body = []
    key = "slice" if result["rows"] and "slice" in result["rows"][0] else "k"
    for value in dict.fromkeys(row[key] for row in result["rows"]):
        here = [row for row in result["rows"] if row[key] == value]
        label = str(value) if key == "slice" else f"k = {value}"
        body.append(f"<h2>{escape(label)}</h2>")
        body.append(_table({row["model"]: row["metrics"] for row in here}))
        for row in here:
            for other, table in row.get("against", {}).items():
                body.append(_table({f"{row['model']} minus {other}": table}))
    return body


def _loop(loop: Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]]) -> list[str]:
    body = []
    for metric in ("ild_genre", "ild_embedding", "novelty", "affinity", "coverage"):
        series = {
            f"{model}, {arm}": [(at, one, one, one) for at, one in enumerate(rounds[metric], 1)]
            for model, arms in loop.items()
            for arm, rounds in arms.items()
            if metric in rounds
        }
        if series:
            drawing = plots.curves(series, x="round", y=metric, name=f"loop-{metric}")
            body.append(f"<h2>The loop: {escape(metric)}</h2><figure>{drawing}</figure>")
    return body


def _parts(parts: Mapping[str, Mapping[str, Any]]) -> str:
    shown = [name for name in HEADLINE if _has(parts, name)]
    table = {
        f"{name} ({part['users']} users)": {
            metric: part["metrics"][metric] for metric in (shown or part["metrics"])
        }
        for name, part in parts.items()
    }
    return _table(table)


def _table(lines: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    names = list(dict.fromkeys(name for line in lines.values() for name in line))
    head = "".join(f"<th>{escape(name)}</th>" for name in ("", *names))
    body = "".join(
        f"<tr><td>{escape(str(label))}</td>"
        + "".join(f"<td>{_cell(line.get(name))}</td>" for name in names)
        + "</tr>"
        for label, line in lines.items()
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(figure: Mapping[str, float] | None) -> str:
    if figure is None:
        return ""
    value = f"{figure['value']:.4f}"
    if figure["low"] == figure["high"]:
        return value
    return f"{value} <small>{figure['low']:.4f} to {figure['high']:.4f}</small>"


def _short(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)
