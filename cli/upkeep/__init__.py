"""Commands for administrators of the service: find faults, back up the home, restore it."""
