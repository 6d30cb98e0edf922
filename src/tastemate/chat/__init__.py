"""Conversation: what a message means, what a conversation holds, what is done and said next."""
