// A client of the Model Context Protocol, by its official npm package. Each line of the standard input is a tool and, after a
// space, its arguments as JSON; `again` begins a new session. Each line of the output is what the tool said, or the error.
const { Client } = require('@modelcontextprotocol/sdk/client/index.js');
const { StreamableHTTPClientTransport } = require('@modelcontextprotocol/sdk/client/streamableHttp.js');
const readline = require('readline');

const url = new URL(process.argv[2]);
let client;
const connect = async () => {
  client = new Client({ name: 'test', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(url));
  const { tools } = await client.listTools();
  console.log('tools: ' + tools.map((tool) => tool.name).join(' '));
};
const call = async (line) => {
  const [name, ...rest] = line.split(' ');
  let steps = 0;
  const options = { timeout: 10_000, onprogress: () => { steps += 1; } };
  const result = await client.callTool({ name, arguments: JSON.parse(rest.join(' ') || '{}') }, undefined, options);
  const text = result.content.map((content) => content.text).join(' ');
  console.log(steps > 0 ? `${text} in ${steps} steps` : text);
};
(async () => {
  await connect();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    try {
      await (line === 'again' ? connect() : call(line));
    } catch (error) {
      console.log(`error: ${error.message.split('\n')[0]}`);
    }
  }
  await client.close();
  process.exit(0);
})();
