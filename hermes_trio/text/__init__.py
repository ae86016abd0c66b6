"""Text that people, models and programs write: taken apart, put together, made safe. No loop, no I/O."""
