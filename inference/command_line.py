"""The inference verbs without a window: train, evaluate, models, examples. The only place in inference that prints."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch

from inference.assemble import ReadCount, assemble, judge_protocol, read_held_out
from inference.bundle import Bundle, list_bundles, open_bundle, read_card
from inference.dataset import Sample, find_manifest, label_indices, read_manifest
from inference.errors import BundleError, InferenceError
from inference.evaluate import fit_temperature, judge, softmax
from inference.examples import ExampleProgress, ExampleResult, fetch, install, links
from inference.members import MemberProgress, plan_members, train_members
from inference.predict import Device, Predictor, choose_device
from inference.recipes import find_recipe

Result = TypeVar("Result")

DEFAULT_MODEL = "darkcovidnet"
MEGABYTE = 1_000_000


class Places:
    """Where models and example films lie: told by the program, so that inference need not know the viewer."""

    def __init__(self, shipped: Path, own: Path, examples: Path) -> None:
        self.shipped, self.own, self.examples = shipped, own, examples

    def find(self, name: str) -> Path:
        """Return the folder of a model given by name or folder."""
        for candidate in (Path(name), self.own / name, self.shipped / name):
            if (candidate / "card.json").is_file():
                return candidate
        return Path(name)


def main(arguments: Sequence[str], places: Places) -> int:
    """Run one verb; 0 all done, 1 something failed (one sentence on stderr), 2 wrong use."""
    options = _parser().parse_args(list(arguments))
    verb: Callable[[argparse.Namespace, Places], int] = options.run
    try:
        return verb(options, places)
    except InferenceError as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hilum", description="Train, judge and manage models.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    train = verbs.add_parser("train", help="train a recipe on a folder of films and write a model bundle")
    train.add_argument("recipe")
    train.add_argument("--data", type=Path, required=True, help="folder that holds the recipe's manifest")
    train.add_argument("--out", type=Path, required=True, help="folder of the new bundle")
    train.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    train.add_argument("--seed", type=_natural, default=0)
    train.add_argument("--epochs", type=_positive, help="instead of the recipe's")
    train.add_argument("--threads", type=_positive, help="processor threads for torch")
    train.set_defaults(run=run_train)
    evaluate = verbs.add_parser("evaluate", help="read every held-out film again and print what the model is worth")
    evaluate.add_argument("model", nargs="?", default=DEFAULT_MODEL)
    evaluate.add_argument("--data", type=Path, required=True)
    evaluate.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    evaluate.add_argument("--json", metavar="OUT")
    evaluate.set_defaults(run=run_evaluate)
    models = verbs.add_parser("models", help="list the models there are, or show one's card")
    models.add_argument("model", nargs="?")
    models.add_argument("--json", metavar="OUT")
    models.set_defaults(run=run_models)
    examples = verbs.add_parser("examples", help="the pictures of a model's held-out films").add_subparsers(required=True)
    link = examples.add_parser("install", help="link a folder of films to the model by their hashes")
    link.add_argument("folder", type=Path)
    link.add_argument("--model", default=DEFAULT_MODEL)
    link.set_defaults(run=run_examples_install)
    get = examples.add_parser("fetch", help="fetch the films from their public addresses")
    get.add_argument("--model", default=DEFAULT_MODEL)
    get.add_argument("--limit", type=_positive, default=500, help="megabytes in all (500)")
    get.add_argument("--base", help="scheme and host of a mirror")
    get.set_defaults(run=run_examples_fetch)
    return parser


def _positive(text: str) -> int:
    number = _natural(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _natural(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def run_train(options: argparse.Namespace, places: Places) -> int:
    """Train every member of a recipe, judge them on the films they never saw, and write the bundle."""
    if options.threads:
        torch.set_num_threads(options.threads)
    recipe = find_recipe(options.recipe)
    recipe = recipe.with_epochs(options.epochs) if options.epochs else recipe
    device = choose_device(options.device)
    manifest = find_manifest(options.data, recipe.data.manifest)
    samples = read_manifest(manifest, recipe.class_names)
    members = plan_members(recipe, samples, options.seed)
    bar = ProgressBar()
    weights = bar.follow(
        train_members(recipe, samples, members, options.out / "members", str(device.torch_device)), _training_line
    )
    bundle = bar.follow(assemble(recipe, samples, members, weights, manifest, options.out, device), _reading_line)
    _print_metrics(bundle.card["metrics"], bundle)
    print(f"The model {bundle.name} was written to {options.out}.")
    return 0


def _training_line(progress: MemberProgress) -> tuple[float, str]:
    report = progress.report
    done = (progress.number - 1 + report.epoch / report.epochs) / progress.members
    text = (
        f"{progress.member} ({progress.number}/{progress.members}) epoch {report.epoch}/{report.epochs} "
        f"loss {report.loss:.3f} accuracy {report.accuracy:.3f}"
    )
    return done, text


def _reading_line(progress: ReadCount) -> tuple[float, str]:
    return progress.done / progress.total, f"reading {progress.purpose} {progress.done}/{progress.total}"


def run_evaluate(options: argparse.Namespace, places: Places) -> int:
    """Read the held-out films again with the stored weights, under both divisions, and print both results."""
    bundle = open_bundle(places.find(options.model))
    manifest = find_manifest(options.data, bundle.recipe.data.manifest)
    samples = read_manifest(manifest, bundle.recipe.class_names)
    device = choose_device(options.device)
    bar = ProgressBar()
    metrics: dict[str, Any] = {"cross_validation": _evaluate_folds(bundle, samples, device, bar)}
    tested = [s for s in samples if s.split == "test"]
    if tested and bundle.build_protocol_members():
        metrics["protocol"] = bar.follow(judge_protocol(bundle, tested, device), _reading_line)
    _print_metrics(metrics, bundle)
    if options.json:
        _write_json(options.json, metrics)
    return 0


def _evaluate_folds(bundle: Bundle, samples: Sequence[Sample], device: Device, bar: ProgressBar) -> dict[str, Any]:
    rows = {row.sha256: row for row in bundle.examples()}
    unknown = [s for s in samples if s.sha256 not in rows]
    if unknown:
        raise BundleError(
            f"{len(unknown)} films of the manifest are not among the model's held-out films; it cannot be judged."
        )
    fold_of = [int(rows[s.sha256].fold) for s in samples]
    truth = label_indices(samples, bundle.recipe)
    plain = Bundle(bundle.folder, bundle.card | {"temperature": 1.0}, bundle.recipe, bundle.weights_sha256)
    reading = read_held_out(Predictor(plain, device), samples, truth, lambda row: [fold_of[row]])
    held_out = bar.follow(reading, _reading_line)
    probabilities = softmax(held_out.logits, float(bundle.card["temperature"]))
    result = judge(bundle.class_names, bundle.card["positive"], truth, probabilities, [s.patient for s in samples])
    return result | {"best_temperature": fit_temperature(truth, held_out.logits)}


def _print_metrics(metrics: dict[str, Any], bundle: Bundle) -> None:
    titles = {
        "protocol": "The article's own division (trained on its training films, judged on its test films)",
        "cross_validation": "Cross-validation grouped by patient, every film held out once",
    }
    for key, title in titles.items():
        if key in metrics:
            print(f"\n{title}")
            _print_one(metrics[key], bundle)
    for claim, value in bundle.card.get("claims", []):
        print(f"\nPublished: {value} ({claim})", end="")
    print()


def _print_one(found: dict[str, Any], bundle: Bundle) -> None:
    names, titles = bundle.class_names, bundle.class_titles
    print(f"  films {found['films']}, patients {found['patients']}")
    print(f"  accuracy {_share(found['accuracy'])}")
    for name, title in zip(names, titles, strict=True):
        print(f"  {title:<12} sensitivity {_share(found['recall'][name])}, precision {_share(found['precision'][name])}")
    area = found["auc"]
    print(f"  area under the curve, {area['class']} against the rest: {_area(area)}")
    other = found.get("auc_without_positive")
    if other:
        print(f"  area under the curve, {other['class']} against {other['against']} (one hospital): {_area(other)}")
    print(f"  macro F1 {found['macro_f1']:.3f}, negative log likelihood {found['negative_log_likelihood']:.3f}, "
          f"expected calibration error {found['expected_calibration_error']:.3f}")  # fmt: skip
    print("  confusion matrix (rows truth, columns answer)")
    print("  " + " " * 14 + "".join(f"{t:>14}" for t in titles))
    for title, row in zip(titles, found["confusion_matrix"], strict=True):
        print(f"  {title:<14}" + "".join(f"{count:>14}" for count in row))


def _share(record: dict[str, Any]) -> str:
    if record["value"] is None:
        return "0/0"
    return (f"{record['count']}/{record['total']} = {100 * record['value']:.2f} % "
            f"({100 * record['low']:.1f} to {100 * record['high']:.1f})")  # fmt: skip


def _area(record: dict[str, Any]) -> str:
    if record["value"] is None:
        return "none, for want of films"
    return f"{record['value']:.3f} ({record['low']:.3f} to {record['high']:.3f})"


def run_models(options: argparse.Namespace, places: Places) -> int:
    """List the models, or print one card."""
    if options.model:
        card = open_bundle(places.find(options.model)).card
        _write_json(options.json or "-", card)
        return 0
    cards, broken = _read_cards(list_bundles(places.own, places.shipped))
    if options.json:
        _write_json(options.json, [{key: card[key] for key in ("name", "title", "version", "recipe")} for card in cards])
        return 1 if broken else 0
    for card in cards:
        accuracy = card["metrics"]["cross_validation"]["accuracy"]
        print(f"{card['name']:<16} {card['version']:<8} {card['title']}: held-out accuracy {_share(accuracy)}")
    if not cards:
        print("No model is installed.")
    return 1 if broken else 0


def _read_cards(folders: Sequence[Path]) -> tuple[list[dict[str, Any]], bool]:
    """Return the cards that can be read, and whether one could not, which is said on stderr."""
    cards, broken = [], False
    for folder in folders:
        try:
            cards.append(read_card(folder))
        except BundleError as error:
            print(error, file=sys.stderr)
            broken = True
    return cards, broken


def run_examples_install(options: argparse.Namespace, places: Places) -> int:
    """Link a folder of films to a model by hash."""
    bundle = open_bundle(places.find(options.model))
    folder = places.examples / bundle.name
    result = ProgressBar().follow(install(bundle.examples(), options.folder, folder), _example_line)
    return _say_examples(result, len(bundle.examples()))


def run_examples_fetch(options: argparse.Namespace, places: Places) -> int:
    """Fetch a model's example films from their public addresses."""
    bundle = open_bundle(places.find(options.model))
    folder = places.examples / bundle.name
    fetching = fetch(bundle.examples(), folder, limit_bytes=options.limit * MEGABYTE, base=options.base)
    result = ProgressBar().follow(fetching, _example_line)
    print(f"{len(links(folder))} pictures are on this machine.")
    return _say_examples(result, len(bundle.examples()))


def _example_line(progress: ExampleProgress) -> tuple[float, str]:
    return progress.done / max(progress.total, 1), f"{progress.done}/{progress.total} {progress.name}"


def _say_examples(result: ExampleResult, total: int) -> int:
    print(f"{result.linked} of {total} held-out films have their picture; {result.missing} have none.")
    for sentence in result.failed:
        print(sentence, file=sys.stderr)
    return 1 if result.failed else 0


def _write_json(target: str, content: object) -> None:
    text = json.dumps(content, indent=1, ensure_ascii=False)
    if target == "-":
        print(text)
        return
    try:
        Path(target).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise BundleError(f"{Path(target).name} could not be written: {error.strerror}.") from error


class ProgressBar:
    """A bar with the time left on a terminal; a plain line every ten seconds, and at the end, elsewhere."""

    WIDTH = 28

    def __init__(self) -> None:
        self._terminal = sys.stderr is not None and sys.stderr.isatty()
        self._last = 0.0

    def follow(self, work: Generator[Any, None, Result], line: Callable[[Any], tuple[float, str]]) -> Result:
        """Exhaust a generator, showing each thing it yields; return what it returns."""
        began, shown = time.monotonic(), False
        while True:
            try:
                progress = next(work)
            except StopIteration as end:
                if shown and self._terminal:
                    print(file=sys.stderr)
                return end.value  # type: ignore[no-any-return]
            fraction, text = line(progress)
            self._show(fraction, text, time.monotonic() - began)
            shown = True

    def _show(self, fraction: float, text: str, elapsed: float) -> None:
        now = time.monotonic()
        if sys.stderr is None or (now - self._last < (0.1 if self._terminal else 10) and fraction < 1):
            return
        self._last = now
        left = f"{_clock(elapsed / fraction - elapsed)} left" if fraction > 0 else ""
        if self._terminal:
            filled = int(self.WIDTH * fraction)
            bar = "#" * filled + "-" * (self.WIDTH - filled)
            print(f"\r[{bar}] {100 * fraction:3.0f} % {left:<14} {text[:70]:<70}", end="", file=sys.stderr, flush=True)
        else:
            print(f"{100 * fraction:3.0f} % {left} {text}", file=sys.stderr, flush=True)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"
