"""From the answers of use cases to the JSON models, and from bodies to their requests; modules as in `models`."""
