"""Models behind a server: clients over the official SDKs, and what they share."""
