"""What the store promises, one file for each subject.

The way of an update through them: `intake` makes it a row (`commands` settles it if it is a command,
`questions` if it answers one). `next_turn` opens the turn that takes it, by `claims`. `turns` records that
turn's steps and its end, `ends` what the end does to other rows. `live` is what its chat is shown meanwhile,
`delivery` what it is told. `outbound` makes the statements for the table of an outbound row's states.
"""
