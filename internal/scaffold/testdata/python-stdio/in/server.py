from mcp.server import MCPServer

app = MCPServer("notes")


@app.tool()
def note(text: str) -> str:
    """Keep a note."""
    return text


if __name__ == "__main__":
    app.run()
