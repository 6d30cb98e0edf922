"""A model on this machine: a client, and a process of ours that holds the model."""
