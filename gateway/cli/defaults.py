"""Where commands look when no file and no folder is named."""

from pathlib import Path

DEFAULT_CONFIG = Path("lakegate.toml")
DEFAULT_DEMO = Path(".lakegate/demo")
