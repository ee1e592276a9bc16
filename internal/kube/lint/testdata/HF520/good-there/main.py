from fastmcp import FastMCP

mcp = FastMCP("weather")
import jwt
from fastapi import FastAPI
import httpx
