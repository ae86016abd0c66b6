"""What the tests of several nodes share: two of them, and a turn that runs where its key is at home."""

LEASE_S = 15.0
HINT_S = 0.05


async def two(nodes):
    """Two nodes; the first holds the account."""
    one, other = nodes.node("one"), nodes.node("other")
    await one.start()
    await other.start()
    return one, other


def rows(world, sql):
    return world.db.execute(sql).fetchall()


async def until(world, what):
    while not what():
        await world.until(seconds=world.now + 0.01)


def turns_of(world, user):
    return rows(world, f"select state, attempt, boot from turn where key like '%{user}%'")


async def at_home(world, says, at, **where):
    """Who is at home on the node of this boot: a user whose first message it works on."""
    for n in range(100):
        user = f"user-{n}-"
        await world.say(user, says, **where)
        await until(world, lambda: turns_of(world, user))  # noqa: B023
        if turns_of(world, user) == [("running", 1, at)]:
            return user
    raise AssertionError("no key is at home there")
