"""A tiny FastMCP server, the peer behind the fastmcp-* names."""

import argparse

from fastmcp import Context, FastMCP

from fixtures import Forecast, add_arguments, forecast_for

mcp = FastMCP("holdfast-fastmcp", version="1.0.0", instructions="A peer for interop tests.")


@mcp.tool
def add(a: int, b: int) -> int:
    """Add two integers."""
    return a + b


@mcp.tool
def echo(text: str) -> str:
    """Return the text unchanged."""
    return text


@mcp.tool
def forecast(city: str) -> Forecast:
    """Forecast the weather of a city, as structured output."""
    return forecast_for(city)


@mcp.tool
def fail() -> str:
    """Always fail, as a tool error."""
    raise ValueError("this tool always fails")


@mcp.tool
async def count(to: int, ctx: Context) -> int:
    """Report progress from 1 to `to`, then return `to`."""
    for i in range(1, to + 1):
        await ctx.report_progress(progress=i, total=to)
    return to


@mcp.resource("holdfast://greeting", mime_type="text/plain")
def greeting() -> str:
    """A fixed greeting."""
    return "hello"


@mcp.prompt
def summarise(topic: str) -> str:
    """Ask for a summary of a topic."""
    return f"Summarise {topic} in one sentence."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    args = add_arguments(parser).parse_args()
    if args.transport == "stdio":
        mcp.run("stdio", show_banner=False)
        return
    options = {"host": "127.0.0.1", "port": args.port, "show_banner": False}
    if args.transport == "streamable-http":
        options["stateless_http"] = args.stateless
    mcp.run(args.transport, **options)


if __name__ == "__main__":
    main()
