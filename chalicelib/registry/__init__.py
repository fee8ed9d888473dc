"""WANTED: which version should be served, and the steps from what is to what should be. Pure."""
