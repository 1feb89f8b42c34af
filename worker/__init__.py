"""The worker's side: where ports meet adapters, and the processes that run."""
