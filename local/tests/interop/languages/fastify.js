// Fastify.
const fs = require('fs');
const { PassThrough } = require('stream');
const word = fs.readFileSync('/code/word', 'utf8');
const app = require('fastify')({ bodyLimit: 33554432 });
app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => done(null, body));
app.get('/', async () => word);
app.get('/where', async () => `${__dirname} ${process.cwd()}`);
app.post('/length', async (request) => String(request.body.length));
app.get('/big', async (request, reply) => reply.send(Buffer.alloc(Number(request.query.bytes), 'x')));
app.get('/stream', async (request, reply) => {
  const stream = new PassThrough();
  let sent = 0;
  const timer = setInterval(() => {
    stream.write(`chunk ${sent++}\n`);
    if (sent === 3) { clearInterval(timer); stream.end(); }
  }, 200);
  return reply.send(stream);
});
app.get('/slow', async (request) => {
  console.log('slow begins');
  request.raw.on('close', () => console.log('slow client left'));
  await new Promise(() => {});
});
app.listen({ port: Number(process.env.OWN_PORT), host: '0.0.0.0' });
