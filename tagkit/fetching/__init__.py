"""Model files fetched from where a card, a URL or a Hugging Face id says; only when asked to."""
