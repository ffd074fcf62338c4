"""The Hugging Face hub: what is fetched from it, and where it is found without a network."""
