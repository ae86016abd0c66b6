"""The files of a conversation as one tool call has them: see the CallFiles port."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from msgspec import Struct

from hermes_trio.runtime.threads import Aside
from hermes_trio.values.files import FileText, FileView, Listing, Matches, Mount
from hermes_trio.workspaces import looks, text_files
from hermes_trio.workspaces.beneath import Names, parts_of
from hermes_trio.workspaces.folders import MIB, Workspaces, opened_mount

NOTHING = Matches((), more=False, passed_over=0)


class _Place(Struct, frozen=True):
    """Where a path leads.

    Args:
        root: a folder that is open. None: the workspace has none yet.
        parts: the names below it.
        mount: what is mounted there; None in the workspace.
    """

    root: int | None
    parts: Names
    mount: Mount | None = None

    @property
    def before(self) -> Names:
        """The names before those below the folder."""
        return () if self.mount is None else (self.mount.name,)

    @property
    def there(self) -> int:
        """The folder. Raises ValueError: there is none."""
        if self.root is None:
            raise ValueError(f"{'/'.join(self.parts)}: there is no such file or folder")
        return self.root

    @property
    def is_empty(self) -> bool:
        """It is a workspace that has no folder yet."""
        return self.root is None and not self.parts


class TurnFiles:
    """The files that a tool call may use.

    Args:
        aside: does what would hold the loop.
        session: the conversation.
    """

    def __init__(self, workspaces: Workspaces | None, aside: Aside, session: int) -> None:
        self._workspaces = workspaces
        self._session = session
        self._aside = aside

    async def read(self, path: str, *, first: int = 1, lines: int | None = None) -> FileText:
        """See the port."""

        def work(place: _Place) -> FileText:
            return text_files.read(place.there, place.parts, first, lines)

        found: FileText = await self._aside(partial(self._at, path, work))
        return found

    async def list(self, path: str = "", *, deep: bool = False) -> Listing:
        """See the port."""

        def work(place: _Place) -> Listing:
            if place.is_empty:
                return self._with_mounts(place, Listing((), more=False))
            found = looks.listed(place.there, place.parts, deep=deep, before=place.before)
            return self._with_mounts(place, found)

        found: Listing = await self._aside(partial(self._at, path, work))
        return found

    async def search(self, text: str, path: str = "", *, ignore_case: bool = False) -> Matches:
        """See the port."""

        def work(place: _Place) -> Matches:
            if place.is_empty:
                return NOTHING
            root, before = place.there, place.before
            return looks.searched(root, place.parts, text, ignore_case=ignore_case, before=before)

        found: Matches = await self._aside(partial(self._at, path, work))
        return found

    async def write(self, path: str, text: str) -> int:
        """See the port."""
        data = text.encode("utf-8", "replace")
        if len(data) > text_files.EDITED_BYTES_MAX:
            raise ValueError(
                f"the text has {len(data)} bytes; at most {text_files.EDITED_BYTES_MAX} are written"
            )

        def work(place: _Place) -> int:
            self._store(place, data)
            return len(data)

        size: int = await self._aside(partial(self._at, path, work, make=True))
        return size

    async def edit(self, path: str, old: str, new: str, *, every: bool = False) -> int:
        """See the port."""

        def work(place: _Place) -> int:
            data, count = text_files.edited(place.there, place.parts, old, new, every=every)
            self._store(place, data)
            return count

        count: int = await self._aside(partial(self._at, path, work))
        return count

    def _at(self, path: str, work: Callable[[_Place], object], *, make: bool = False) -> object:
        with self._place(path, make=make) as place:
            return work(place)

    @contextmanager
    def _place(self, path: str, *, make: bool) -> Iterator[_Place]:
        spaces, parts = self._workspaces, parts_of(path)
        if spaces is None:
            raise ValueError("conversations have no files here")
        if parts and (mount := spaces.mount(parts[0])) is not None:
            with opened_mount(mount) as root:
                yield _Place(root, parts[1:], mount)
            return
        with spaces.workspace(self._session, make=make) as own:
            yield _Place(own, parts)

    def _store(self, place: _Place, data: bytes) -> None:
        assert self._workspaces is not None
        if place.mount is None:
            before = text_files.size_on_disk(place.there, place.parts)
            self._fits(place.there, len(data) - before, self._workspaces.most_mib)
        elif not place.mount.writable:
            raise PermissionError(f"{place.mount.name} is mounted for reading only")
        text_files.write(place.there, place.parts, data)

    def _fits(self, root: int, more: int, most_mib: int) -> None:
        if more <= 0:  # whoever makes room is never told to make room first
            return
        size = looks.size_of(root)
        if size is None:
            many = f"more than {looks.ENTRIES_MAX} files, or folders nested too deeply"
            raise ValueError(f"the workspace holds {many}: remove some first")
        if size + more > most_mib * MIB:
            raise ValueError(f"the workspace would be larger than {most_mib} MiB: make room first")

    def _with_mounts(self, place: _Place, found: Listing) -> Listing:
        """The mounts stand in the workspace itself, and hide what it has of their names."""
        if self._workspaces is None or place.parts or place.mount:
            return found
        mounts = {mount.name for mount in self._workspaces.mounts}
        own = [one for one in found.files if one.path.partition("/")[0] not in mounts]
        shown = [*own, *(FileView(name, "folder", 0) for name in mounts)]
        return Listing(tuple(sorted(shown, key=lambda one: one.path.split("/"))), found.more)
