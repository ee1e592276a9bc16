"""The same tiny server on the reference SDK alone, the peer behind pysdk-*."""

import argparse

from mcp.server import MCPServer

from fixtures import Forecast, add_arguments, forecast_for

mcp = MCPServer("holdfast-pysdk", version="1.0.0", instructions="A peer for interop tests.")


@mcp.tool()
def add(a: int, b: int) -> int:
    """Add two integers."""
    return a + b


@mcp.tool()
def echo(text: str) -> str:
    """Return the text unchanged."""
    return text


@mcp.tool()
def forecast(city: str) -> Forecast:
    """Forecast the weather of a city, as structured output."""
    return forecast_for(city)


@mcp.resource("holdfast://greeting", mime_type="text/plain")
def greeting() -> str:
    """A fixed greeting."""
    return "hello"


@mcp.prompt()
def summarise(topic: str) -> str:
    """Ask for a summary of a topic."""
    return f"Summarise {topic} in one sentence."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    args = add_arguments(parser).parse_args()
    if args.transport == "stdio":
        mcp.run("stdio")
    elif args.transport == "sse":
        mcp.run("sse", host="127.0.0.1", port=args.port)
    else:
        mcp.run("streamable-http", host="127.0.0.1", port=args.port, stateless_http=args.stateless)


if __name__ == "__main__":
    main()
