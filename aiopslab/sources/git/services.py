"""Which service a file of a repository belongs to."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from aiopslab.errors import SourceError

_DEPLOYED = re.compile(r"(Dockerfile|Containerfile)(\..+)?")
_BUILT = re.compile(
    r"package\.json|pyproject\.toml|setup\.py|go\.mod|Cargo\.toml|pom\.xml|build\.gradle(\.kts)?"
    r"|composer\.json|Gemfile|mix\.exs|.+\.(cs|fs)proj"
)
_PARTS = {"src", "app", "docker", "build", "deploy"}  # of a service, never what it is called


@dataclass(frozen=True)
class Owner:
    """Who owns which folder.

    Parameters
    ----------
    folders
        The service of each folder, from the root of the repository.
    names
        Services that also own whatever bears their name elsewhere, e.g. ``deploy/auth.yaml``.
    """

    folders: Mapping[str, str]
    names: frozenset[str] = frozenset()

    @classmethod
    def given(cls, services: str | Mapping[str, str]) -> "Owner":
        """Take what the user says: a mapping, or text such as ``src/auth:auth,src/pay:pay``.

        Raises
        ------
        SourceError
            If the text has another form.

        Examples
        --------
        >>> Owner.given("src/auth:auth").of("src/auth/main.py")
        'auth'
        """
        if isinstance(services, str):
            pairs = [each.rpartition(":") for each in services.split(",")]
            if not all(folder.strip() and name.strip() for folder, _, name in pairs):
                raise SourceError(
                    f"services is {services!r}; expected folders and their services",
                    "Write it as services=services/auth:auth,services/pay:payments.",
                )
            services = {folder: name for folder, _, name in pairs}
        return cls({folder.strip(" /"): name.strip() for folder, name in services.items()})

    @classmethod
    def discovered(cls, files: Iterable[str]) -> "Owner":
        """Take each folder that is built on its own for a service, named after the folder.

        Parameters
        ----------
        files
            All files of the repository. A Dockerfile marks what is deployed; build files count
            only where there is none, since a library has one too.

        Examples
        --------
        >>> owner = Owner.discovered(["src/cart/src/Dockerfile", "src/cart/go.mod", "lib/go.mod"])
        >>> owner.of("src/cart/main.go"), owner.of("deploy/cart.yaml"), owner.of("lib/a.go")
        ('cart', 'cart', None)
        """
        paths = [PurePosixPath(each) for each in files]
        for mark in (_DEPLOYED, _BUILT):
            marked = (_service(each.parent) for each in paths if mark.fullmatch(each.name))
            folders = {str(each): each.name for each in marked if each.name}
            if folders:
                return cls(folders, frozenset(folders.values()))
        return cls({})

    def of(self, path: str) -> str | None:
        """Return the service that a file belongs to; ``None`` for none in particular."""
        at = PurePosixPath(path)
        for folder in map(str, (at, *at.parents)):
            if folder in self.folders:
                return self.folders[folder]
        return next((each for each in (*at.parts, at.stem) if each in self.names), None)


def _service(folder: PurePosixPath) -> PurePosixPath:
    while folder.name in _PARTS:
        folder = folder.parent
    return folder
