"""Retrievers that read a history as a sequence, learned with torch (extra "train").

Torch is imported when something is fitted or scored, never when a module here is.
"""
