"""What of the packaging must be code. Everything that can be data stands in pyproject.toml."""

from setuptools import setup

# The compiled operators are optional and built when first used, so that installing needs neither torch nor a compiler.
setup(ext_modules=[])
