"""External validation: a model judged on films it has never seen, read from any manifest with the columns of ours.

``films`` says which films those are and what their labels mean to the model, ``reading`` reads them as the program does, gate
first, ``judging`` counts, ``page`` and ``folder`` write it down.
"""
