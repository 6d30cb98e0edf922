"""Fail when a source file outgrows its room: files over 350 lines, function bodies over 60."""

import ast
import sys
from pathlib import Path

FILE_LINES = 350
FUNCTION_LINES = 60


def too_long(path: Path) -> list[str]:
    """Return one line for the file and for each function that is over its limit."""
    source = path.read_text(encoding="utf-8")
    length = source.count("\n")
    found = [f"{path}: {length} lines, over {FILE_LINES}"] if length > FILE_LINES else []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.body[0].lineno + 1
            if lines > FUNCTION_LINES:
                found.append(
                    f"{path}:{node.lineno}: {node.name} has {lines} lines, over {FUNCTION_LINES}"
                )
    return found


def main() -> int:
    """Check every Python file under the folders named on the command line."""
    found = [
        line
        for folder in sys.argv[1:]
        for path in sorted(Path(folder).rglob("*.py"))
        for line in too_long(path)
    ]
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
