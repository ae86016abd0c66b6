"""What is kept, by one writer."""
