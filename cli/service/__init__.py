"""The service and its processes: their arguments and settings, and the supervisor that starts them."""
