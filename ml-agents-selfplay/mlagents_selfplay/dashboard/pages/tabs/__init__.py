"""What do the tabs of a run's page show? One file for each, with a function `render`."""
