"""The console: plain pages for the people who run campaigns."""
