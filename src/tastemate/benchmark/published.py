"""What papers published of the next item: LlamaRec's tables 1, 3 and 4 (Yue et al. 2023).

Copied from the paper; nothing here was measured by us. Its splits are never exactly ours.
"""

from collections.abc import Mapping
from types import MappingProxyType

Figures = Mapping[str, float]
"""Metric → value, such as "ndcg@10"."""

ROWS = ("NARM", "BERT4Rec", "SASRec", "LRURec", "LlamaRec")
"""The systems of tables 1 and 3, as they are named there."""
_AT_10 = ("ndcg@10", "recall@10", "mrr@10")
_AT_5 = ("ndcg@5", "recall@5", "mrr@5")
_OF_POOL = ("ndcg@10", "recall@10")

Column = tuple[float, ...]


def _rows(
    names: tuple[str, ...], columns: tuple[Column, ...], *more: tuple[Column, ...]
) -> Mapping[str, Figures]:
    lines = [sum((part[at] for part in (columns, *more)), start=()) for at in range(len(columns))]
    return {
        row: MappingProxyType(dict(zip(names, line, strict=True)))
        for row, line in zip(ROWS, lines, strict=True)
    }


TABLE_1: Mapping[str, Mapping[str, Figures]] = {
    "ml-latest-small": _rows(
        _AT_10 + _AT_5,
        (
            (0.0441, 0.0801, 0.0332),
            (0.0366, 0.0785, 0.0244),
            (0.0522, 0.0993, 0.0378),
            (0.0705, 0.1426, 0.0491),
            (0.0759, 0.1524, 0.0529),
        ),
        (
            (0.0359, 0.0544, 0.0298),
            (0.0232, 0.0368, 0.0188),
            (0.0409, 0.0641, 0.0333),
            (0.0468, 0.0705, 0.0390),
            (0.0543, 0.0852, 0.0440),
        ),
    ),
    "beauty": _rows(
        _AT_10 + _AT_5,
        (
            (0.0420, 0.0746, 0.0321),
            (0.0372, 0.0686, 0.0276),
            (0.0481, 0.0844, 0.0371),
            (0.0533, 0.0916, 0.0417),
            (0.0554, 0.0971, 0.0428),
        ),
        (
            (0.0342, 0.0503, 0.0289),
            (0.0298, 0.0457, 0.0246),
            (0.0397, 0.0582, 0.0336),
            (0.0435, 0.0614, 0.0376),
            (0.0450, 0.0648, 0.0385),
        ),
    ),
    "games": _rows(
        _AT_10 + _AT_5,
        (
            (0.0729, 0.1351, 0.0541),
            (0.0649, 0.1214, 0.0478),
            (0.0783, 0.1446, 0.0583),
            (0.0800, 0.1463, 0.0598),
            (0.0887, 0.1599, 0.0671),
        ),
        (
            (0.0576, 0.0874, 0.0479),
            (0.0512, 0.0788, 0.0422),
            (0.0617, 0.0930, 0.0515),
            (0.0640, 0.0966, 0.0533),
            (0.0714, 0.1061, 0.0600),
        ),
    ),
}
"""Data set → row → figures over all users."""

TABLE_3: Mapping[str, Mapping[str, Figures]] = {
    "ml-latest-small": _rows(
        _OF_POOL,
        ((0.1886, 0.3188), (0.1435, 0.2720), (0.2147, 0.3927), (0.3367, 0.6654), (0.3766, 0.7560)),
    ),
    "beauty": _rows(
        _OF_POOL,
        ((0.2689, 0.4517), (0.2281, 0.4043), (0.3152, 0.5312), (0.4168, 0.7170), (0.4337, 0.7600)),
    ),
    "games": _rows(
        _OF_POOL,
        ((0.2931, 0.5168), (0.2551, 0.4530), (0.3134, 0.5521), (0.3760, 0.6879), (0.4173, 0.7522)),
    ),
}
"""Data set → row → figures over the users whose target is in the retriever's first 20."""

TABLE_4: Mapping[str, Figures] = {
    "P5": {"ndcg@5": 0.0367, "recall@5": 0.0493, "ndcg@10": 0.0416, "recall@10": 0.0645},
    "PALR": {"ndcg@10": 0.0446, "recall@10": 0.0721},
    "GPT4Rec": {"recall@5": 0.0653, "recall@10": 0.0810},
    "RecMind": {"ndcg@5": 0.0289, "recall@5": 0.0415, "ndcg@10": 0.0375, "recall@10": 0.0574},
    "POD": {"ndcg@5": 0.0395, "recall@5": 0.0537, "ndcg@10": 0.0443, "recall@10": 0.0688},
    "LlamaRec": {"ndcg@5": 0.0450, "recall@5": 0.0648, "ndcg@10": 0.0554, "recall@10": 0.0971},
}
"""Beauty only: language models that recommend, each by its own paper's protocol."""

_SAME = {"amazon-beauty": "beauty", "amazon-games": "games"}
HISTORY = {"beauty": 50, "games": 50}
"""Most latest events that are given, where it is not `LONGEST`."""
LONGEST = 200


def family(dataset: str) -> str:
    """Return which of the published data sets a data set is, by its name; "" for none of them."""
    name = _SAME.get(dataset, dataset)
    return name if name in TABLE_1 else ""


def longest_history(dataset: str) -> int:
    """Return how many latest events LlamaRec gives a model on this data set."""
    return HISTORY.get(family(dataset), LONGEST)
