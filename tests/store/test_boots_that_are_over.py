"""Where nobody shares the store a boot buries those before it."""

from tests.store.kit import a_store


async def test_a_boot_buries_those_before_it(tmp_path):
    path = tmp_path / "hermes.db"
    for _ in range(2):
        async with a_store(path):
            pass
    async with a_store(path) as kit:
        await kit.store.end_boot()
    async with a_store(path) as kit:
        assert kit.rows("select id, ended_at is not null, buried_at is not null from boot") == [
            (1, 0, 1),
            (2, 0, 1),
            (3, 1, 0),
            (4, 0, 0),
        ]
