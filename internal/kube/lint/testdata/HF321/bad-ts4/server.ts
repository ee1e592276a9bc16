// a greeting
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
console.log("server started"); // want HF321
await server.connect(new StdioServerTransport());
