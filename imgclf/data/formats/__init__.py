"""How datasets lie on disk: folders, manifests, Parquet shards, IDX files, pickled batches."""
