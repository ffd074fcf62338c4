"""The study: read, checked, and turned into the run configs that later rules depend on."""
