"""Fitting and tuning."""
