"""What plugs in: the contracts that others implement."""
