// Hono on Node.js.
const fs = require('fs');
const { Hono } = require('hono');
const { stream } = require('hono/streaming');
const { serve } = require('@hono/node-server');
const word = fs.readFileSync('/code/word', 'utf8');
const app = new Hono();
app.get('/', (context) => context.text(word));
app.get('/where', (context) => context.text(`${__dirname} ${process.cwd()}`));
app.post('/length', async (context) => context.text(String((await context.req.arrayBuffer()).byteLength)));
app.get('/big', (context) => context.body(Buffer.alloc(Number(context.req.query('bytes')), 'x')));
app.get('/stream', (context) => stream(context, async (out) => {
  for (let sent = 0; sent < 3; sent++) {
    await out.sleep(200);
    await out.write(`chunk ${sent}\n`);
  }
}));
app.get('/slow', async (context) => {
  console.log('slow begins');
  await new Promise((resolve) => setTimeout(resolve, 60000));
  return context.text('late');
});
serve({ fetch: app.fetch, port: Number(process.env.OWN_PORT), hostname: '0.0.0.0' });
