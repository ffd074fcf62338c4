"""What models and studies cost, before anything is run."""
