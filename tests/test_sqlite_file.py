"""What several rooms keep in SQLite: written whole or not at all, and closed in the end."""

import sqlite3

import pytest

from aiopslab.closing import Closing
from aiopslab.sqlite_file import connect, write_ahead, writing


def test_what_breaks_off_leaves_nothing_behind(tmp_path):
    path = tmp_path / "deep" / "x.db"
    one, other = connect(path), connect(path)
    write_ahead(one)
    one.execute("CREATE TABLE t (n)")
    with writing(one):
        one.execute("INSERT INTO t VALUES (1)")
    with pytest.raises(KeyboardInterrupt), writing(one):
        one.execute("INSERT INTO t VALUES (2)")
        raise KeyboardInterrupt
    assert other.execute("SELECT n FROM t").fetchall() == [(1,)]
    one.close()
    other.close()


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(sqlite3.OperationalError):
        connect(tmp_path)


def test_it_is_closed_however_it_is_left():
    closed = []

    class Door(Closing):
        def close(self):
            closed.append(self)

    with pytest.raises(ValueError, match="out"), Door() as door:
        raise ValueError("out")
    assert closed == [door]
