"""Plain Keras networks, data and training recipes; knows nothing of tfsnn."""
