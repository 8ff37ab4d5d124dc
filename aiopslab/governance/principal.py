"""Principal: who runs this process, as the system knows it and no variable can say otherwise."""

import os


def user() -> str:
    """Return the name of the user, or its number where it has none.

    Examples
    --------
    >>> bool(user())
    True
    """
    try:
        import pwd

        return pwd.getpwuid(os.geteuid()).pw_name
    except ImportError:  # Windows, where the environment is all there is
        import getpass

        return getpass.getuser()
    except KeyError:
        return str(os.geteuid())
