"""The stream bench: caz, its floors and its peers on the same events, in one run, in turn. `make bench` runs it."""
