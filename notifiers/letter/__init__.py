"""Letters: print-ready batches in a sealed queue folder, for a print house or the printer in the next room."""
