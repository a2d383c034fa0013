"""Hilum's viewer: everything a radiologist sees and touches.

The map of the program, and who may import whom (import-linter holds it, pyproject.toml has the contracts)::

    main -> viewer.app | viewer.command_line
         -> viewer.desk | viewer.verbs
         -> viewer.widgets
         -> viewer.{jobs, session, model_list, second_reader, settings, messages, reporting, self_test,
                   policy, options, dicomweb, one_window}
         -> viewer.imaging -> viewer.training -> viewer.reading
         -> viewer.{build, licences, window_request} -> viewer.files -> viewer.{errors, garbage, paths}
    viewer.second_reader -> inference.{predict, explain, trust, bundle, examples, training_run, ...}
    inference -> nothing of ours

``desk`` is what happens when a film is dropped (it wires widgets to rooms); ``verbs`` is the same without a window.

Rooms without Qt: ``imaging``, ``session``, ``reading``, ``training``, ``second_reader``, ``policy``, ``options``,
``dicomweb``, ``window_request``, ``errors``, ``garbage``, ``paths``. Rooms without torch: all but ``second_reader``, which
imports it inside its jobs, after the window is up. Threads live in ``jobs`` alone.
"""
