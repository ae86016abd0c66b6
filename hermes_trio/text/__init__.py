"""Text that people and programs write, taken apart and put together. No loop, no I/O."""
