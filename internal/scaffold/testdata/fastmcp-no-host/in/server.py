from fastmcp import FastMCP

PORT = 8765
mcp: FastMCP = FastMCP("weather")

if __name__ == "__main__":
    mcp.run(transport="http", port=PORT, path="/weather/mcp/")
