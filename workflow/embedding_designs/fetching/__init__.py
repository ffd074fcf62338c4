"""What a study takes from the Hugging Face hub, and how it is found without a network."""
