// read from the environment
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import express from "express";

const app = express();
const opts = { clientSecret: process.env.CLIENT_SECRET, tokenType: "access_token" };
