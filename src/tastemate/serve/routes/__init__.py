"""One file a resource: the routes of the service."""
