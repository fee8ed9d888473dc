"""`vedette demo`: the whole loop on one machine, told as a story and checked as it goes."""
