"""The service and its processes: what each is called with, which settings go together, and who starts them."""
