"""Retrievers: each finds candidates in its own way, one algorithm a file."""
