"""Where photographs come from: folders, archives and tables, cut into parts and read."""
