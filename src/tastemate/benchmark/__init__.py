"""The verbs of `tastemate benchmark`."""
