"""Commands of whoever runs the service: look what is wrong, save the home, put it back."""
