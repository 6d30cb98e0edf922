"""`tastemate graph`: what is connected with what, who said so, and facts of your own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tastemate.cli.data import keeping_rejected
from tastemate.cli.output import (
    DatasetOption,
    JsonOption,
    TextOption,
    emit,
    open_project,
    page,
    plain,
    table,
    talk,
)

if TYPE_CHECKING:
    from tastemate.data.graph import Edge, Graph
    from tastemate.explain.paths import Path as Chain
    from tastemate.project import Tastemate
    from tastemate.text.link import Linker

app = typer.Typer(no_args_is_help=True, help="The knowledge graph: import facts, look, find ways.")

NodeArgument = Annotated[str, typer.Argument(help="An id or a title, or the name of an entity.")]


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(help="Triples with tabs (head, relation, tail), or RecBole's .kg.")
    ],
    links: Annotated[
        Path | None,
        typer.Option("--links", help="RecBole's .link of a .kg. (the one beside it)"),
    ] = None,
    dataset: DatasetOption = None,
    text: TextOption = None,
    rejected: Annotated[
        Path | None, typer.Option("--rejected", help="Write every rejected line here (JSON lines).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Add facts from a file to the graph; they are kept, and the retriever `knowledge` has them.

    Heads and tails are ids or titles of items, or names of other things. Rejected lines are
    reported with line and reason.
    """
    from tastemate import build
    from tastemate.artifacts import locked
    from tastemate.data.triples import linked, read_triples
    from tastemate.data.validate import Report
    from tastemate.text.link import Linker

    project = open_project(dataset, text)
    report = Report()
    with keeping_rejected(rejected, as_json, 10):
        facts = read_triples(file, project.catalog, report, links=links)
    known = build.graph(project.work.resources, project.catalog)

    def entity(name: str) -> int:
        return next(iter(known.entities(name)), -1)

    # No guesses at spelling: a name that is nearly a title is somebody or something else, and a
    # file may name a million of them.
    linker = Linker(project.catalog, popularity=project.interactions.counts)
    spelt = {_key(title) for title in project.catalog.titles}

    def titled(name: str) -> int:
        return _titled(linker, name) if _key(name) in spelt else -1

    facts = linked(facts, project.catalog, titled, entity)
    with locked(project.work.folder):
        new = project.work.resources.facts.add(facts)
    if rejected is not None:
        report.write(rejected)
    items = {end for f in facts for end in _items(f.head, f.head_is) | _items(f.tail, f.tail_is)}
    found: dict[str, Any] = {
        "dataset": project.name,
        "facts": len(facts),
        "new": new,
        "items": len(items),
    }
    if as_json:
        emit(found | report.as_json())
        return
    said = [f"{len(report):,} lines rejected, {report.duplicates:,} repeated.", *report.notes]
    said += [f"  {many:,} × {what}" for what, many in report.counts.items()]
    for line in said if len(report) or report.duplicates else report.notes:
        talk().print(plain(line))
    page().print(f"{len(facts):,} facts about {len(items):,} items; {new:,} are new.")


def _items(name: str, kind: str) -> set[str]:
    return {name} if kind == "item" else set()


@app.command()
def show(
    item: NodeArgument,
    count: Annotated[int, typer.Option("-k", "--count", min=1, help="How many edges.")] = 50,
    dataset: DatasetOption = None,
    text: TextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the edges of an item or an entity, each with who said it."""
    project, graph = _opened(dataset, text)
    node = _node(project, graph, item)
    edges = list(graph.edges(node))
    shown = [_edge_json(project, graph, edge, node) for edge in edges[:count]]
    if as_json:
        emit(
            {"dataset": project.name, "node": _node_json(project, graph, node)}
            | {"total": len(edges), "edges": shown}
        )
        return
    page().print(f"[bold]{plain(graph.names[node])}[/bold] ({plain(graph.kinds[node])})")
    table(
        {
            "relation": line["relation"] if line["forward"] else f"← {line['relation']}",
            "name": line["name"],
            "kind": line["kind"],
            "said by": ", ".join(line["sources"]),
        }
        for line in shown
    )
    if len(edges) > count:
        talk().print(f"{len(edges) - count:,} more; ask for them with --count.")


@app.command()
def path(
    item: NodeArgument,
    other: NodeArgument,
    count: Annotated[int, typer.Option("-k", "--count", min=1, max=100, help="How many.")] = 5,
    dataset: DatasetOption = None,
    text: TextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the strongest ways from one item or entity to another, over at most four edges."""
    from tastemate.explain.paths import Paths

    project, graph = _opened(dataset, text)
    start, end = _node(project, graph, item), _node(project, graph, other)
    found = Paths(graph).find(start, {end: None}, count)
    if as_json:
        emit(
            {
                "dataset": project.name,
                "from": _node_json(project, graph, start),
                "to": _node_json(project, graph, end),
                "paths": [_path_json(project, graph, one) for one in found],
            }
        )
        return
    if not found:
        page().print("Nothing connects them within four steps.")
    for one in found:
        page().print(plain(f"{graph.names[start]}: {one.text}"), soft_wrap=True)
        said = dict.fromkeys(source for edge in one.edges for source in edge.sources)
        page().print(f"  [dim]{one.weight:.2g} · {plain(', '.join(said))}[/dim]")


@app.command()
def stats(
    dataset: DatasetOption = None, text: TextOption = None, as_json: JsonOption = False
) -> None:
    """Count nodes by kind, and edges by relation and by who said them."""
    project, graph = _opened(dataset, text)
    found = graph.count()
    if as_json:
        emit({"dataset": project.name, **found})
        return
    for what, counts in found.items():
        table([{what: name, "count": many} for name, many in counts.items()])


def _opened(dataset: str | None, text: str | None) -> "tuple[Tastemate, Graph]":
    from tastemate import build

    project = open_project(dataset, text)
    return project, build.graph(project.work.resources, project.catalog)


def _key(title: str) -> str:
    """Return the words of a title without its year."""
    from tastemate.text.words import words
    from tastemate.traits import split_year

    return " ".join(words(split_year(title)[0]))


def _titled(linker: "Linker", name: str) -> int:
    """Return the row that a title means without guessing at its spelling, or -1."""
    link = linker.link(name)
    return link.row if link.how in ("exact", "normalised") and link.score >= 0.9 else -1


def _node(project: "Tastemate", graph: "Graph", written: str) -> int:
    """Return the node that a person means; raise `UnknownItem`."""
    if written in project.catalog:
        return project.catalog.row(written)
    if (row := _titled(project.linker, written)) >= 0:
        return row
    entities = graph.entities(written)
    if entities:
        return max(entities, key=lambda node: (int(graph.degrees[node]), -node))
    return project.find(written)


def _node_json(project: "Tastemate", graph: "Graph", node: int) -> dict[str, Any]:
    found: dict[str, Any] = {"name": graph.names[node], "kind": graph.kinds[node]}
    return found | ({"item_id": project.catalog.ids[node]} if node < graph.n_items else {})


def _edge_json(project: "Tastemate", graph: "Graph", edge: "Edge", node: int) -> dict[str, Any]:
    forward = edge.head == node
    other = edge.tail if forward else edge.head
    said = {"relation": edge.relation, "forward": forward}
    return said | _node_json(project, graph, other) | {"sources": list(edge.sources)}


def _path_json(project: "Tastemate", graph: "Graph", found: "Chain") -> dict[str, Any]:
    return {
        "text": found.text,
        "weight": found.weight,
        "nodes": [_node_json(project, graph, node) for node in found.nodes],
        "edges": [
            _edge_json(project, graph, edge, node)
            for node, edge in zip(found.nodes, found.edges, strict=False)
        ],
    }
