"""What data is like, and how far that is from what it was: profiles of snapshots, drift, the rhythm of sources."""
