from fastmcp import FastMCP


class Weather(FastMCP):
    """A server of its own kind."""


def main() -> None:
    Weather("weather").run(transport="http", host="0.0.0.0", port=8000)
