"""`python -m flows.cli`: the same as the command `antragslos`."""

from flows.cli import main

if __name__ == "__main__":
    main()
