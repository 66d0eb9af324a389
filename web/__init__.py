"""The pages for people who print: server-rendered, on the same use cases as the API."""
