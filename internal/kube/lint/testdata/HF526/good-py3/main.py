# from outside, a placeholder, and a name
from fastmcp import FastMCP

mcp = FastMCP("weather")
import os
client_secret = os.environ["CLIENT_SECRET"]
api_key = "your-api-key-1"
password_field = "password_input"
