"""What enters a prompt is data: texts that speak to a model are found and left out."""
