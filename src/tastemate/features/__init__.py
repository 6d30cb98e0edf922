"""Structured features of items, from their texts: by a model, or zero-shot."""
