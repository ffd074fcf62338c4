"""Where the project's files are."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / "workflow"
PACKAGE = WORKFLOW / "embedding_designs"
STUDIES = ROOT / "config" / "studies"
