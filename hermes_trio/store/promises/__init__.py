"""What the store promises, one file each.

An update goes `intake` (or `questions`, if it answers one; `commands`, if it is one), `next_turn`, whose turn
`claims` it, `turns` with its steps and its end, `ends` for its rows, `live` for what its chat is shown
meanwhile, `delivery` for what it is told. `outbound` is how the table of an outbound row is written.
"""
