"""SEEN: capture bytes in bounded chunks -> lines -> requests -> rows of text cells -> a summary that adds up.

    lines -> envelope -> payload (-> flatten) -> reading: requests with rows -> summary: counts and statistics

`summary` holds the table of what is read and what is rejected. Pure: bytes in, data out.
"""
