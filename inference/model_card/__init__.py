"""The model card: one page about one model, made from its bundle's JSON and held-out answers by one template. No torch.

``source`` reads the bundle, ``measured`` counts, ``sections`` and ``data_sections`` say it, ``page`` puts it together: whole
for a browser and the printer, reduced for a window that knows a part of HTML. No picture of a film is on either.
"""
