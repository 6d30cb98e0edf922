"""Protocols, intervals and reports."""
