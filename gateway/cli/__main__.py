"""``python -m gateway.cli``: the command without its script."""

from gateway.cli.app import main

main()
