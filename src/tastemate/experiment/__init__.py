"""Which variant is better: who gets which, what was measured, what may be said."""
