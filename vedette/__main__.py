"""`python -m vedette`: the `vedette` command of this Python."""

from vedette.cli import main

main()
