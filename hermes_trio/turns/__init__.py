"""Sessions and their turns. The slot is the scope: a session is busy while its turn's block is open.

Read `sessions.py` (what a session's task does), `session_workers.py` (how its turn is cut), `runner.py` (a
turn's life), `running_turn.py` and `journal.py` (its time and its steps). `turn.py` is what an agent function
sees.
"""
