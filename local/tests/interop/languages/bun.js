// Bun's own server.
const word = await Bun.file('/code/word').text();
Bun.serve({
  port: Number(process.env.OWN_PORT),
  hostname: '0.0.0.0',
  maxRequestBodySize: 33554432,
  async fetch(request) {
    const url = new URL(request.url);
    if (url.pathname === '/where') return new Response(`${import.meta.dir} ${process.cwd()}`);
    if (url.pathname === '/length') return new Response(String((await request.arrayBuffer()).byteLength));
    if (url.pathname === '/big') return new Response('x'.repeat(Number(url.searchParams.get('bytes'))));
    if (url.pathname === '/stream') {
      return new Response(new ReadableStream({
        async start(stream) {
          for (let sent = 0; sent < 3; sent++) {
            await Bun.sleep(200);
            stream.enqueue(`chunk ${sent}\n`);
          }
          stream.close();
        },
      }));
    }
    if (url.pathname === '/slow') {
      console.log('slow begins');
      request.signal.addEventListener('abort', () => console.log('slow client left'));
      await new Promise(() => {});
    }
    return new Response(word);
  },
});
