"""What the world is asked to do: activities over the ports they need."""
