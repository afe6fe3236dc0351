"""What follows the labels when an encoder is fine-tuned: the names alone, for whoever only asks for one."""

from typing import Literal, get_args

ModeName = Literal["linear", "lora", "full"]
MODES: tuple[str, ...] = get_args(ModeName)
