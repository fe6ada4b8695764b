"""Where items come from besides uploads: folders, buckets, websites."""
