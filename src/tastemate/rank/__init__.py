"""Putting a pool into a better order."""
