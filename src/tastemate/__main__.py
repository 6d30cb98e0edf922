"""`python -m tastemate`: the command line."""

from tastemate.cli.main import run

run()
