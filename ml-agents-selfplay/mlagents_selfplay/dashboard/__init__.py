"""What do the result files look like in a browser? A Dash application that reads them and starts ordinary commands."""
