"""`tastemate mcp`: the tools of a project for an assistant, over standard input and output."""

from tastemate.cli.ask import UserOption
from tastemate.cli.output import (
    DatasetOption,
    LlmOption,
    TextOption,
    needs_extra,
    open_project,
    talk,
)


def mcp(
    dataset: DatasetOption = None,
    user: UserOption = None,
    llm: LlmOption = None,
    text: TextOption = None,
) -> None:
    """Serve the Model Context Protocol on standard input and output, for an assistant to start.

    Its tools: recommend, similar, search, facts, attributes, taste, explain, why, like, dislike.
    --user is who the assistant speaks for.
    """
    needs_extra("serve", "mcp")
    from tastemate.serve.mcp import mcp_server

    project = open_project(dataset, text, llm=llm)
    server = mcp_server(lambda: project, user or "")
    talk().print("Serving the Model Context Protocol on standard input and output.", style="dim")
    server.run("stdio")
