"""The parts of the findings page."""
