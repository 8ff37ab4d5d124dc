import pandas as pd

from aiopslab.incident.durations import spoken


def test_durations_are_written_as_people_say_them():
    said = [spoken(pd.Timedelta(each)) for each in ("0s", "45s", "90min", "36h", "3D")]
    assert said == ["0 s", "45 s", "1.5 h", "1.5 d", "3 d"]
