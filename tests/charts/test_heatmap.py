import numpy as np
import pandas as pd

from aiopslab.charts.heatmap import heatmap


def test_the_first_row_is_on_top_and_names_are_whole_in_the_hover_box():
    long = "a_feature_with_a_name_that_is_much_too_long_to_stand_beside_a_row"
    values = pd.DataFrame(np.eye(3), index=[long, "b<c", "$d$"], columns=["mon", "tue", "wed"])
    figure = heatmap(values, "Drift", "SD", marks={"b<c": 2.5, "unknown": 1.0})
    assert figure.layout.yaxis.range == (2.5, -0.5)
    assert len(figure.layout.yaxis.ticktext[0]) < 40
    assert long in figure.data[0].text[0][0]
    assert "b&lt;c" in figure.layout.yaxis.ticktext
    assert figure.data[1].x == (2.0,)
    assert figure.layout.title.text == "Drift: SD"
    assert figure.layout.meta["description"].startswith("Drift, SD, 3 rows by 3 windows.")


def test_fifty_features_have_room_and_each_its_name():
    values = pd.DataFrame(np.random.default_rng(0).random((50, 60)))
    figure = heatmap(values, "Drift", "SD")
    assert len(figure.layout.yaxis.ticktext) == 50
    assert figure.layout.height >= 50 * 20
    assert len(figure.layout.xaxis.ticktext) <= 10


def test_nothing_to_draw_is_blank_and_noise_is_pale():
    blank = heatmap(pd.DataFrame(np.full((2, 3), np.nan)), "Drift", "SD")
    assert np.isnan(blank.data[0].z).all()
    pale = heatmap(pd.DataFrame(np.full((2, 3), 0.01)), "Drift", "SD", least_full=0.2)
    assert pale.data[0].zmax == 0.2
