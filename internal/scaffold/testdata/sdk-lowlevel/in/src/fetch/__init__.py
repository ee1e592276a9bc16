import asyncio

from .server import serve


def main() -> None:
    asyncio.run(serve())
