"""`make demo`: the whole chain on real data, on this machine, ending by itself."""
