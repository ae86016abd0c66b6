"""What the store promises, one file each."""
