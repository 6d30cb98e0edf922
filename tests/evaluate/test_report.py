import re
from html.parser import HTMLParser

from tastemate.evaluate import plots, report

FIGURE = {"value": 0.2, "low": 0.1, "high": 0.3}
NASTY = '<script>alert("x")</script>'
METRICS = {name: FIGURE for name in ("ndcg@10", "recall@10", "mrr@10")}


class Balanced(HTMLParser):
    """Counts what is opened and closed."""

    empty = frozenset({"meta", "br", "use", "path", "img"})

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in self.empty:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        if tag not in self.empty:
            assert self.open.pop() == tag


def next_item_result():
    part = {"users": 12, "metrics": METRICS}
    return {
        "protocol": "next-item",
        "model": NASTY,
        "dataset": NASTY,
        "split": "validation",
        "metrics": METRICS,
        "others": {"other": METRICS},
        "compared": {"other": METRICS},
        "cuts": {"1": part, "2": part},
        "slices": {
            "gap": {f"<{name}": part for name in "abcde"},
            "pool": {"first 20": part},
            "history": {"$1 to 9$": part},
        },
        "depth": {"recall@10": FIGURE, "recall@100": FIGURE},
        "users": 12,
        "items": 3,
        "seconds": 1.234,
        "command": f"tastemate evaluate --dataset {NASTY}",
        "hardware": "a machine",
        "fingerprint": "abc-def",
        "seed": 4,
    }


def test_the_page_stands_alone_and_is_escaped(tmp_path):
    path = tmp_path / "deep" / "page.html"
    report.write(path, next_item_result())
    text = path.read_text()
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    assert "<script" not in text
    assert not re.search(r"https?:|@import|src=", text)
    assert text.count("<svg") == 3
    for fact in ("abc-def", "a machine", "validation", "1.2", "0.2000", "0.1000 to 0.3000"):
        assert fact in text
    assert "Make it again" in text
    assert text == report.page(next_item_result()), "the same figures give the same page"


def test_ids_on_a_page_are_unique():
    text = report.page(next_item_result())
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert ids
    assert len(ids) == len(set(ids))
    for target in re.findall(r'href="#([^"]+)"', text):
        assert target in ids


def test_rows_and_the_loop():
    row = {"model": "m", "users": 3, "metrics": {"recall@20": FIGURE}}
    cold = report.page(
        {
            "protocol": "cold-user",
            "rows": [{**row, "k": 1, "against": {"plain": {"recall@20": FIGURE}}}],
            "notes": [NASTY],
        }
    )
    assert "k = 1" in cold
    assert "m minus plain" in cold
    assert "<script" not in cold
    exact = {"model": "m", "users": 3, "metrics": {"gini": {"value": 1, "low": 1, "high": 1}}}
    beyond = report.page(
        {
            "protocol": "beyond-accuracy",
            "rows": [{**exact, "slice": "all"}],
            "loop": {"m": {"plain": {"ild_genre": [0.1, 0.2]}, "diverse": {"ild_genre": [0.3]}}},
        }
    )
    assert beyond.count("<svg") == 1
    assert "<td>1.0000</td>" in beyond
    assert "m, diverse" in beyond


def test_drawings_leave_no_trace_in_matplotlib():
    import matplotlib

    before = dict(matplotlib.rcParams)
    drawn = plots.bars({"a": (1.0, 0.5, 1.5)}, y="share", name="b")
    assert drawn.startswith("<svg")
    assert dict(matplotlib.rcParams) == before
