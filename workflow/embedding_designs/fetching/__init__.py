"""What a study takes from the Hugging Face hub, and where it is found without a network."""
