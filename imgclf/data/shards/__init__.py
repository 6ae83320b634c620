"""Images inside larger files: Parquet columns (``arrow_images``) and tar shards (``shard_files``, ``tar_index``)."""
