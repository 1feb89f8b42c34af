"""The parts a desk on one machine brings along: nothing is downloaded at run time."""
