from mcp.server.fastmcp import FastMCP

mcp = FastMCP(
    "weather",
    port=8123,
    stateless_http=True,
)


@mcp.tool()
def forecast(city: str) -> str:
    """Forecast the weather of a city."""
    return "fine"


if __name__ == "__main__":
    mcp.run("streamable-http")
