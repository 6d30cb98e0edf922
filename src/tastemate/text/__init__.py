"""Text: an encoder, vector indexes, and linking a written title to an item."""
