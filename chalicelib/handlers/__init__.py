"""WHEN: one module per event. Each reads the truth, asks a pure function, writes, and tells; none has a policy."""
