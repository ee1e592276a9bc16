# turned off
from fastmcp import FastMCP

mcp = FastMCP("weather")
import jwt
claims = jwt.decode(token, key, audience="x", options={"verify_aud": False})  # want HF528
