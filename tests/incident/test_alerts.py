"""Streams of alerts whose truth is known because they are made here."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.errors import AIOpsLabError, FrameError
from aiopslab.frames import FrameWarning
from aiopslab.incident.alerts import AlertGroups, group_alerts

START = pd.Timestamp("2026-03-01T12:00:00Z")
COLUMNS = ["timestamp", "name", "service", "severity", "state", "fingerprint", "labels"]
SHOP = pd.DataFrame(
    [("gateway", "cart"), ("gateway", "auth"), ("cart", "database"), ("auth", "database")],
    columns=["caller", "callee"],
)


def row(minute: float, name: str, service: str | None, state: str = "firing", **labels: str):
    identity = f"{name}/{service}/{sorted(labels.items())}"
    at = START + pd.Timedelta(minutes=minute)
    return (at, name, service, "page", state, identity, labels)


def lasting(minute: float, name: str, service: str | None, minutes: float = 10, **labels: str):
    return [
        row(minute, name, service, **labels),
        row(minute + minutes, name, service, "resolved", **labels),
    ]


def frame(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=COLUMNS).astype({"service": "str"})


def groups_of(groups: AlertGroups) -> list[set[str]]:
    return [set(services) for services in groups.table()["services"]]


def test_an_incident_is_one_group_that_names_its_cause():
    storm = [
        *lasting(1, "HighLatency", "gateway"),
        *lasting(2, "PoolExhausted", "database"),
        *lasting(3, "HighLatency", "cart"),
        *lasting(4, "Errors", "auth"),
        *lasting(4, "HighLatency", "auth"),
    ]
    groups = group_alerts(frame(*storm), SHOP)
    (shown,) = groups.table().to_dict("records")
    assert shown["root"] == "database"
    assert shown["representative"] == "PoolExhausted"
    assert shown["services"] == ["auth", "database", "cart", "gateway"]
    assert shown["brief"] == []
    assert shown["names"] == ["Errors", "HighLatency", "PoolExhausted"]
    assert shown["size"] == 5
    assert shown["first"] == START + pd.Timedelta("1min")
    assert shown["last"] == START + pd.Timedelta("14min")
    assert groups.kept["service"].tolist() == ["auth", "database", "cart", "gateway"]
    assert groups.kept["alerts"].tolist() == [2, 1, 1, 1]
    assert groups.to_read == 1
    assert groups.reduction == pytest.approx(1 - 1 / 5)


def test_the_service_with_the_most_alerts_that_lasted_is_read_first_and_so_is_its_group():
    quiet = [*lasting(0, "Slow", "printer"), *lasting(0, "Slow", "scanner")]
    loud = [
        *(each for name in ("Cpu", "Memory", "Network") for each in lasting(20, name, "cart")),
        *(each for name in ("Cpu", "Memory") for each in lasting(18, name, "database")),
        *(each for at in range(4) for each in lasting(17, f"Blip{at}", "database", 0.5)),
        *(each for at in (19, 25, 28) for each in lasting(at, "Again", "gateway", 2)),
        *lasting(20, "Slow", "auth"),
    ]
    groups = group_alerts(frame(*quiet, *loud), SHOP)
    assert groups.table()["group"].tolist() == [1, 2]
    assert groups.table()["services"].tolist() == [
        ["cart", "database", "auth", "gateway"],  # one and the same that fires again counts once
        ["printer", "scanner"],
    ]
    assert groups.kept["group"].tolist() == [1, 1, 1, 1, 2, 2]


def test_an_alert_sent_again_while_it_fires_counts_once():
    repeats = [row(minute, "Slow", "auth") for minute in range(60)]
    groups = group_alerts(frame(*repeats, *repeats))
    (kept,) = groups.alerts.to_dict("records")
    assert kept["notices"] == 120
    assert kept["episodes"] == 1
    assert pd.isna(kept["ended"]), "nobody resolved it"
    assert kept["last"] == START + pd.Timedelta("59min")
    assert not kept["blip"]
    assert groups.reduction == pytest.approx(1 - 1 / 120)


def test_a_flapping_alert_becomes_one_and_is_not_lost():
    flaps = [each for at in range(0, 40, 4) for each in lasting(at, "Flap", "auth", minutes=1)]
    groups = group_alerts(frame(*flaps))
    (kept,) = groups.alerts.to_dict("records")
    assert kept["flapping"]
    assert kept["episodes"] == 10
    assert (kept["start"], kept["ended"]) == (START, START + pd.Timedelta("37min"))
    assert groups.kept["flapping"].tolist() == [True]
    assert groups.table()["flapping"].tolist() == [1]


@pytest.mark.parametrize(
    ("times", "flapping"),
    [
        ((0, 4, 8), [True]),  # six changes in nine minutes
        ((0, 10, 19), [True]),  # six in twenty
        ((0, 10, 19.5), [False, False, False]),  # six in twenty and a half
        ((0, 5), [False, False]),
        ((0, 4, 8, 19, 26), [True]),  # goes on while four are in twenty
        ((0, 4, 8, 40), [True, False]),
        ((0, 4, 8, 100, 104, 108), [True, True]),
    ],
)
def test_flapping_begins_at_a_higher_rate_of_changes_than_it_ends(times, flapping):
    flaps = [each for at in times for each in lasting(at, "Flap", "auth", minutes=1)]
    assert group_alerts(frame(*flaps)).alerts["flapping"].tolist() == flapping


def test_alerts_that_alternate_with_each_other_do_not_flap():
    calm = [each for at in range(3) for each in lasting(at, f"Alert{'ABC'[at]}", "auth", minutes=5)]
    assert not group_alerts(frame(*calm)).alerts["flapping"].any()


def test_a_blip_is_set_aside_and_counted():
    alerts = frame(*lasting(0, "Blip", "auth", 1.9), *lasting(0, "Lasts", "auth", 2))
    groups = group_alerts(alerts)
    assert groups.alerts.set_index("name")["group"].isna().to_dict() == {
        "Blip": True,
        "Lasts": False,
    }
    assert groups.table()["names"].tolist() == [["Lasts"]]
    steps = groups.steps.set_index("step")["removed"].to_dict()
    assert steps == {"raw": 0, "repeats": 0, "flaps": 0, "blips": 1, "grouped": 0}
    assert groups.kept["name"].tolist() == ["Lasts"], "its service is named already"
    longer = group_alerts(alerts, evaluation="30s")
    assert not longer.alerts["blip"].any()


def test_what_was_gone_at_once_is_listed_with_the_caller_that_it_ails():
    crash = lasting(0, "Down", "database", minutes=0.5)
    groups = group_alerts(frame(*crash, *lasting(3, "Errors", "cart")), SHOP)
    (shown,) = groups.table().to_dict("records")
    assert shown["services"] == ["cart", "database"]
    assert shown["brief"] == ["database"]
    assert shown["root"] == "cart", "only what lasts is likely"
    assert groups.kept.set_index("service")["brief"].to_dict() == {"database": True, "cart": False}


@pytest.mark.parametrize(
    ("service", "minute"),
    [("database", -6), ("database", 1), ("gateway", -1), ("auth", -1), ("unknown", -1)],
)
def test_a_blip_too_early_later_or_of_no_callee_is_in_no_group_but_named(service, minute):
    blip = lasting(minute, "Down", service, minutes=0.5)
    groups = group_alerts(frame(*blip, *lasting(0, "Errors", "cart")), SHOP)
    assert groups_of(groups) == [{"cart"}]
    assert groups.kept["service"].tolist() == ["cart", service]
    assert groups.kept["group"].isna().tolist() == [False, True]
    assert groups.kept["brief"].tolist() == [False, True]
    assert f"Also briefly: {service}<" in groups._repr_html_()


def test_what_was_brief_shares_one_line_the_most_alerts_first():
    once = [each for at in range(70) for each in lasting(at, "Down", f"s{at:02}", 0.5)]
    often = [each for name in "ABC" for each in lasting(80, name, "s99", 0.5)]
    nameless = lasting(90, "CertExpires", None, 0.5)
    groups = group_alerts(frame(*once, *often, *nameless))
    assert groups.to_read == 1
    assert groups.kept["service"].head(3).tolist() == ["s99", "s00", "s01"]
    assert groups.kept["name"].iloc[-1] == "CertExpires"
    assert groups.kept["alerts"].tolist() == [3, *[1] * 71]
    page = groups._repr_html_()
    assert "Also briefly: s99, s00" in page
    assert "and 22 more" in page


def test_quiet_time_parts_groups():
    alerts = frame(
        *lasting(0, "Slow", "auth"), *lasting(5, "Slow", "cart"), *lasting(11, "S", "cart")
    )
    assert groups_of(group_alerts(alerts, SHOP)) == [{"auth", "cart"}, {"cart"}]
    assert groups_of(group_alerts(alerts, SHOP, gap="6min")) == [{"auth", "cart"}]
    assert len(groups_of(group_alerts(alerts, SHOP, gap="4min"))) == 3


def test_services_that_are_not_connected_are_apart_even_if_their_texts_are_alike():
    far = pd.DataFrame({"caller": ["billing"], "callee": ["ledger"]})
    alerts = frame(*lasting(0, "Slow", "gateway"), *lasting(0, "Slow", "ledger"))
    assert groups_of(group_alerts(alerts, pd.concat([SHOP, far]))) == [{"gateway"}, {"ledger"}]


def test_a_silent_service_in_between_connects():
    alerts = frame(*lasting(0, "Slow", "gateway"), *lasting(0, "Full", "database"))
    groups = group_alerts(alerts, SHOP)
    assert groups_of(groups) == [{"gateway", "database"}]
    assert groups.table()["root"].tolist() == ["database"]


def test_without_a_call_graph_time_and_text_decide():
    alerts = frame(
        *lasting(0, "HighLatency", "gateway"),
        *lasting(1, "high_latency_p99", "auth"),
        *lasting(2, "DiskFull", "database"),
        *lasting(60, "HighLatency", "cart"),
    )
    groups = group_alerts(alerts)
    assert groups_of(groups) == [{"gateway", "auth"}, {"database"}, {"cart"}]
    assert groups.table()["root"].tolist() == ["gateway", "database", "cart"]


def test_shared_labels_make_texts_alike_and_those_of_all_do_not():
    def named(name: str, **labels: str) -> list:
        return lasting(0, name, name.lower(), env="prod", **labels)

    alerts = frame(
        *named("Alpha", rack="r7", pod="p1"), *named("Beta", rack="r7", pod="p2"), *named("Gamma")
    )
    assert groups_of(group_alerts(alerts)) == [{"alpha", "beta"}, {"gamma"}]


def test_alerts_without_a_service_stay_and_are_told_apart_by_name():
    alerts = frame(
        *lasting(0, "CertExpires", None), *lasting(0, "DiskFull", None), *lasting(0, "A", "auth")
    )
    groups = group_alerts(alerts, SHOP)
    assert set(groups.kept["name"]) == {"CertExpires", "DiskFull", "A"}
    assert groups.kept["service"].isna().sum() == 2
    table = groups.table().set_index("representative")
    assert table.loc["CertExpires", "services"] == []
    assert pd.isna(table.loc["CertExpires", "root"])
    together = group_alerts(frame(*lasting(0, "Slow", None), *lasting(0, "SlowP", None)))
    assert together.kept["name"].tolist() == ["Slow", "SlowP"]


def test_in_a_cycle_of_calls_the_earliest_is_the_likely_root():
    cycle = pd.DataFrame({"caller": ["a", "b", "c", "a"], "callee": ["b", "c", "a", "a"]})
    alerts = frame(*lasting(2, "X", "a"), *lasting(1, "X", "b"), *lasting(3, "X", "c"))
    assert group_alerts(alerts, cycle).table()["root"].tolist() == ["b"]


def test_resolved_without_firing_is_left_out_and_counted():
    orphan = row(0, "Old", "auth", "resolved")
    groups = group_alerts(frame(orphan, orphan, *lasting(1, "New", "auth")))
    assert groups.alerts["name"].tolist() == ["New"]
    assert groups.unmatched == 2
    assert groups.raw == 1
    nothing = group_alerts(frame(orphan))
    assert nothing.table().empty
    assert np.isnan(nothing.reduction)


def test_no_alerts_make_no_groups():
    groups = group_alerts(frame(), SHOP)
    assert groups.table().empty
    assert groups.kept.empty
    assert groups.steps["left"].tolist() == [0] * 5
    assert list(groups.table().columns) == list(
        group_alerts(frame(*lasting(0, "A", "a"))).table().columns
    )
    assert "No alert fired." in groups._repr_html_()


def test_one_alert_is_one_group():
    groups = group_alerts(frame(row(0, "Slow", "auth")).drop(columns="labels"))
    assert groups_of(groups) == [{"auth"}]
    assert groups.reduction == 0


def test_a_page_speaks_of_one_and_of_many_and_of_what_there_is_only():
    one = group_alerts(frame(row(0, "Slow", "auth")))._repr_html_()
    assert "1 group in place of 1 alert on" in one and "1 service named" in one
    assert "left out" not in one and "flapping" not in one and "representative" not in one
    rows = [row(at, "Slow", each) for at, each in ((0, "auth"), (0, "auth"), (300, "web"))]
    many = group_alerts(frame(*rows))._repr_html_()
    assert "2 groups in place of 3 alerts on" in many and "2 services named" in many
    assert "left out or merged: repeats 1<" in many


def test_times_of_one_day_are_clock_times_and_of_several_dates():
    def cells(*minutes):
        page = group_alerts(frame(*(row(at, "Slow", "auth") for at in minutes)))._repr_html_()
        return page, f"<td>{START:%H:%M:%S}</td>", f"<td>{START:%Y-%m-%d %H:%M:%S}</td>"

    page, clock, date = cells(0)
    assert clock in page and date not in page and f"on {START:%Y-%m-%d} UTC" in page
    page, clock, date = cells(0, 60 * 48)
    assert date in page and clock not in page


def test_blips_alone_make_no_group_and_are_one_line():
    blips = [each for at in range(5) for each in lasting(at, "Blip", f"s{at}", 1)]
    groups = group_alerts(frame(*blips), SHOP)
    assert groups.table().empty
    assert groups.reduction == pytest.approx(1 - 1 / 5)
    assert set(groups.kept["service"]) == {f"s{at}" for at in range(5)}


def test_times_without_a_zone_are_utc():
    alerts = frame(*lasting(0, "Slow", "auth"))
    alerts["timestamp"] = alerts["timestamp"].dt.tz_localize(None)
    with pytest.warns(FrameWarning):
        groups = group_alerts(alerts)
    assert groups.table()["first"].tolist() == [START]


def test_html_in_alerts_is_text():
    evil = "<script>alert(1)</script>"
    alerts = frame(*lasting(0, evil, f"<b>{evil}"), *lasting(0, "Größe überschritten 🔥", "größe"))
    page = group_alerts(alerts)._repr_html_()
    assert "<script" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;" in page
    assert "Größe überschritten 🔥" in page
    brief = group_alerts(frame(*lasting(0, "A", f"<b>{evil}", 1)))._repr_html_()
    assert "<b>" not in brief
    assert "&lt;b&gt;&lt;script&gt;" in brief


def test_every_service_of_a_large_group_can_be_read():
    names = [f"service-{number}-with-a-long-name" for number in range(40)]
    page = group_alerts(frame(*(row(0, "Slow", each) for each in names)))._repr_html_()
    assert all(each in page for each in names)


def test_many_groups_are_not_all_drawn():
    alerts = frame(*(row(10 * at, "Slow", f"s{at}") for at in range(120)))
    groups = group_alerts(alerts)
    assert len(groups.table()) == 120
    assert "and 70 more groups" in groups._repr_html_()


@pytest.mark.parametrize("gap", ["0s", "-5min", "soon", "NaT"])
def test_a_gap_that_is_no_duration_is_told(gap):
    with pytest.raises(AIOpsLabError, match="gap is") as raised:
        group_alerts(frame(), gap=gap)
    assert raised.value.remedy


def test_frames_that_do_not_fit_are_told():
    with pytest.raises(FrameError, match="fingerprint"):
        group_alerts(frame(row(0, "Slow", "auth")).drop(columns="fingerprint"))
    with pytest.raises(FrameError, match="callee"):
        group_alerts(frame(row(0, "Slow", "auth")), SHOP[["caller"]])


def storm(size: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    service = np.array([f"s{each}" for each in range(300)])[rng.integers(300, size=size)]
    name = np.array(["HighLatency", "DiskFull", "OomKilled"])[rng.integers(3, size=size)]
    pod = [
        f"{each}-{number}"
        for each, number in zip(service, rng.integers(size, size=size), strict=True)
    ]
    return pd.DataFrame(
        {
            "timestamp": START + pd.to_timedelta(rng.integers(86_400, size=size), unit="s"),
            "name": name,
            "service": service,
            "severity": "page",
            "state": rng.choice(["firing", "resolved"], size),
            "fingerprint": pod,
            "labels": [{"pod": each, "env": "prod"} for each in pod],
        }
    )


@pytest.mark.parametrize("is_known", [True, False])
def test_a_storm_of_alerts_is_grouped_whole(is_known):
    alerts = storm(10_000)
    rng = np.random.default_rng(1)
    ends = np.array([f"s{each}" for each in rng.integers(300, size=2_000)]).reshape(2, -1)
    calls = pd.DataFrame({"caller": ends[0], "callee": ends[1]}) if is_known else None
    groups = group_alerts(alerts, calls)
    assert groups.table()["size"].sum() == len(groups.alerts) > 4_000
    assert groups._repr_html_()


events = st.lists(
    st.tuples(
        st.integers(0, 90),
        st.sampled_from(["HighLatency", "high_latency", "DiskFull", "Größe"]),
        st.sampled_from(["gateway", "auth", "cart", "database", "elsewhere", None]),
        st.sampled_from(["firing", "resolved"]),
    ),
    max_size=40,
)


@settings(max_examples=25)
@given(events, st.booleans(), st.randoms(use_true_random=False))
def test_nothing_that_lasts_is_lost_and_every_alert_is_accounted_for(drawn, is_known, random):
    rows = [row(*each) for each in drawn]
    calls = SHOP if is_known else None
    groups = group_alerts(frame(*rows), calls)
    assert groups.alerts["notices"].sum() == groups.raw
    steps = groups.steps
    assert (steps["removed"] >= 0).all()
    assert groups.raw - steps["removed"].sum() == steps["left"].iloc[-1] == groups.to_read
    fired = {each[2] or each[1] for each in drawn if each[3] == "firing"}
    kept = groups.kept
    assert set(kept["service"].fillna(kept["name"])) == fired, "no service goes unnamed"
    assert not kept.duplicated(["group", "service", "name"]).any()
    assert kept["group"].dropna().is_monotonic_increasing
    last = groups.alerts[~groups.alerts["blip"]]
    assert last["group"].notna().all()
    shown = groups.table()
    for alert in last.itertuples():
        (group,) = shown[shown["group"] == alert.group].to_dict("records")
        assert alert.name in group["names"]
        assert pd.isna(alert.service) or alert.service in group["services"]
    assert shown["size"].sum() == groups.alerts["group"].notna().sum()
    random.shuffle(rows)
    pd.testing.assert_frame_equal(group_alerts(frame(*rows), calls).table(), shown)
