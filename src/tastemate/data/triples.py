"""Facts from files: tab-separated triples, RecBole's `.kg` with its `.link`, and those kept.

What cannot be read is reported line by line. Names are data: they are bounded in length, and
control characters, which could pass for something else on a screen, turn a line away.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from tastemate.catalog import Catalog
from tastemate.data.facts import LONGEST, Fact, Kind
from tastemate.data.lines import LINE, read_lines
from tastemate.data.validate import Report
from tastemate.errors import DataError, FormatError, NotFound, NothingUsable

MOST = 1_000_000
"""Triples read of one file, and kept of all."""
LARGEST = 512 * 1024 * 1024
"""Bytes of a file."""
_TRIPLE = ("head", "relation", "tail")
_KG = ("head_id", "relation_id", "tail_id")
_KEPT = ("head", "head_is", "relation", "tail", "tail_is", "source")
_CONTROLS = r"[\p{Cc}\u202A-\u202E\u2066-\u2069]"
_KINDS: tuple[Kind, ...] = ("", "item", "entity")


@dataclass(frozen=True, slots=True)
class Kept:
    """The imported facts of one workspace: a tab-separated file, perhaps not there yet."""

    path: Path | None = None

    def read(self) -> tuple[Fact, ...]:
        """Return the facts; raise `FormatError` when the file is damaged."""
        if self.path is None or not self.path.is_file():
            return ()
        report = Report()
        try:
            table = _cells(self.path, _lines(self.path, report), _KEPT, report, empty=True)
        except NothingUsable:
            return ()
        kinds = table["head_is"].is_in(_KINDS) & table["tail_is"].is_in(_KINDS)
        if len(report) or not kinds.all():
            raise FormatError(
                f"{self.path} is damaged. Delete it and import your triples again: "
                "tastemate graph import FILE"
            )
        return tuple(
            Fact(head, relation, tail, source, head_is, tail_is)
            for head, head_is, relation, tail, tail_is, source in table.select(_KEPT).iter_rows()
        )

    def write(self, facts: Iterable[Fact]) -> None:
        """Replace the facts, whole or not at all; raise `DataError` if that cannot be done."""
        if self.path is None:
            raise DataError("There is no folder to keep facts in. Open a data set or a project.")
        columns = [[getattr(fact, name) for name in _KEPT] for fact in facts]
        text = "".join("\t".join(line) + "\n" for line in columns)
        fresh = self.path.with_suffix(".new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text("\t".join(_KEPT) + "\n" + text, encoding="utf-8")
            fresh.replace(self.path)
        except OSError as error:
            raise DataError(
                f"{self.path} cannot be written ({error.strerror}). Free some space."
            ) from error

    def add(self, facts: Sequence[Fact]) -> int:
        """Add facts that are not there yet; return how many were new.

        Raises `DataError` where there would be more than `MOST`.
        """
        before = self.read()
        together = dict.fromkeys((*before, *facts))
        if len(together) > MOST:
            raise DataError(
                f"That makes {len(together):,} facts; {MOST:,} can be kept. Import fewer, such as "
                "those of the items of this catalogue."
            )
        if len(together) > len(before):
            self.write(together)
        return len(together) - len(before)

    @property
    def key(self) -> str:
        """What tells one set of facts from another: the file's size and time, empty for none."""
        if self.path is None or not self.path.is_file():
            return ""
        found = self.path.stat()
        return f"{found.st_size}-{found.st_mtime_ns}"


def read_triples(
    path: Path, catalog: Catalog, report: Report, *, links: Path | None = None
) -> list[Fact]:
    """Read triples of names (head, relation, tail), or RecBole's `.kg` with its `.link`.

    The source of each fact is the file's name. `links` is the `.link`, by default the one beside
    the `.kg`. Duplicates are counted in the report. Raises `FormatError`, `NotFound`,
    `NothingUsable`.
    """
    if path.suffix.lower() == ".kg":
        facts = _read_kg(path, links or path.with_suffix(".link"), catalog, report)
    else:
        table = _cells(path, _lines(path, report), _TRIPLE, report)
        rows = table.select(_TRIPLE).iter_rows()
        facts = [Fact(head, relation, tail, path.name) for head, relation, tail in rows]
    unique = list(dict.fromkeys(facts))
    report.duplicates += len(facts) - len(unique)
    report.accepted += len(unique)
    if not unique:
        raise NothingUsable(
            f"No line of {path} can be used.\n{report.summary()}\n"
            "Give three columns with tabs between them: head, relation, tail.",
            report,
        )
    return unique


def linked(
    facts: Sequence[Fact],
    catalog: Catalog,
    link: Callable[[str], int],
    entity: Callable[[str], int],
) -> list[Fact]:
    """Return facts that say what their heads and tails are, so that they mean it for good.

    A head is an id, a title, or an entity; a tail an id, an entity known by that name, or a
    title. `link` and `entity` return a row or node, or -1.
    """
    meant: dict[tuple[str, bool], tuple[str, Kind]] = {}

    def means(name: str, first: bool) -> tuple[str, Kind]:
        if (name, first) not in meant:
            item = catalog.row(name) if name in catalog else -1
            if item < 0 and (first or entity(name) < 0):
                item = link(name)
            meant[name, first] = (catalog.ids[item], "item") if item >= 0 else (name, "entity")
        return meant[name, first]

    found: list[Fact] = []
    for fact in facts:
        if not fact.head_is:
            name, kind = means(fact.head, True)
            fact = replace(fact, head=name, head_is=kind)
        if not fact.tail_is:
            name, kind = means(fact.tail, False)
            fact = replace(fact, tail=name, tail_is=kind)
        found.append(fact)
    return found


def _lines(path: Path, report: Report) -> pl.DataFrame:
    if path.suffix.lower() == ".gz":
        raise FormatError(f"{path} is packed. Unpack it first: gzip -dk {path.name}")
    if path.is_file() and path.stat().st_size > LARGEST:
        raise FormatError(
            f"{path} is larger than {LARGEST // 1024**2} MB. Keep the triples of your items only."
        )
    lines = read_lines(path, report)
    if len(lines) > MOST + 1:
        report.note(f"{path.name} has {len(lines):,} lines; the first {MOST:,} were read.")
        lines = lines.head(MOST + 1)
    return lines


def _cells(
    path: Path, lines: pl.DataFrame, names: Sequence[str], report: Report, *, empty: bool = False
) -> pl.DataFrame:
    """Return the columns of lines with tabs, by these names or those of a header line.

    With `empty` cells may be empty.
    """
    head = [part.partition(":")[0].strip().lower() for part in str(lines["text"][0]).split("\t")]
    if sorted(head) == sorted(names):
        names, lines = head, lines.slice(1)
    cells = lines["text"].str.split_exact("\t", len(names)).struct.unnest()
    cells.columns = [*names, "more"]
    cells = cells.with_columns(pl.col(name).str.strip_chars() for name in names)
    bad = pl.lit(False)
    rules: list[tuple[str, pl.Expr, str]] = [
        ("line", pl.col(names[-1]).is_null(), f"has fewer than {len(names)} columns with tabs"),
        ("line", pl.col("more").is_not_null(), f"has more than {len(names)} columns with tabs"),
    ]
    for name in names:
        if not empty:
            rules.append((name, pl.col(name) == "", "is empty"))
        long = pl.col(name).str.len_chars() > LONGEST
        rules.append((name, long, f"is longer than {LONGEST} characters"))
        rules.append((name, pl.col(name).str.contains(_CONTROLS), "holds control characters"))
    cells = cells.with_columns(lines[LINE], lines["text"].alias("_text"))
    for field, rule, reason in rules:
        odd = cells.filter(rule.fill_null(False) & ~bad)
        shown = odd["_text"].str.replace_all(_CONTROLS, " ")
        report.reject(path.name, odd[LINE], field, reason, shown)
        bad = bad | rule.fill_null(False)
    return cells.filter(~bad).select(*names, LINE).head(MOST)


def _read_kg(path: Path, links: Path, catalog: Catalog, report: Report) -> list[Fact]:
    if not links.is_file():
        raise NotFound(
            f"There is no {links}, which says which entity each item is. Put it beside {path.name} "
            "or name it with --links."
        )
    pairs = _cells(links, _lines(links, report), ("item_id", "entity_id"), report)
    strange = pairs.filter(pl.Series(catalog.codes(pairs["item_id"]) < 0))
    report.reject(
        links.name, strange[LINE], "item_id", "is not in the catalogue", strange["item_id"]
    )
    pairs = pairs.filter(pl.Series(catalog.codes(pairs["item_id"]) >= 0))
    again = pairs.filter(~pl.col("entity_id").is_first_distinct())
    reason = "is another item's already; the first is kept"
    report.reject(links.name, again[LINE], "entity_id", reason, again["entity_id"])
    pairs = pairs.filter(pl.col("entity_id").is_first_distinct())
    items = dict(pairs.select("entity_id", "item_id").iter_rows())
    table = _cells(path, _lines(path, report), _KG, report)

    def means(name: str) -> tuple[str, Kind]:
        return (items[name], "item") if name in items else (name, "entity")

    facts: list[Fact] = []
    for head, relation, tail in table.select(_KG).iter_rows():
        (first, first_is), (last, last_is) = means(head), means(tail)
        facts.append(Fact(first, relation, last, path.name, first_is, last_is))
    return facts
