"""The picture of a run: scope tree, folding, layout."""
