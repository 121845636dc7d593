"""`tocsin demo`: two incidents played through the real steps, on a virtual clock, against stand-ins on loopback.

It makes a folder of its own and an exercise database in it, and reads no TOCSIN_ setting of the environment.
"""

from console.cli.demo.play import run

__all__ = ["run"]
