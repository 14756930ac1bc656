"""What stands between an environment and a trainer? A process that looks like a Unity build to `mlagents-learn`."""
