"""Hilum's door: no verb opens the window, a verb goes to the command line.

Every import beyond the interpreter's own stands inside the branch that needs it. That is what this file is for: the
window must be up before torch, and ``--help`` before Qt, has been read from the disk.
"""

from __future__ import annotations

import os
import sys

VIEWER_VERBS = ("analyse", "render", "info", "renew-model", "fit-gate", "train-lungs")
INFERENCE_VERBS = ("train", "find-lr", "recipes", "reproduce", "evaluate", "judge-hospitals", "models", "examples")

SELF_TEST = "--self-test"
POLICY = "--policy"
"""Written as options, as administrators expect them beside ``--version``; they are verbs of the viewer."""

DECODER_WORKER = "--decoder-worker"
"""What the frozen program calls itself with, to decode compressed pictures in a process of their own."""

INTERRUPTED = 130
"""Exit status after Ctrl+C: 128 and the number of SIGINT, as a shell says it."""
PIPE_CLOSED = 141
"""Exit status when the reader of our output has gone: 128 and the number of SIGPIPE."""

HELP = """\
Hilum shows chest films and gives a second reading with its evidence.

  hilum [PATH...]          open the window, on films and folders if they are named
  hilum --sample           open the window on the synthetic sample film
  hilum --new-window       open a second window; without it, PATHs go to the one that is open
  hilum --study-uid UID --from SERVER [--series-uid UID]
                           bring a study from a DICOMweb server that your site or you have named

  hilum analyse PATH...    read films: probabilities, heat map, report
  hilum render PATH        write a film as a picture, as the window draws it
  hilum info PATH...       list patients, studies, series and images

  hilum train RECIPE       train a model
  hilum find-lr RECIPE     find the rate it learns fastest at
  hilum recipes            list the recipes, or write one as a file to be changed
  hilum reproduce          train and judge the published systems
  hilum evaluate           measure a model on films it has not learned from
  hilum judge-hospitals    measure a model's recipe with hospitals left out
  hilum models             list the models that are here
  hilum examples           bring the films that stand beside an answer
  hilum renew-model NAME   give an older model's card what newer ones hold
  hilum fit-gate NAME      fit anew which pictures a model refuses
  hilum train-lungs        train the network that finds the lungs

  hilum --policy           print what your site has decided; exit status 1 if its file has errors
  hilum --self-test        try what is installed, and print a table
  hilum --version          print the version
  hilum VERB --help        explain one verb

Research and education only. Not a medical device; not for diagnosis, triage or treatment decisions.
"""


def main(arguments: list[str] | None = None) -> int:
    """Do what the arguments (those of the process when None) ask, and return the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        status = dispatch(arguments)
        # What is still buffered is written here, where a closed pipe can be met.
        if sys.stdout is not None:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The interpreter flushes once more at exit; that must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    return status


def dispatch(arguments: list[str]) -> int:
    """Hand the arguments to the window or to the command line that knows the verb."""
    verb = arguments[0] if arguments else ""
    if verb in ("-h", "--help", "help"):
        print(HELP, end="")
        return 0
    if verb == "--version":
        from viewer.paths import PROGRAM_VERSION

        print(f"hilum {PROGRAM_VERSION}")
        return 0
    if verb == DECODER_WORKER:
        from viewer.imaging import decoder_worker

        return decoder_worker.main()
    if verb in (*VIEWER_VERBS, SELF_TEST, POLICY):
        from viewer import command_line as viewer_command_line

        keep_to_policy()
        return viewer_command_line.main([verb.removeprefix("--"), *arguments[1:]])
    if verb in INFERENCE_VERBS:
        from inference import command_line as inference_command_line
        from viewer import paths

        keep_to_policy()
        places = inference_command_line.Places(paths.shipped_models(), paths.own_models(), paths.examples_folder(""))
        return inference_command_line.main(arguments, places)
    return open_window(arguments) if has_display() else read_without_window(arguments)


def has_display() -> bool:
    """Return whether a window can be shown: always on Windows and macOS, elsewhere when a display server is named."""
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def keep_to_policy() -> None:
    """Close the network to this process where the site says so."""
    from viewer import policy

    if not policy.site_policy().network_allowed:
        from inference import connections

        connections.forbid_connections(policy.NETWORK_OFF)


def open_window(arguments: list[str]) -> int:
    """Hand what is to be opened to the window that is open already, or run a window until it is closed."""
    from viewer import window_request

    try:
        request = window_request.parse_request(arguments)
    except window_request.WrongUse as error:
        print(error, file=sys.stderr)
        return 2
    claim = None
    if request.is_shared:
        from viewer import one_window

        claim, is_taken = one_window.claim_or_hand_over(request)
        if is_taken:
            return 0
    from viewer import app

    keep_to_policy()
    return app.main(request, claim)


def read_without_window(arguments: list[str]) -> int:
    """Read the films the window was asked to open, say where the results are, and return the exit status.

    One film is read with heat map and report, into ``hilum-output`` in the current folder; several are only read.
    """
    from pathlib import Path

    from viewer import window_request

    print("There is no display here, so no window is opened.", file=sys.stderr)
    try:
        request = window_request.parse_request(arguments)
    except window_request.WrongUse as error:
        print(error, file=sys.stderr)
        return 2
    if request.study is not None:
        print("A study is brought from a server into a window only.", file=sys.stderr)
        return 2
    if request.sample:
        films, name = [sample_film()], "hilum-sample"
    else:
        films = [argument for argument in arguments if not argument.startswith("-")]
        name = Path(films[0]).stem if films else ""
    if not films:
        print("Name the films to be read, or use --sample.", file=sys.stderr)
        return 2
    from viewer import command_line

    keep_to_policy()
    if len(films) > 1 or Path(films[0]).is_dir():
        return command_line.main(["analyse", *films, "--json", "-"])
    folder = Path("hilum-output")
    folder.mkdir(exist_ok=True)
    heat_map, report = folder / f"{name}-heatmap.png", folder / f"{name}-report.pdf"
    print(f"{films[0]} is read instead.", file=sys.stderr)
    outputs = ["--heatmap", str(heat_map), "--report", str(report), "--json", "-"]
    status = command_line.main(["analyse", films[0], *outputs])
    for written in (heat_map, report):
        if written.is_file():
            print(f"Written: {written.resolve()}", file=sys.stderr)
    return status


def sample_film() -> str:
    """Return the path of the synthetic film, drawn first if it is not there."""
    from viewer import paths
    from viewer.imaging import phantom

    film = paths.sample_film()
    if not film.is_file():
        phantom.write_sample(film)
    return str(film)


if __name__ == "__main__":
    sys.exit(main())
