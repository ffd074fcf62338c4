"""Prints a study with all its defaults.

python -m embedding_designs.study.show_study quickstart
"""

import argparse

import yaml

from ..common.command import command
from .study import load_study, study_path


@command
def main() -> None:
    """Print a study with all its defaults."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("study", type=study_path, help="name, or path of a YAML file")
    print(yaml.safe_dump(load_study(parser.parse_args().study), sort_keys=False))


if __name__ == "__main__":
    main()
