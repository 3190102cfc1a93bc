// Hapi.
const fs = require('fs');
const { PassThrough } = require('stream');
const Hapi = require('@hapi/hapi');
const word = fs.readFileSync('/code/word', 'utf8');
const server = Hapi.server({ port: Number(process.env.OWN_PORT), host: '0.0.0.0' });
const get = (path, handler) => server.route({ method: 'GET', path, handler });
get('/', () => word);
get('/where', () => `${__dirname} ${process.cwd()}`);
server.route({
  method: 'POST', path: '/length',
  options: { payload: { parse: false, output: 'data', maxBytes: 33554432 } },
  handler: (request) => String(request.payload.length),
});
get('/big', (request) => Buffer.alloc(Number(request.query.bytes), 'x'));
get('/stream', (request, h) => {
  const stream = new PassThrough();
  let sent = 0;
  const timer = setInterval(() => {
    stream.write(`chunk ${sent++}\n`);
    if (sent === 3) { clearInterval(timer); stream.end(); }
  }, 200);
  return h.response(stream);
});
get('/slow', async (request) => {
  console.log('slow begins');
  request.raw.req.on('close', () => console.log('slow client left'));
  await new Promise(() => {});
});
server.start();
