"""The console's pages with live data: rows to view models, and the routes that show them."""
