"""A checkpoint put through every probe: what is asked, of whom, under which conditions, and the figures."""
