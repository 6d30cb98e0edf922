"""Language models: clients, what is wrapped around them, prompts, and reading replies."""
