"""Why an item is shown: evidence, words, and the check of both."""
