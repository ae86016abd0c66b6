"""From a TOML file to checked options."""
