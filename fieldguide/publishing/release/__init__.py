"""The release: a folder that another group can use, check and rebuild without this repository."""
