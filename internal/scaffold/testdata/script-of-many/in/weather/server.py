from fastmcp import FastMCP

mcp = FastMCP("weather")


def health() -> None:
    """Not the server."""


def main() -> None:
    mcp.run()
