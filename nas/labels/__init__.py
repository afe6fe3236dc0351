"""What labels buy: fine-tuning of a found encoder, and published models trained end to end."""
