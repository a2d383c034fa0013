"""What the figures of a training run show, read back from their own elements, and the files they become."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image as PillowImage

from inference.errors import TrainingError
from inference.evaluate import area_under_curve, expected_calibration_error
from inference.figures import (
    accuracy_figure,
    confusion_matrix_figure,
    find_learning_rate_figure,
    learning_rate_figure,
    loss_figure,
    png_bytes,
    precision_recall_figure,
    reliability_figure,
    roc_figure,
    save_figure,
    svg_bytes,
)

ROOT = Path(__file__).resolve().parents[2]
TITLES = ("COVID-19", "No finding", "Pneumonia")
COUNTS = np.array([[31, 5, 3], [7, 112, 20], [2, 26, 111]])
TRUTH = np.array([0, 0, 0, 1, 1, 1, 1, 2, 2, 2])
PROBABILITIES = np.vstack(
    (
        [[0.9, 0.05, 0.05], [0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.3, 0.6, 0.1], [0.1, 0.8, 0.1]],
        [[0.05, 0.9, 0.05], [0.1, 0.3, 0.6], [0.1, 0.1, 0.8], [0.25, 0.05, 0.7], [0.02, 0.03, 0.95]],
    )
)
PATIENTS = [str(n) for n in range(10)]


def history(losses: list[float], set_aside: list[float] | None = None) -> list[dict[str, Any]]:
    """Return the epochs of one network; without ``set_aside`` as an early stop that judged nothing left them."""
    judged: list[float] | list[None] = set_aside or [None] * len(losses)
    return [
        {
            "epoch": number,
            "epochs": len(losses),
            "loss": loss,
            "accuracy": 1 - loss / 4,
            "learning_rate": 0.001 * number,
            "seconds_left": 1.0,
            "held_out_loss": held_out,
            "held_out_accuracy": None if held_out is None else 1 - held_out / 2,
        }
        for number, (loss, held_out) in enumerate(zip(losses, judged, strict=True), 1)
    ]


def texts(figure: Figure) -> list[str]:
    """Return every text of a figure's SVG, its lines joined."""
    root = ElementTree.fromstring(svg_bytes(figure))
    return ["".join(element.itertext()).strip() for element in root.iter("{http://www.w3.org/2000/svg}text")]


def legend_of(figure: Figure) -> str:
    holder = figure.legends or [figure.axes[0].get_legend()]
    return "\n".join(text.get_text() for legend in holder if legend for text in legend.get_texts())


def all_figures() -> dict[str, Figure]:
    two = {"fold-0": history([1.0, 0.6, 0.5], [1.1, 0.7, 0.8]), "fold-1": history([1.0, 0.7, 0.6], [1.0, 0.9, 0.8])}
    return {
        "loss": loss_figure(two),
        "accuracy": accuracy_figure(two),
        "learning-rate": learning_rate_figure(two),
        "finder": find_learning_rate_figure([1e-4, 1e-3, 1e-2], [1.0, 0.5, 3.0], 1e-3),
        "confusion-matrix": confusion_matrix_figure(COUNTS, TITLES),
        "roc": roc_figure(TITLES, TRUTH, PROBABILITIES, PATIENTS),
        "precision-recall": precision_recall_figure(TITLES, TRUTH, PROBABILITIES),
        "reliability": reliability_figure(TRUTH, PROBABILITIES),
    }


# Files


def test_every_figure_is_a_png_of_960_by_630_and_an_svg(tmp_path: Path) -> None:
    for name, figure in all_figures().items():
        png, svg = save_figure(figure, tmp_path / name)
        with PillowImage.open(png) as picture:
            picture.load()
            assert (picture.format, picture.size) == ("PNG", (960, 630))
        assert ElementTree.parse(svg).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert len(list(tmp_path.iterdir())) == 16


@pytest.mark.parametrize("save", [png_bytes, svg_bytes])
def test_the_same_numbers_give_the_same_bytes_whatever_the_machine_prefers(save: Callable[[Figure], bytes]) -> None:
    first = [save(figure) for figure in all_figures().values()]
    with matplotlib.rc_context({"font.size": 30, "xtick.labelsize": 30, "svg.fonttype": "path", "savefig.dpi": 30}):
        assert [save(figure) for figure in all_figures().values()] == first


def test_no_file_tells_a_date_or_the_name_of_a_program() -> None:
    figure = reliability_figure(TRUTH, PROBABILITIES)
    assert b"Matplotlib" not in svg_bytes(figure)
    assert b"metadata" not in svg_bytes(figure)
    assert PillowImage.open(io.BytesIO(png_bytes(figure))).info.keys() == {"dpi"}


def test_what_others_set_in_matplotlib_stays() -> None:
    with matplotlib.rc_context({"font.size": 13, "text.parse_math": True}):
        svg_bytes(loss_figure({}))
        assert matplotlib.rcParams["font.size"] == 13
        assert matplotlib.rcParams["text.parse_math"] is True


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"^loss\.png could not be written to run: No such file or directory\.$"):
        save_figure(loss_figure({}), tmp_path / "run" / "loss")


def test_a_dot_in_the_stem_is_part_of_the_name(tmp_path: Path) -> None:
    assert [path.name for path in save_figure(loss_figure({}), tmp_path / "v1.2")] == ["v1.2.png", "v1.2.svg"]


def test_neither_import_nor_drawing_loads_pyplot_or_torch() -> None:
    program = (
        "import sys, inference.figures as f, inference.run_report;"
        "f.png_bytes(f.loss_figure({})); f.svg_bytes(f.loss_figure({}));"
        "print(sorted({'matplotlib.pyplot', 'torch', 'tkinter', 'PySide6'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


# Over the epochs


def test_a_line_for_each_network_and_a_mark_at_the_lowest_loss_of_patients_set_aside() -> None:
    figure = loss_figure({"a": history([1.0, 0.6, 0.5], [1.1, 0.7, 0.8]), "b": history([1.0, 0.7, 0.6], [1.0, 0.9, 0.85])})
    *lines, marks = figure.axes[0].lines
    drawn = [list(line.get_ydata()) for line in lines]
    assert drawn == [[1.0, 0.6, 0.5], [1.0, 0.7, 0.6], [1.1, 0.7, 0.8], [1.0, 0.9, 0.85]]
    assert (list(marks.get_xdata()), list(marks.get_ydata())) == ([2, 3], [0.7, 0.85])
    assert legend_of(figure).splitlines() == [
        "training films, as augmented (2 networks)",
        "patients set aside for stopping (2 networks)",
        "epoch of their lowest loss",
    ]


def test_accuracy_is_marked_where_the_loss_is_lowest_not_where_accuracy_is_highest() -> None:
    run = history([1.0, 0.6, 0.5], [0.9, 0.7, 0.8])
    run[0]["held_out_accuracy"] = 0.99
    marks = accuracy_figure({"a": run}).axes[0].lines[-1]
    assert (list(marks.get_xdata()), list(marks.get_ydata())) == ([2], [pytest.approx(0.65)])


def test_without_patients_set_aside_there_is_the_training_line_alone() -> None:
    old = [{key: value for key, value in epoch.items() if "held_out" not in key} for epoch in history([1.0, 0.5])]
    for figure in (loss_figure({"a": history([1.0, 0.5])}), accuracy_figure({"a": old})):
        assert len(figure.axes[0].lines) == 1
        assert legend_of(figure) == "training films, as augmented"


def test_one_epoch_is_a_dot_at_epoch_one_and_none_is_an_empty_figure() -> None:
    figure = loss_figure({"a": history([1.0]), "b": []})
    assert figure.axes[0].lines[0].get_marker() == "."
    assert figure.axes[0].get_xlim() == (0.5, 1.5)
    assert "1" in texts(figure)
    assert loss_figure({}).axes[0].get_legend() is None
    assert "Epoch" in texts(learning_rate_figure({"a": []}))


def test_learning_rates_are_written_plainly_from_nought() -> None:
    figure = learning_rate_figure({"a": history([1.0, 0.8, 0.6])})
    assert list(figure.axes[0].lines[0].get_ydata()) == [0.001, 0.002, 0.003]
    assert {"0", "0.001", "0.003"} <= set(texts(figure))


def test_the_suggested_rate_is_marked_and_a_trial_that_falls_apart_does_not_flatten_the_curve() -> None:
    figure = find_learning_rate_figure([1e-5, 1e-4, 1e-3, 1e-2, 1e-1], [1.0, 0.9, 0.5, 60.0, float("inf")], 1e-3)
    low, high = figure.axes[0].get_ylim()
    assert (low, high) == (pytest.approx(0.45), pytest.approx(1.5))
    assert legend_of(figure) == "suggested: 0.001"
    assert {"1e-05", "0.001"} <= set(texts(figure))


def test_without_a_suggestion_the_rates_alone_are_drawn() -> None:
    figure = find_learning_rate_figure([1e-5, 1e-4], [1.0, 1.1], None)
    assert len(figure.axes[0].lines) == 1
    assert not legend_of(figure)


# Of the held-out films


def test_the_matrix_holds_titles_counts_and_parts_of_rows() -> None:
    found = texts(confusion_matrix_figure(COUNTS, TITLES))
    assert {"COVID-19", "No finding", "Pneumonia", "(39 films)", "112", "81 %", "Truth", "Answer"} <= set(found)
    assert "Confusion matrix, 317 films held out" in found


def test_rows_are_the_truth_from_the_top_and_columns_the_answer() -> None:
    axes = confusion_matrix_figure(COUNTS, TITLES).axes[0]
    place = {text.get_text(): text.get_position() for text in axes.texts}
    assert place["3"] == (2.5, pytest.approx(0.43))
    assert place["2"] == (0.5, pytest.approx(2.43))
    bottom, top = axes.get_ylim()
    assert bottom > top


def test_counts_stand_out_from_their_cells() -> None:
    axes = confusion_matrix_figure(np.array([[50, 1], [1000, 1000]]), ("One", "Other")).axes[0]
    colour = {text.get_text(): text.get_color() for text in axes.texts}
    assert (colour["50"], colour["1"], colour["1,000"]) == ("white", "black", "black")


@pytest.mark.parametrize("classes", [1, 2, 8, 14])
def test_many_long_titles_leave_room_for_the_cells(classes: int) -> None:
    """A layout that finds no room warns, and a warning is an error here."""
    titles = [f"Finding {number} with a title that goes on and on and on" for number in range(classes)]
    truth, probabilities = np.arange(classes).repeat(3), np.eye(classes).repeat(3, axis=0)
    figures = [
        confusion_matrix_figure(3 * np.eye(classes, dtype=np.int64), titles),
        roc_figure(titles, truth, probabilities, [str(n) for n in truth]),
        precision_recall_figure(titles, truth, probabilities),
    ]
    for figure in figures:
        assert any(text.startswith(f"Finding {classes - 1}") for text in texts(figure))


def test_a_class_without_films_has_a_row_of_nought_percent() -> None:
    assert "(0 films)" in texts(confusion_matrix_figure(np.array([[0, 0], [1, 4]]), ("One", "Other")))


def test_titles_are_taken_as_they_are_written() -> None:
    title = "<b>$x$ & y"
    found = texts(confusion_matrix_figure(COUNTS, (title, "No finding", "Pneumonia")))
    assert found.count(title) == 2


def test_control_characters_of_a_title_do_not_break_the_file() -> None:
    assert texts(confusion_matrix_figure(COUNTS, ("CO\x01VID\n19", *TITLES[1:]))).count("CO VID 19") == 2


def test_roc_names_each_area_as_it_is_computed_elsewhere() -> None:
    figure = roc_figure(TITLES, TRUTH, PROBABILITIES, PATIENTS)
    for number, title in enumerate(TITLES):
        area = area_under_curve(number == TRUTH, PROBABILITIES[:, number])
        assert f"{title}\nAUC {area:.3f} (" in legend_of(figure)
    _, covid, *_ = figure.axes[0].lines
    assert np.trapezoid(covid.get_ydata(), covid.get_xdata()) == pytest.approx(
        area_under_curve(TRUTH == 0, PROBABILITIES[:, 0])
    )


def test_a_single_patient_has_an_area_without_an_interval() -> None:
    assert "COVID-19\nAUC 0.905\n" in legend_of(roc_figure(TITLES, TRUTH, PROBABILITIES, ["a"] * 10))


def test_a_class_without_films_or_without_others_has_no_curve_and_says_so() -> None:
    ones = np.ones(4, dtype=np.int64)
    figure = roc_figure(TITLES, ones, PROBABILITIES[:4], PATIENTS[:4])
    assert "COVID-19\nno curve: no such films\nNo finding\nno curve: no other films" in legend_of(figure)
    figure = precision_recall_figure(TITLES, ones, PROBABILITIES[:4])
    assert "Pneumonia\nno curve: no such films" in legend_of(figure)
    assert "No finding\nAP 1.000, prevalence 1.000" in legend_of(figure)


def test_precision_has_a_dotted_line_at_the_prevalence_of_each_class() -> None:
    figure = precision_recall_figure(TITLES, TRUTH, PROBABILITIES)
    dotted = [line.get_ydata()[0] for line in figure.axes[0].lines if line.get_linestyle() == ":" and len(line.get_ydata())]
    assert dotted == pytest.approx([0.3, 0.4, 0.3])
    assert "COVID-19\nAP 0.867, prevalence 0.300" in legend_of(figure)


def test_reliability_counts_the_films_of_each_bin_and_the_part_that_is_right() -> None:
    figure = reliability_figure(TRUTH, PROBABILITIES)
    upper, lower = figure.axes
    assert [bar.get_height() for bar in lower.patches] == [0, 0, 0, 0, 0, 0, 2, 2, 3, 3]
    assert list(upper.containers[0].lines[0].get_ydata()) == [0.5, 0.5, 1.0, 1.0]


def test_the_calibration_error_of_the_title_is_that_of_the_table() -> None:
    """One bin of ten would hold both answers, and its error would be 0.145."""
    truth, probabilities = np.array([0, 1]), np.array([[0.61, 0.39], [0.68, 0.32]])
    assert expected_calibration_error(truth, probabilities) == pytest.approx(0.535)
    assert reliability_figure(truth, probabilities).axes[0].get_title() == "Reliability: expected calibration error 0.535"


def test_full_certainty_falls_into_the_last_bin() -> None:
    _, lower = reliability_figure(np.array([0, 1]), np.array([[1.0, 0.0], [1.0, 0.0]])).axes
    assert [bar.get_height() for bar in lower.patches] == [0] * 9 + [2]
