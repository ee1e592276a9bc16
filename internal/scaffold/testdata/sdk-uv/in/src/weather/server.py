from mcp.server import MCPServer

server = MCPServer("weather")


@server.tool()
def forecast(city: str) -> str:
    """Forecast the weather of a city."""
    return "fine"


def main() -> None:
    server.run("streamable-http", host="0.0.0.0", port=8000, stateless_http=True)


if __name__ == "__main__":
    main()
