"""Where datasets come from: downloads, the Hugging Face hub, torchvision, the data folder."""
