"""How an operator's program sees a daemon and tells it what to do: requests, answers, the socket."""
