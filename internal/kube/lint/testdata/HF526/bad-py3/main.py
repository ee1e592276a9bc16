# a keyword argument
from fastmcp import FastMCP

mcp = FastMCP("weather")
auth = OAuthProxy(
    client_id="weather",
    client_secret="s3cr3t-9f2b81aa",  # want HF526
)
