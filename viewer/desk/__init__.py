"""The reading desk: what happens when a film is dropped, read, written about and exported. Qt; wires widgets to rooms."""
