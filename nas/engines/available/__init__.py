"""The engines, one file each: the file's name is the engine's, its `ENGINE` says what others may ask of it."""
