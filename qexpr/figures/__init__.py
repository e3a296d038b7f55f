"""Every plot of the project. matplotlib is loaded inside functions only (extra ``figures``)."""
