"""What the law needs remembered: people, consents, sends, reservations, decisions, and what waits to leave."""
