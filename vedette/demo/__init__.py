"""`vedette demo`: the whole loop on one machine, chapter by chapter, with checks of the results."""
