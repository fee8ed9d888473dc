"""SAID: what a person is told, when, and in which words. Pure: the clock and the thresholds are arguments."""
