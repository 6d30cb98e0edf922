"""What a person likes, read out of their history."""
