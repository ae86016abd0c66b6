"""Files: how a tool uses those of its conversation."""

from __future__ import annotations

from typing import Protocol

from hermes_trio.values.files import FileText, Listing, Matches


class CallFiles(Protocol):
    """The files of a conversation, as a tool's call may use them.

    A conversation has a folder of its own, its workspace, which is removed some time after its end. The
    operator may mount other folders by a name, for reading or for writing too: such a name is the first of a
    path. A path has `/` between its names and begins in the workspace; it cannot lead out, and no link is
    followed.

    Each method raises ValueError if a path or another argument is wrong, or if there is no such file: the
    text is for the model, let it pass. It raises OSError if the disk refuses. Cancelled, a method that only
    looks has changed nothing.
    """

    async def read(self, path: str, *, first: int = 1, lines: int | None = None) -> FileText:
        """Lines of a text file, at most 64 KiB of them.

        Args:
            first: the number of the first line, from 1.
            lines: how many; None: as many as fit.
        """

    async def write(self, path: str, text: str) -> int:
        """Write a file anew, with the folders that lead to it, and return its size in bytes.

        It is on the disk when this returns; until then the file is as it was.

        Raises:
            PermissionError: the folder is mounted for reading only.
            ValueError: also if the workspace would be larger than it may be.
        Cancelled: the file is as it was, or it is written.
        """

    async def edit(self, path: str, old: str, new: str, *, every: bool = False) -> int:
        """Replace a text that stands in a file exactly so, and return how many times it stood there.

        Args:
            path: of the file.
            old: the text that stands there; new: what shall stand there instead.
            every: replace it wherever it stands; else it must stand there once.

        Raises:
            PermissionError: the folder is mounted for reading only.
            ValueError: also if the text is not there, or more than once.
        Cancelled: the file is as it was, or it is edited.
        """

    async def list(self, path: str = "", *, deep: bool = False) -> Listing:
        """What stands in a folder.

        Args:
            deep: also what stands in the folders in it.
        """

    async def search(self, text: str, path: str = "", *, ignore_case: bool = False) -> Matches:
        """The lines below a folder that hold a text.

        Args:
            path: of a folder, or of one file.
            ignore_case: the case of the letters A to Z does not count.
        """
