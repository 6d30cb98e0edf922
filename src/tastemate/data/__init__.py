"""Reading, checking, fetching and splitting data sets."""
