"""Predicting ratings: several unlike models of one person's taste, and their blend."""
