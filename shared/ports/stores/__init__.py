"""What is kept, one protocol a table or container."""
